"""Cells a spreadsheet would run are made harmless, and come back as they were."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.transfer.formulas import SQL_PATTERN, neutralise, restore

TEXTS = st.one_of(st.text(), st.text(alphabet="'=+-@\uff1d\uff0b\t\r\0a1 "))


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+49 30 1", "-5", "@here", "\tx", "\rx", "\0x", "'=1", "''+1", "\uff1d1", "\uff201"],
)
def test_dangerous_cells_get_one_apostrophe(text: str) -> None:
    assert neutralise(text) == "'" + text


@pytest.mark.parametrize("text", ["", "O'Brien", "'quoted'", "a=b", " =1", "5", "''"])
def test_harmless_cells_stay(text: str) -> None:
    assert neutralise(text) == text
    assert restore(text) == text


@given(TEXTS)
def test_the_way_back_is_exact(text: str) -> None:
    assert restore(neutralise(text)) == text


@given(TEXTS)
def test_nothing_dangerous_comes_first(text: str) -> None:
    assert not neutralise(text).startswith(("=", "+", "-", "@", "\t", "\r", "\0"))


@given(TEXTS.filter(lambda text: "\0" not in text))
def test_the_pattern_for_sql_says_the_same(text: str) -> None:
    assert (re.match(SQL_PATTERN, text) is not None) == (neutralise(text) != text)
