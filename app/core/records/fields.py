"""The types a record's field can have: how each reads what was typed, shows itself, filters and exports.

A type is stateless. `parse` turns text from a form or a file into a value, or raises `FieldError` with a
sentence; `text` is its inverse (what an input holds and an export writes); `show` is what people read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, ClassVar
from uuid import UUID

import phonenumbers
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from dateutil import parser as dates
from email_validator import EmailNotValidError, validate_email

from app.core.records.text import clean, fold, split_tags
from app.core.scope import Scope


class FieldError(ValueError):
    """What was typed cannot be this field's value; the message is a sentence for the person."""


@dataclass(frozen=True, slots=True)
class ParseContext:
    """What parsing may need to know: the asker, and people by id, address and name (all lower case)."""

    scope: Scope
    people: Mapping[str, UUID] = field(default_factory=dict)
    day_first: bool = False


class FieldType:
    """Base of the types: short text. `widget` names the input macro, `operators` what a filter can do."""

    widget: ClassVar[str] = "text"
    operators: ClassVar[tuple[str, ...]] = ()
    empty: ClassVar[Any] = None

    def parse(self, raw: str, spec: Field, context: ParseContext) -> Any:
        """The value of `raw`, or `empty` if it is blank.

        Raises:
            FieldError: with a sentence that says what is wrong and what would be right.
        """
        text = clean(raw)
        if not text:
            return self.empty
        if len(text) > spec.max_length:
            raise FieldError(f"{spec.label} can have {spec.max_length:,} characters at most; this has {len(text):,}.")
        return self.convert(text, spec, context)

    def convert(self, text: str, spec: Field, context: ParseContext) -> Any:
        return " ".join(text.split())

    def text(self, value: Any, scope: Scope) -> str:
        return "" if value is None else str(value)

    def show(self, value: Any, scope: Scope) -> str:
        return self.text(value, scope)


class Text(FieldType):
    pass


class LongText(FieldType):
    widget = "textarea"

    def convert(self, text: str, spec: Field, context: ParseContext) -> str:
        return text


class Email(FieldType):
    widget = "email"
    # What nearly every address looks like; anything else goes through the library in full.
    _plain = re.compile(r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*", re.IGNORECASE)

    def convert(self, text: str, spec: Field, context: ParseContext) -> str:
        local, at, domain = text.rpartition("@")
        if at and len(local) <= 64 and len(text) <= 254 and self._plain.fullmatch(local):
            try:
                return f"{local}@{_mail_domain(domain)}"
            except FieldError:
                pass  # said again below, of what was typed
        return _address(text)


@lru_cache(maxsize=20_000)
def _mail_domain(domain: str) -> str:
    return _address(f"someone@{domain}").rpartition("@")[2]


def _address(text: str) -> str:
    """The address in normal form by email-validator (RFC 5321, 5322, 6531); nothing is looked up."""
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as wrong:
        raise FieldError(f"“{text[:80]}” is not an e-mail address: {wrong}") from wrong


class Phone(FieldType):
    """Kept as E.164, shown in the international form; an extension is kept."""

    widget = "tel"

    def convert(self, text: str, spec: Field, context: ParseContext) -> str:
        try:
            number = phonenumbers.parse(text, context.scope.region)
        except phonenumbers.NumberParseException as wrong:
            raise FieldError(f"“{text[:40]}” is not a phone number.") from wrong
        if not phonenumbers.is_possible_number(number):
            raise FieldError(
                f"“{text[:40]}” is not a possible phone number. Write it with its country code, like +1 212 555 0100."
            )
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        return f"{e164};ext={number.extension}" if number.extension else e164

    def show(self, value: Any, scope: Scope) -> str:
        return _shown_number(value, scope.region) if value else ""


@lru_cache(maxsize=4096)
def _shown_number(value: str, region: str) -> str:
    try:
        number = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        return value
    home = phonenumbers.region_code_for_number(number) == region
    style = phonenumbers.PhoneNumberFormat.NATIONAL if home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, style)


class Url(FieldType):
    """An http or https address; a bare host gets https. Other schemes could run as script when clicked."""

    widget = "url"
    _shape = re.compile(r"https?://[^\s/?#:@\\]+(?:\.[^\s/?#:@\\]+)+(?::\d{1,5})?(?:[/?#][^\s\\]*)?", re.IGNORECASE)

    def convert(self, text: str, spec: Field, context: ParseContext) -> str:
        url = text if re.match(r"[a-z][a-z0-9+.-]*:(?!\d)", text, re.IGNORECASE) else f"https://{text}"
        if not self._shape.fullmatch(url):
            raise FieldError(f"“{text[:80]}” is not a web address. It should look like https://example.com.")
        return url


