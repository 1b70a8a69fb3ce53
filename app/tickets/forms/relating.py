"""Which other ticket, and which messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from app.core.errors import Invalid
from app.core.records.text import clean

_DIGITS, _SUBJECT = 18, 300


def read_number(form: Mapping[str, str]) -> int:
    """The number of a ticket as people write it: 123 or #123.

    Raises:
        Invalid: it is none.
    """
    text = clean(form.get("number", "")).lstrip("#").strip()
    if not text:
        raise Invalid({"number": "Enter the number of the other ticket."})
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise Invalid({"number": f"“{text[:40]}” is not a ticket's number. Write it like 123."})
    return int(text)


def read_messages(ids: Iterable[str]) -> list[UUID]:
    """The chosen messages; what is malformed is the id of nothing."""
    found = []
    for text in list(ids)[:200]:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def read_subject(form: Mapping[str, str]) -> str:
    """Raises Invalid if it is too long."""
    subject = " ".join(clean(form.get("subject", "")).split())
    if len(subject) > _SUBJECT:
        raise Invalid({"subject": f"A subject can have {_SUBJECT} characters at most; this has {len(subject):,}."})
    return subject
