"""What is being written on a ticket, kept on the server: a closed tab, a crash or another device loses nothing."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import new_id
from app.core.errors import Conflict, Invalid
from app.core.records.text import clean
from app.core.scope import Scope
from app.extensions import db
from app.tickets import queries
from app.tickets.models.conversation import DRAFT_KINDS, TicketDraft
from app.tickets.queries import conversation as reading
from app.tickets.rules.conversation import BODY_MAX, joined

KEPT = timedelta(days=30)
_CC_MAX = 5_000


def save_draft(
    scope: Scope, ticket_id: UUID, body: str, *, kind: str = "reply", cc: str = "", version: int | None = None
) -> TicketDraft | None:
    """Keeps what the asker has typed so far; returns it. Nothing typed and no file means no draft, and None.

    Args:
        version: of the draft that the page shows, 0 for none; None does not ask.

    Raises:
        NotFound, Forbidden: the ticket is not the asker's to change.
        Conflict: the same person wrote on in another tab; `theirs` has that text.
        Invalid: it is too long.
    """
    queries.get_ticket(scope, ticket_id, change=True)
    body = _line_ends(body)
    if len(body) > BODY_MAX or len(cc) > _CC_MAX or kind not in DRAFT_KINDS:
        raise Invalid({"body": f"This is longer than {BODY_MAX:,} characters; send a part of it, or attach a file."})
    draft = reading.find_draft(scope, ticket_id, lock=True)
    if version is not None and version != (draft.version if draft else 0) and draft is not None:
        raise Conflict(
            "You are writing on this ticket in another tab or device as well.",
            mine={"body": body},
            theirs={"body": draft.body},
            version=draft.version,
        )
    if not clean(body) and not clean(cc) and not reading.list_waiting_files(scope, ticket_id):
        if draft is not None:
            db.session.delete(draft)
            db.session.flush()
        return None
    draft = draft or _begin(scope, ticket_id)
    draft.kind, draft.body, draft.cc = kind, body, cc
    _touch(scope, draft)
    return draft


def touch_draft(scope: Scope, ticket_id: UUID) -> TicketDraft:
    """The asker's draft on the ticket, begun if there is none: what is uploaded belongs to it."""
    draft = reading.find_draft(scope, ticket_id, lock=True) or _begin(scope, ticket_id)
    draft.updated_at = scope.now
    db.session.flush()
    return draft


def bind_draft(
    scope: Scope, ticket_id: UUID, message_id: UUID, *, body: str, cc: str, kind: str, then_status: str | None
) -> None:
    """The draft has become a reply that can still be taken back: it is kept with what was sent."""
    draft = reading.find_draft(scope, ticket_id, lock=True) or _begin(scope, ticket_id)
    draft.kind, draft.body, draft.cc, draft.then_status, draft.message_id = kind, body, cc, then_status, message_id
    _touch(scope, draft)


def unbind_draft(scope: Scope, draft: TicketDraft) -> TicketDraft:
    """The reply was taken back: its text is a draft again, above what was typed since."""
    newer = reading.find_draft(scope, draft.ticket_id, lock=True)
    if newer is not None:
        draft.body = joined(draft.body, newer.body)
        draft.cc = draft.cc or newer.cc
        db.session.delete(newer)
        db.session.flush()
    draft.message_id = None
    _touch(scope, draft)
    return draft


def end_draft(scope: Scope, ticket_id: UUID) -> None:
    """What was sent is no draft any more."""
    draft = reading.find_draft(scope, ticket_id, lock=True)
    if draft is not None:
        db.session.delete(draft)
        db.session.flush()


def purge_drafts(scope: Scope, limit: int = 1_000) -> int:
    """Removes drafts nobody has touched for 30 days; returns how many."""
    old = select(TicketDraft.id).where(TicketDraft.updated_at < scope.now - KEPT, TicketDraft.message_id.is_(None))
    gone = delete(TicketDraft).where(TicketDraft.id.in_(old.limit(limit))).returning(TicketDraft.id)
    return len(db.session.execute(gone).all())


def _begin(scope: Scope, ticket_id: UUID) -> TicketDraft:
    """A new row; of two tabs that begin at once the second finds the first's."""
    db.session.execute(
        insert(TicketDraft)
        .values(
            tenant_id=scope.tenant_id,
            id=new_id(),
            ticket_id=ticket_id,
            user_id=scope.user_id,
            kind="reply",
            body="",
            cc="",
            created_at=scope.now,
            updated_at=scope.now,
            version=0,
        )
        .on_conflict_do_nothing(
            index_elements=["tenant_id", "ticket_id", "user_id"], index_where=TicketDraft.message_id.is_(None)
        )
    )
    draft = reading.find_draft(scope, ticket_id, lock=True)
    assert draft is not None
    return draft


def _touch(scope: Scope, draft: TicketDraft) -> None:
    draft.version += 1
    draft.updated_at = scope.now
    db.session.flush()


def _line_ends(text: str) -> str:
    """As typed, but with one kind of line end and nothing a database does not take."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
