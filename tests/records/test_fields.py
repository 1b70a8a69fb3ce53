from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.records.fields import (
    Boolean,
    Choice,
    Currency,
    Date,
    DateTime,
    Email,
    Field,
    FieldError,
    FieldType,
    LongText,
    Money,
    ParseContext,
    Person,
    Phone,
    Tags,
    Text,
    Url,
)
from app.core.scope import Scope
from tests.records.conftest import IDA

COLOURS = Choice((("red", "Red", "danger"), ("off-white", "Off white", "neutral")))
VALID: list[tuple[FieldType, str, Any]] = [
    (Text(), "  two   words ", "two words"),
    (Text(), "line\r\nbreak\x00", "line break"),
    (Text(), "   ", None),
    (LongText(), " a\r\n\r\nb ", "a\n\nb"),
    (Email(), "John.Doe+x@Example.COM", "John.Doe+x@example.com"),
    (Email(), "jörg@bücher.example", "jörg@bücher.example"),
    (Phone(), "(212) 555-0100", "+12125550100"),
    (Phone(), "212.555.0100 x12", "+12125550100;ext=12"),
    (Phone(), "+49 30 901820", "+4930901820"),
    (Phone(), "tel:+1-212-555-0100", "+12125550100"),
    (Url(), "example.com", "https://example.com"),
    (Url(), "http://example.com:8080/a?b=c#d", "http://example.com:8080/a?b=c#d"),
    (Url(), "example.com:8080", "https://example.com:8080"),
    (COLOURS, "RED", "red"),
    (COLOURS, "off white", "off-white"),
    (COLOURS, "", None),
    (Currency(), "eur", "EUR"),
    (Money(), "1250", Decimal("1250.00")),
    (Money(), "1250.5", Decimal("1250.50")),
    (Money(), "1,250.50", Decimal("1250.50")),
    (Money(), "1.250,50", Decimal("1250.50")),
    (Money(), "1.250.000", Decimal("1250000.00")),
    (Money(), "1 250,50", Decimal("1250.50")),
    (Money(), "1’250.50", Decimal("1250.50")),
    (Money(), "€ 20", Decimal("20.00")),
    (Money(), "20 EUR", Decimal("20.00")),
    (Money(), "$1,000,000", Decimal("1000000.00")),
    (Money(), "0.125", Decimal("0.12")),
    (Money(), "0", Decimal("0.00")),
    (Money(), "9999999999999.99", Decimal("9999999999999.99")),
    (Date(), "2026-11-21", date(2026, 11, 21)),
    (Date(), "11/21/2026", date(2026, 11, 21)),
    (Date(), "3/4/2026", date(2026, 3, 4)),
    (Date(), "21 Nov 2026", date(2026, 11, 21)),
    (Date(), "November 21, 2026", date(2026, 11, 21)),
    (DateTime(), "2026-11-21T08:30", datetime(2026, 11, 21, 13, 30, tzinfo=UTC)),
    (DateTime(), "2026-07-01T08:30:15", datetime(2026, 7, 1, 12, 30, 15, tzinfo=UTC)),
    (DateTime(), "2026-11-21T08:30:00Z", datetime(2026, 11, 21, 8, 30, tzinfo=UTC)),
    (DateTime(), "2026-11-21 08:30:00.123456+01:00", datetime(2026, 11, 21, 7, 30, tzinfo=UTC)),
    (Boolean(), "Yes", True),
    (Boolean(), "on", True),
    (Boolean(), "0", False),
    (Boolean(), "", False),
    (Person(), str(IDA), IDA),
    (Person(), "IDA@acme.example", IDA),
    (Person(), "Ida José", IDA),
    (Tags(), "a, A, b c", ("a", "b c")),
    (Tags(), "", ()),
]
REFUSED: list[tuple[FieldType, str, str]] = [
    (Text(), "x" * 201, "Thing can have 200 characters at most; this has 201."),
    (Email(), "john", "“john” is not an e-mail address"),
    (Email(), "john@", "“john@” is not an e-mail address"),
    (Email(), "john@exa mple", "“john@exa mple” is not an e-mail address"),
    (Email(), "john@bad..example", "“john@bad..example” is not an e-mail address"),
    (Email(), "a@b@c.example", "“a@b@c.example” is not an e-mail address"),
    (Email(), "x" * 255 + "@example.com", "at most"),
    (Phone(), "abc", "“abc” is not a phone number."),
    (Phone(), "12", "not a"),
    (Phone(), "+999 1234567", "“+999 1234567” is not a phone number."),
    (Phone(), "1" * 50, "not a"),
    (Url(), "javascript:alert(1)", "is not a web address"),
    (Url(), "JaVaScRiPt:alert(1)", "is not a web address"),
    (Url(), "javascript:1", "is not a web address"),
    (Url(), "java\tscript:alert(1)", "is not a web address"),
    (Url(), "data:text/html,<script>", "is not a web address"),
    (Url(), "vbscript:x", "is not a web address"),
    (Url(), "file:///etc/passwd", "is not a web address"),
    (Url(), "//example.com", "is not a web address"),
    (Url(), "https://user:pass@example.com", "is not a web address"),
    (Url(), "https://example.com\\@evil.example", "is not a web address"),
    (Url(), "not a url", "is not a web address"),
    (COLOURS, "blue", "Thing cannot be “blue”. It can be: Red, Off white."),
    (Currency(), "XXQ", "is not a currency code"),
    (Money(), "much", "“much” is not an amount. Write it like 1250.50."),
    (Money(), "1.250", "“1.250” can be read two ways. Write 1250 or 1.25."),
    (Money(), "-5", "Thing must be at least 0"),
    (Money(), "NaN", "Thing must be at least 0"),
    (Money(), "Infinity", "Thing must be at least 0"),
    (Money(), "1e400", "Thing must be at least 0"),
    (Money(), "9999999999999.999", "Thing must be at least 0"),
    (Money(), "10000000000000", "Thing must be at least 0"),
    (Money(), "1,25,0", "is not an amount"),
    (Money(), "=1+1", "is not an amount"),
    (Date(), "soon", "Thing: “soon” is not a date. Write it like 2026-11-21."),
    (Date(), "10", "is not a date"),
    (Date(), "monday", "is not a date"),
    (Date(), "May 2026", "is not a date"),
    (Date(), "2026-02-30", "is not a date"),
    (Date(), "31/31/2026", "is not a date"),
    (Date(), "1800-01-01", "the year must be between 1900 and 2200"),
    (DateTime(), "25:00", "is not a date"),
    (Boolean(), "maybe", "Thing: write yes or no, not “maybe”."),
    (Person(), "Nobody", "Thing: nobody here is called “Nobody”."),
    (Tags(), "x" * 51, "A tag can have 50 characters at most"),
    (Tags(), ",".join(f"t{number}" for number in range(31)), "At most 30 tags; this has 31."),
]
TYPES = [
    Text(),
    LongText(),
    Email(),
    Phone(),
    Url(),
    COLOURS,
    Currency(),
    Money(),
    Date(),
    DateTime(),
    Boolean(),
    Person(),
    Tags(),
]