@dataclass(frozen=True)
class Choice(FieldType):
    """One of a closed set; `options` are (value, label, tone)."""

    options: tuple[tuple[str, str, str], ...] = ()
    widget: ClassVar[str] = "select"
    operators: ClassVar[tuple[str, ...]] = ("in",)

    def convert(self, text: str, spec: Field, context: ParseContext) -> str:
        wanted = fold(text)
        for value, label, _ in self.options:
            if wanted in (value, fold(label)):
                return value
        known = ", ".join(label for _, label, _ in self.options[:12])
        raise FieldError(f"{spec.label} cannot be “{text[:40]}”. It can be: {known}.")

    def label(self, value: str | None) -> str:
        return next((label for known, label, _ in self.options if known == value), value or "")

    def tone(self, value: str | None) -> str:
        return next((tone for known, _, tone in self.options if known == value), "neutral")

    def show(self, value: Any, scope: Scope) -> str:
        return self.label(value)


class Currency(FieldType):
    """An ISO 4217 code."""

    widget = "currency"

    def convert(self, text: str, spec: Field, context: ParseContext) -> str:
        code = text.upper()
        if code not in currencies():
            raise FieldError(f"“{text[:10]}” is not a currency code such as USD or EUR.")
        return code


@lru_cache(maxsize=1)
def currencies() -> frozenset[str]:
    """The codes Babel's CLDR data knows as tender somewhere today."""
    from babel.core import get_global
    from babel.numbers import get_territory_currencies

    return frozenset(
        code for territory in get_global("territory_currencies") for code in get_territory_currencies(territory)
    )


@dataclass(frozen=True)
class Money(FieldType):
    """A decimal amount with two places; its currency stands in the field `currency_field`."""

    currency_field: str = "currency"
    widget: ClassVar[str] = "money"
    operators: ClassVar[tuple[str, ...]] = ("min", "max")
    limit: ClassVar[Decimal] = Decimal("10000000000000")

    def convert(self, text: str, spec: Field, context: ParseContext) -> Decimal:
        digits = re.sub(r"[\s\u00a0\u202f’']", "", text)
        digits = re.sub(r"^(?:[A-Z]{3}|[$€£¥])|(?:[A-Z]{3}|[$€£¥])$", "", digits)
        if re.fullmatch(r"-?[1-9]\d{0,2}\.\d{3}", digits):
            raise FieldError(f"“{text[:40]}” can be read two ways. Write {digits.replace('.', '')} or {digits[:-1]}.")
        if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", digits):
            digits = digits.replace(",", "")
        elif re.fullmatch(r"-?[1-9]\d{0,2}((\.\d{3}){2,}|(\.\d{3})+,\d{1,2})|-?\d+,\d{1,2}", digits):
            digits = digits.replace(".", "").replace(",", ".")
        try:
            amount = Decimal(digits)
        except InvalidOperation as wrong:
            raise FieldError(f"“{text[:40]}” is not an amount. Write it like 1250.50.") from wrong
        if amount.is_finite() and 0 <= amount < self.limit:
            amount = amount.quantize(Decimal("0.01"))
            if amount < self.limit:
                return amount
        raise FieldError(f"{spec.label} must be at least 0 and less than 10,000,000,000,000.")

    def show(self, value: Any, scope: Scope) -> str:
        return "" if value is None else format_decimal(value, format="#,##0.00", locale=scope.locale)


_day = lru_cache(maxsize=4096)(format_date)


class Date(FieldType):
    widget = "date"
    operators = ("from", "to")

    def convert(self, text: str, spec: Field, context: ParseContext) -> date:
        return _moment(text, spec, context).date()

    def text(self, value: Any, scope: Scope) -> str:
        return value.isoformat() if value else ""

    def show(self, value: Any, scope: Scope) -> str:
        return _day(value, locale=scope.locale) if value else ""


