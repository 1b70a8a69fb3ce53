"""Whatever names a stored file is known to the job that removes those nobody names."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import Text

from app.extensions import Base
from jobs.files import HOLDERS

NO_FILES = {
    *("idempotency_keys.key", "outgoing_mails.key", "notices.key", "ticket_messages.key", "received_mails.key"),
    *("alerts.key", "event_chain.key", "event_chain_heads.key"),
}
"""Columns whose name sounds like it and that hold something else, beyond keys that sort and compare."""
SORTED = (
    "_name_key",
    "name_key",
    "title_key",
    "match_key",
    "email_key",
    "requester_key",
    "seal_key",
    "account_key",
    "company_key",
)


def _keys() -> set[str]:
    return {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, Text) and (column.name == "key" or column.name.endswith("_key"))
    }


def test_every_column_with_a_stored_file_is_known(app: Flask) -> None:
    known = {f"{column.class_.__tablename__}.{column.key}" for column in HOLDERS}
    strange = {name for name in _keys() - known - NO_FILES if not name.endswith(SORTED)}
    assert not strange, f"{strange}: does it hold a key of the store of files? Then add it to HOLDERS in jobs/files.py"


def test_the_known_ones_are_there(app: Flask) -> None:
    assert len(HOLDERS) >= 3
    assert {f"{column.class_.__tablename__}.{column.key}" for column in HOLDERS} <= _keys()


@pytest.mark.parametrize("name", sorted(NO_FILES))
def test_the_list_is_not_longer_than_needed(app: Flask, name: str) -> None:
    assert name in _keys(), f"{name} is gone: take it off the list"