def field(kind: FieldType) -> Field:
    return Field("thing", "Thing", kind)


@pytest.mark.parametrize(("kind", "typed", "value"), VALID, ids=lambda part: repr(part)[:40])
def test_valid(kind: FieldType, typed: str, value: Any, context: ParseContext) -> None:
    assert field(kind).parse(typed, context) == value


@pytest.mark.parametrize(("kind", "typed", "sentence"), REFUSED, ids=lambda part: repr(part)[:40])
def test_refused_with_a_sentence(kind: FieldType, typed: str, sentence: str, context: ParseContext) -> None:
    with pytest.raises(FieldError) as refused:
        field(kind).parse(typed, context)
    assert sentence in str(refused.value)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: type(kind).__name__)
@given(text=st.text(max_size=60) | st.from_regex(r"[-+0-9.,:/ T€$eE%]{1,30}", fullmatch=True))
@settings(max_examples=150, deadline=None)
def test_anything_is_a_value_or_a_sentence_and_a_value_survives_the_form(
    kind: FieldType, text: str, context: ParseContext
) -> None:
    spec = field(kind)
    try:
        value = spec.parse(text, context)
    except FieldError:
        return
    again = spec.type.text(value, context.scope)
    assert "\x00" not in again
    if value is not None and not isinstance(kind, Person):
        assert spec.parse(again, context) == value
    spec.type.show(value, context.scope)


def test_needed_and_missing(context: ParseContext) -> None:
    with pytest.raises(FieldError, match=r"Thing is needed\."):
        Field("thing", "Thing", required=True).parse("  ", context)


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (Phone(), "+12125550100;ext=5", "(212) 555-0100 ext. 5"),
        (Phone(), "+4930901820", "+49 30 901820"),
        (Phone(), "rubbish", "rubbish"),
        (Money(), Decimal("1250.5"), "1,250.50"),
        (Date(), date(2026, 11, 21), "Nov 21, 2026"),
        (Boolean(), True, "Yes"),
        (COLOURS, "off-white", "Off white"),
        (COLOURS, "gone", "gone"),
        (Tags(), ("a", "b"), "a, b"),
        (Text(), None, ""),
    ],
)
def test_shown(kind: FieldType, value: Any, shown: str, scope: Scope) -> None:
    assert kind.show(value, scope) == shown


def test_an_instant_is_shown_in_the_readers_zone(scope: Scope) -> None:
    moment = datetime(2026, 11, 21, 13, 30, tzinfo=UTC)
    assert DateTime().show(moment, scope).replace("\u202f", " ") == "Nov 21, 2026, 8:30:00 AM"
    assert DateTime().text(moment, scope) == "2026-11-21T08:30:00"


def test_day_first_is_said_not_guessed(scope: Scope) -> None:
    assert field(Date()).parse("3/4/2026", ParseContext(scope, day_first=True)) == date(2026, 4, 3)
