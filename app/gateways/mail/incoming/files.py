"""Attachments: a name that is safe, a type that is true, and a mark on what a browser might run."""

from __future__ import annotations

from app.gateways.files.content import is_active, safe_name, sniffed
from app.gateways.mail.incoming import headers, parts
from app.gateways.mail.incoming.message import Attachment


def attachment(part: parts.Part, number: int, content: bytes) -> Attachment:
    """A part as a file; `number` names what has no name."""
    kind = sniffed(content, part.type)
    written = headers.decoded(parts.filename(part.head))
    content_id = headers.value(part.head, "Content-ID").strip("<> \t")[:250] or None
    name = safe_name(written, kind, number)
    return Attachment(
        name=name,
        type=kind,
        declared_type=part.type,
        content=content,
        content_id=content_id,
        inline=parts.disposition(part.head) == "inline" or (content_id is not None and kind.startswith("image/")),
        active=is_active(name, kind, part.type),
    )
