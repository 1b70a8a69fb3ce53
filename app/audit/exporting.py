"""The log as CSV, by the writer every export uses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from app.audit import queries
from app.audit.presenting import said
from app.audit.queries import LogFilter
from app.core.scope import Scope
from app.core.transfer import exporting

HEADER = ("When", "Who", "What", "Type", "Kind", "Record", "Details", "Person", "Event", "In the chain")


def export_log(scope: Scope, wanted: LogFilter, people: Mapping[UUID, str], *, database_url: str) -> Iterator[bytes]:
    """The bytes, newest event first; times in the reader's zone, details as JSON."""

    def cells(row: Any) -> Sequence[str]:
        details = json.dumps(row.data, ensure_ascii=False, separators=(",", ":"))
        at = row.at.astimezone(scope.zone_info).isoformat(timespec="milliseconds")
        ids = (str(row.actor_id or ""), str(row.id))
        what = (said(row, people), row.type, row.subject_kind, str(row.subject_id), details)
        return (at, row.actor_name, *what, *ids, "yes" if row.chained else "not yet")

    query = queries.export_query(scope, wanted)
    return exporting.export_lines(scope, query, HEADER, cells, database_url=database_url)


def filename(scope: Scope) -> str:
    return f"audit-{scope.now.astimezone(scope.zone_info).date().isoformat()}.csv"