class DateTime(FieldType):
    """An instant: typed and shown in the reader's zone, kept in UTC."""

    widget = "datetime-local"
    operators = ("from", "to")

    def convert(self, text: str, spec: Field, context: ParseContext) -> datetime:
        moment = _moment(text, spec, context)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=context.scope.zone_info)
        return moment.astimezone(UTC).replace(microsecond=0)

    def text(self, value: Any, scope: Scope) -> str:
        return value.astimezone(scope.zone_info).strftime("%Y-%m-%dT%H:%M:%S") if value else ""

    def show(self, value: Any, scope: Scope) -> str:
        return format_datetime(value, format="medium", tzinfo=scope.zone_info, locale=scope.locale) if value else ""


def _moment(text: str, spec: Field, context: ParseContext) -> datetime:
    """A date or date-time: ISO 8601 first, then what people write, month before day unless told otherwise."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = _read_date(text, context.day_first)
        except (ValueError, OverflowError, TypeError, AttributeError) as wrong:
            raise FieldError(f"{spec.label}: “{text[:40]}” is not a date. Write it like 2026-11-21.") from wrong
    if not 1900 <= moment.year <= 2200:
        raise FieldError(f"{spec.label}: the year must be between 1900 and 2200.")
    return moment


_WHOLE_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}")


def _read_date(text: str, day_first: bool) -> datetime:
    """What people write, if it names a day, a month and a year: nothing of a date is guessed.

    Raises:
        ValueError: it is no date, or not a whole one.
    """
    moment = dates.parse(text, dayfirst=day_first, default=datetime(2000, 1, 1))  # noqa: DTZ001
    if not _WHOLE_DATE.fullmatch(text) and moment != dates.parse(
        text,
        dayfirst=day_first,
        default=datetime(2001, 2, 2),  # noqa: DTZ001
    ):
        raise ValueError("part of the date is missing")
    return moment


class Boolean(FieldType):
    widget = "checkbox"
    operators = ("is",)
    empty = False
    _words: ClassVar[dict[str, bool]] = {
        **dict.fromkeys(("1", "true", "yes", "y", "on", "t", "x"), True),
        **dict.fromkeys(("0", "false", "no", "n", "off", "f", "-"), False),
    }

    def convert(self, text: str, spec: Field, context: ParseContext) -> bool:
        try:
            return self._words[fold(text)]
        except KeyError as wrong:
            raise FieldError(f"{spec.label}: write yes or no, not “{text[:40]}”.") from wrong

    def text(self, value: Any, scope: Scope) -> str:
        return "yes" if value else "no"

    def show(self, value: Any, scope: Scope) -> str:
        return "Yes" if value else "No"


class Person(FieldType):
    """A user of the tenant, typed as id, e-mail address or full name."""

    widget = "person"
    operators = ("in",)

    def convert(self, text: str, spec: Field, context: ParseContext) -> UUID:
        person = context.people.get(fold(text))
        if person is None:
            raise FieldError(f"{spec.label}: nobody here is called “{text[:80]}”.")
        return person


class Tags(FieldType):
    widget = "tags"
    operators = ("tagged",)
    empty = ()
    most: ClassVar[int] = 30
    longest: ClassVar[int] = 50

    def convert(self, text: str, spec: Field, context: ParseContext) -> tuple[str, ...]:
        tags = split_tags(text)
        if len(tags) > self.most:
            raise FieldError(f"At most {self.most} tags; this has {len(tags)}.")
        if too_long := next((tag for tag in tags if len(tag) > self.longest), None):
            raise FieldError(f"A tag can have {self.longest} characters at most: “{too_long[:60]}…” is longer.")
        return tags

    def text(self, value: Any, scope: Scope) -> str:
        return ", ".join(value or ())


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record kind.

    `name` is the model's column and the form's input. `sort` names the column that sorts it, if any does.
    `aliases` are further headings an import recognises. `inline` allows editing in place.
    """

    name: str
    label: str
    type: FieldType = field(default_factory=Text)
    max_length: int = 200
    required: bool = False
    group: str = ""
    help: str = ""
    autocomplete: str = "off"
    aliases: tuple[str, ...] = ()
    sort: str | None = None
    inline: bool = True
    editable: bool = True
    filterable: bool = False
    default: Any = None

    def parse(self, raw: str, context: ParseContext) -> Any:
        """The value of `raw`.

        Raises:
            FieldError: it is malformed, too long, or missing though required.
        """
        value = self.type.parse(raw, self, context)
        if self.required and value == self.type.empty:
            raise FieldError(f"{self.label} is needed.")
        return value
