"""A record's place on a board, for the migrations that give it one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.records import LIVE

# As in app/core/records/ranks.py, whose text may change later: a migration never does.
_FRESH = "'M' || lpad(to_hex(72057594037927935 - (extract(epoch from clock_timestamp()) * 1000000)::bigint), 14, '0')"


def add(table: str, *columns: str) -> None:
    """The column and its indexes. Rows there are get places in the order they are stored, later ones first."""
    rank = sa.Column("board_rank", sa.Text(collation="C"), nullable=False, server_default=sa.text(_FRESH))
    op.add_column(table, rank)
    op.create_index(f"ix_{table}_board_rank", table, ["tenant_id", "board_rank", "id"], postgresql_where=LIVE)
    _index(table, *columns)


def remove(table: str, *columns: str) -> None:
    _unindex(table, *columns)
    op.drop_index(f"ix_{table}_board_rank", table)
    op.drop_column(table, "board_rank")


def begin(table: str, *columns: str) -> None:
    """The same for a table whose column and first index are there: empty places are filled, below its policy."""
    op.execute(
        f'alter table {table} alter column board_rank type text collate "C" '
        f"using case when board_rank = '' then {_FRESH} else board_rank end"
    )
    op.execute(f"alter table {table} alter column board_rank set default {_FRESH}")
    _index(table, *columns)


def end(table: str, *columns: str) -> None:
    _unindex(table, *columns)
    op.execute(f"alter table {table} alter column board_rank drop default")


def _index(table: str, *columns: str) -> None:
    """The order within each value of these columns."""
    for column in columns:
        names = ["tenant_id", column, "board_rank", "id"]
        op.create_index(f"ix_{table}_{column}_board", table, names, postgresql_where=LIVE)


def _unindex(table: str, *columns: str) -> None:
    for column in columns:
        op.drop_index(f"ix_{table}_{column}_board", table)
