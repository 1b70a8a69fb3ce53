from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from urllib.parse import parse_qs
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.records import listing
from app.core.records.fields import ParseContext
from app.core.records.listing import Cursor
from app.leads.definition import LEADS
from tests.records.conftest import IDA

ROW = UUID("01900000-0000-7000-8000-0000000000aa")
SORTS = [sort.name for sort in LEADS.sorts]
PARAMETERS = [
    "q",
    "sort",
    "columns",
    "cursor",
    "view",
    "rating",
    "status",
    "owner_id",
    "tags",
    "do_not_contact",
    "estimated_value_min",
    "next_follow_up_to",
    "last_contacted_at_from",
]


def read(context: ParseContext, address: str) -> listing.ListRequest:
    return listing.read(LEADS, parse_qs(address.removeprefix("?")), context)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "?q=jos%C3%A9+%26+co",
        "?rating=hot&rating=cold&tags=a&tags=b%2Cc&sort=name",
        f"?owner_id={IDA}&owner_id=none&estimated_value_min=10&estimated_value_max=1%2C250.50",
        "?next_follow_up_from=2026-01-01&last_contacted_at_to=2026-01-02T03%3A04&do_not_contact=no",
        "?columns=city%2Ctags&view=01900000-0000-7000-8000-0000000000aa",
    ],
)
def test_the_address_is_the_whole_state(context: ParseContext, address: str) -> None:
    state = read(context, address)
    again = read(context, state.search_string())
    assert (again.query, again.filters, again.sort, again.columns, again.view_id) == (
        state.query,
        state.filters,
        state.sort,
        state.columns,
        state.view_id,
    )
    assert state.problems == again.problems == ()
    stored = {key: list(values) for key, values in state.stored().items()}
    saved = listing.read(LEADS, stored, context)
    assert (saved.query, saved.filters, saved.sort, saved.columns) == (
        state.query,
        state.filters,
        state.sort,
        state.columns,
    )


@given(st.dictionaries(st.sampled_from(PARAMETERS), st.lists(st.text(max_size=30), max_size=3)))
@settings(max_examples=300, deadline=None)
def test_nothing_in_an_address_breaks_it(context: ParseContext, args: dict[str, list[str]]) -> None:
    state = listing.read(LEADS, args, context)
    again = read(context, state.search_string())
    assert again.filters == state.filters
    assert again.query == state.query
    assert "\x00" not in json.dumps(state.stored(), ensure_ascii=False)


@given(st.one_of(st.text(max_size=80), st.integers(-(2**63), 2**63 - 1)), st.uuids(), st.booleans())
def test_a_cursor_comes_back(value: str | int, row: UUID, backwards: bool) -> None:
    cursor = Cursor(value, row, backwards)
    decoded = Cursor.decode(cursor.encode())
    if isinstance(value, str) and "\x00" in value:
        assert decoded is None
    else:
        assert decoded == cursor


@given(st.text(max_size=200) | st.binary(max_size=150).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
@settings(max_examples=400)
def test_a_malformed_cursor_is_none(text: str) -> None:
    decoded = Cursor.decode(text)
    assert decoded is None or isinstance(decoded, Cursor)


def encoded(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        encoded(),
        encoded("a"),
        encoded("a", "b", 0),
        encoded(None, str(ROW), 0),
        encoded(True, str(ROW), 0),
        encoded(1.5, str(ROW), 0),
        encoded(2**63, str(ROW), 0),
        encoded("a\x00", str(ROW), 0),
        encoded("\ud800", str(ROW), 0),
        encoded("a", str(ROW), 0, 1),
        encoded(["a"], str(ROW), 0),
        base64.urlsafe_b64encode(b"[" * 5000).decode(),
        base64.urlsafe_b64encode(b"{}").decode(),
    ],
)
def test_what_is_no_cursor_of_ours(text: str) -> None:
    assert Cursor.decode(text) is None


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("value", ["a", 5, "2026-11-21T08:30:00+00:00", "2026-11-21", "9" * 30])
def test_a_cursor_is_used_only_with_a_sort_it_fits(context: ParseContext, sort: str, value: str | int) -> None:
    state = read(context, f"sort={sort}&cursor={Cursor(value, ROW).encode()}")
    column = state.sort.column
    if column == "id":
        fits = True
    elif column == "updated_at":
        fits = value == "2026-11-21T08:30:00+00:00"
        assert not fits or (state.cursor and state.cursor.value == datetime(2026, 11, 21, 8, 30, tzinfo=UTC))
    else:
        fits = isinstance(value, int) is column.endswith("_order")
    assert (state.cursor is not None) is fits
    assert bool(state.problems) is not fits


def test_a_long_search_is_cut_and_said(context: ParseContext) -> None:
    state = read(context, f"q={'x' * 300}")
    assert len(state.query) == 200
    assert "first 200 characters" in state.problems[0]


def test_tags_must_all_match_other_values_any(context: ParseContext) -> None:
    state = read(context, "tags=a,b&rating=hot&rating=none")
    assert state.tags == ("a", "b")
    (rating,) = state.conditions
    assert rating.value == ["hot", None]
    assert state.searches
    assert state.without(state.filters[-1]).count("=") == 3
