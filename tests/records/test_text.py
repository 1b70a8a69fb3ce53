from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.records.text import (
    clean,
    fold,
    phone_words,
    prefix_query,
    search_text,
    sort_key,
    split_tags,
    tag_key,
    words,
)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  a b  ", "a b"),
        ("a\x00b\x07\x1b[31m", "ab[31m"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("e\u0301", "é"),
        ("a\ud800b", "ab"),
        ("\ufeffa", "\ufeffa"),
        ("a\tb", "a\tb"),
        ("\x00", ""),
    ],
)
def test_clean(typed: str, kept: str) -> None:
    assert clean(typed) == kept


@given(st.text())
def test_clean_is_done_once_and_for_all(text: str) -> None:
    kept = clean(text)
    assert clean(kept) == kept
    assert "\x00" not in kept
    kept.encode()


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("José", "jose"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("ÉCOLE", "ecole"),
        ("Ⅳ", "iv"),
        ("日本", "日本"),
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_sort_keys_order_names_as_people_do_and_empty_ones_last() -> None:
    names = ["", "Zoë", "émile", "Ann", None, "bob"]
    assert sorted(names, key=lambda name: sort_key(name)) == ["Ann", "bob", "émile", "Zoë", "", None]
    assert len(sort_key("x" * 500)) == 120


def test_words_are_what_stands_between_signs() -> None:
    assert words("O'Neil-Smith, jörg@x_y.example (42)") == ["o", "neil", "smith", "jorg", "x", "y", "example", "42"]
    assert words("w" * 100) == ["w" * 60]
    assert search_text(["a b", None, "B c"]) == "a b c"


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("", None),
        ("!!! --", None),
        ("José n", "jose:* & n:*"),
        ("a & b | !c:* <-> 'd'", "a:* & b:* & c:* & d:*"),
        ("a b c d e f g h i j", "a:* & b:* & c:* & d:* & e:* & f:* & g:* & h:*"),
        ("212 555", "(212:* & 555:* | 212555:*)"),
        ("0.0/0.0", "0:* & 0:* & 0:* & 0:*"),
        ("0301234567", "(0301234567:* | 301234567:*)"),
    ],
)
def test_a_search_cannot_break_out_of_its_query(typed: str, query: str | None) -> None:
    assert prefix_query(typed) == query


def test_tags_are_quoted() -> None:
    assert prefix_query("", ["it's", "a\\b"]) == "'#it''s' & '#a\\\\b'"
    assert tag_key("Café") == "#cafe"


@pytest.mark.parametrize(
    ("typed", "tags"),
    [
        ("a, B;c\nd", ("a", "B", "c", "d")),
        (" ,, a ,A, Á", ("a",)),
        ("two  words", ("two words",)),
        ("", ()),
    ],
)
def test_split_tags(typed: str, tags: tuple[str, ...]) -> None:
    assert split_tags(typed) == tags


def test_a_number_is_found_with_and_without_its_country() -> None:
    assert phone_words("+12125550100;ext=5").split()[:2] == ["12125550100", "2125550100"]
    assert phone_words(None) == ""
