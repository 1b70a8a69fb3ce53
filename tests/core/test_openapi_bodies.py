"""A body is checked against the schema that is documented; each thing that does not fit gets a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.errors import Invalid
from app.core.openapi import obj, text
from app.core.openapi.bodies import BadJson, _parsed, check

SCHEMA = obj(
    {
        "name": text(5, least=1),
        "email": text(254, null=True, format="email"),
        "day": {"type": "string", "format": "date"},
        "at": {"type": "string", "format": "date-time"},
        "who": {"type": "string", "format": "uuid"},
        "tags": {"type": "array", "items": text(3), "maxItems": 2},
        "many": {"type": "integer", "minimum": 1, "maximum": 9},
        "colour": {"enum": ["red", "blue"]},
    },
    required=("name",),
    **{"x-read-only": ["id"]},
)


@pytest.mark.parametrize(
    ("body", "field", "part"),
    [
        ({}, "name", "needed"),
        ({"name": ""}, "name", "empty"),
        ({"name": "abcdef"}, "name", "At most 5"),
        ({"name": 5}, "name", "text in quotation marks"),
        ({"name": "a", "email": "x"}, "email", "e-mail address"),
        ({"name": "a", "day": "2026-02-30"}, "day", "a date"),
        ({"name": "a", "at": "2026-02-03"}, "at", "an instant"),
        ({"name": "a", "who": "x"}, "who", "an id"),
        ({"name": "a", "tags": ["abcd"]}, "tags", "At most 3"),
        ({"name": "a", "tags": ["a", "b", "c"]}, "tags", "At most 2"),
        ({"name": "a", "many": 0}, "many", "at least 1"),
        ({"name": "a", "many": 10}, "many", "at most 9"),
        ({"name": "a", "many": True}, "many", "whole number"),
        ({"name": "a", "colour": "green"}, "colour", '"red", "blue"'),
        ({"name": "a", "id": "x"}, "id", "kept by Fairlead"),
        ({"name": "a", "what": 1}, "what", "no such field"),
    ],
)
def test_what_does_not_fit_is_said(body: Any, field: str, part: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(SCHEMA, body)
    assert list(refused.value.errors) == [field]
    assert part in refused.value.errors[field]


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        check(SCHEMA, {"day": "x", "id": 1, "many": 0})
    assert set(refused.value.errors) == {"name", "day", "id", "many"}


def test_what_fits_passes() -> None:
    check(SCHEMA, {"name": "abc", "email": None, "day": "2026-02-03", "at": "2026-02-03T01:02:03Z", "tags": ["a"]})


@pytest.mark.parametrize("data", [b"", b"{", b"{'a': 1}", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(BadJson):
        _parsed(data)
