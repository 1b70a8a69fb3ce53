"""What records are there: pages of a list, counts, one record, its timeline. Shared by every kind.

Every read goes through `visible` (whose records the asker sees: `records.reach`), nearly every one through `live`,
which are those that are not deleted; the tenant is the database's own condition. Search and tags go through the
kind's definer function, because full-text operators may not use their index below a row-level security policy
(measured; see docs/performance.md).
"""

from __future__ import annotations

from app.core.records.queries.beside import get_note, get_view, list_changes, list_events, list_notes, list_views
from app.core.records.queries.board import CARDS, BoardColumn, list_board
from app.core.records.queries.lists import (
    COUNT_CAP,
    SEARCH_CAP,
    Count,
    ListPage,
    count_query,
    count_records,
    count_states,
    cursor_of,
    list_ids,
    list_next,
    list_records,
    search_is_capped,
    selection_query,
)
from app.core.records.queries.rows import (
    changeable,
    get_record,
    is_owned_by,
    list_by_ids,
    list_changeable,
    list_similar,
    live,
    locked,
    visible,
)

__all__ = [
    "CARDS",
    "COUNT_CAP",
    "SEARCH_CAP",
    "BoardColumn",
    "Count",
    "ListPage",
    "changeable",
    "count_query",
    "count_records",
    "count_states",
    "cursor_of",
    "get_note",
    "get_record",
    "get_view",
    "is_owned_by",
    "list_board",
    "list_by_ids",
    "list_changeable",
    "list_changes",
    "list_events",
    "list_ids",
    "list_next",
    "list_notes",
    "list_records",
    "list_similar",
    "list_views",
    "live",
    "locked",
    "search_is_capped",
    "selection_query",
    "visible",
]
