"""What each page of a record kind needs, gathered from queries into dataclasses that templates print."""

from __future__ import annotations

from app.core.records.pages.board import BoardPage, board_column, board_field, board_page
from app.core.records.pages.dialogs import (
    NAMED,
    ConflictPage,
    DeletePage,
    MovePage,
    conflict_page,
    delete_page,
    move_page,
)
from app.core.records.pages.inputs import (
    FilterInput,
    FormInput,
    FormPage,
    blank_form,
    filled_form,
    form_input,
    form_page,
    offered,
    similar_records,
)
from app.core.records.pages.lists import (
    Column,
    ListPageView,
    ListTable,
    counted_lists,
    list_page,
    list_table,
    list_tabs,
    sample_listing,
    view_tab,
)
from app.core.records.pages.record import FieldPage, RecordPage, field_page, inline_field, record_page

__all__ = [
    "NAMED",
    "BoardPage",
    "Column",
    "ConflictPage",
    "DeletePage",
    "FieldPage",
    "FilterInput",
    "FormInput",
    "FormPage",
    "ListPageView",
    "ListTable",
    "MovePage",
    "RecordPage",
    "blank_form",
    "board_column",
    "board_field",
    "board_page",
    "conflict_page",
    "counted_lists",
    "delete_page",
    "field_page",
    "filled_form",
    "form_input",
    "form_page",
    "inline_field",
    "list_page",
    "list_table",
    "list_tabs",
    "move_page",
    "offered",
    "record_page",
    "sample_listing",
    "similar_records",
    "view_tab",
]
