"""What the editor of a conversation posts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from werkzeug.datastructures import MultiDict

from app.core.forms import whole_number
from app.tickets.models.conversation import DRAFT_KINDS

_KEY_MAX = 100


@dataclass(frozen=True, slots=True)
class MessageForm:
    """Read, not judged: actions say what of it cannot be."""

    kind: str
    body: str
    cc: str
    key: str | None
    seen: UUID | None
    version: int | None
    draft_version: int | None
    status: str | None

    @property
    def typed(self) -> dict[str, Any]:
        """What goes back into the editor."""
        return {"kind": self.kind, "body": self.body, "cc": self.cc} | ({"key": self.key} if self.key else {})


def read_message(form: MultiDict[str, str]) -> MessageForm:
    """A form that is not whole reads as an empty one: with no text it is refused for that."""
    kind = form.get("kind", "reply")
    return MessageForm(
        kind=kind if kind in DRAFT_KINDS else "reply",
        body=form.get("body", ""),
        cc=form.get("cc", ""),
        key=(form.get("key") or "").strip()[:_KEY_MAX] or None,
        seen=_uuid(form.get("seen")),
        version=_number(form.get("version")),
        draft_version=_from_zero(form.get("draft_version")),
        status=form.get("then") or None,
    )


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _number(text: str | None) -> int | None:
    return whole_number(text) or None


def _from_zero(text: str | None) -> int | None:
    """Of a draft that is not there yet the version is 0, which asks whether another tab has begun one."""
    found = whole_number(text, -1)
    return found if found >= 0 else None
