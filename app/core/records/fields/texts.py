"""Text of a form of its own: e-mail addresses, telephone numbers, web addresses."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from app.core.records.fields.field import Field, FieldError, FieldType, ParseContext
from app.core.scope import Scope


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
