"""The conversation of a ticket as its page shows it: messages and small happenings in their order, and the editor."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from html import unescape
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from flask import url_for
from markupsafe import Markup, escape

from app.core import people
from app.core.clock import new_id
from app.core.events import EventRow
from app.core.markdown import render_markdown, render_plain
from app.core.records.presenting import TimelineItem, present_timeline
from app.core.records.queries import list_notes
from app.core.records.reach import may_change
from app.core.scope import Scope
from app.core.sentences import is_described, sentence
from app.gateways.files import links
from app.tickets import queries
from app.tickets.definition import TICKETS
from app.tickets.models import ReceivedMail, Ticket, TicketFile, TicketMessage
from app.tickets.models import messages as m
from app.tickets.queries import conversation as reading
from app.tickets.queries.received import list_received_of
from app.tickets.rules import lifecycle

PAGE, _MOST = 50, 200
"""Messages and happenings shown at once; and at most, on a page that was open while they came."""
_CID = re.compile(r'(<img\b[^>]*?\bsrc=")cid:([^"]*)(")')
_THEN = (lifecycle.PENDING, lifecycle.ON_HOLD, lifecycle.RESOLVED, lifecycle.CLOSED)
_SIDES = {m.OPENING: "customer", m.CUSTOMER: "customer", m.REPLY: "agent", m.NOTE: "note"}
_VERBS = {m.OPENING: "wrote", m.CUSTOMER: "wrote", m.REPLY: "replied", m.NOTE: "noted"}


@dataclass(frozen=True, slots=True)
class FileView:
    """A file as a link; `shown` if the page may show it as a picture."""

    id: UUID
    name: str
    url: str
    size: str
    sort: str
    shown: bool


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message. `state` is a label, its tone and a sentence, None for the usual; `until` the undo window's end."""

    id: UUID
    side: str
    verb: str
    author: str
    email: str
    at: datetime
    body: Markup
    quoted: Markup | None
    copies: str
    files: tuple[FileView, ...]
    channel: str
    state: tuple[str, str, str] | None
    held: bool
    until: datetime | None
    may_undo: bool
    may_resend: bool
    original: str | None = None
    """Where the mail it came as can be had, as it came."""
    blocked: int = 0
    """Pictures elsewhere that its HTML names, which are not loaded."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A message, or something that happened; exactly one of them."""

    id: UUID
    message: MessageView | None = None
    item: TimelineItem | None = None


@dataclass(frozen=True, slots=True)
class EditorView:
    """What is being written: the draft, or what was refused. `crossing` is a reply that came in between."""

    kind: str
    body: str
    cc: str
    key: str
    draft_version: int
    files: tuple[FileView, ...]
    then: tuple[tuple[str, str], ...]
    saved_at: datetime | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    crossing: MessageView | None = None
    seen: UUID | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """Everything the block shows. `older` is where the page before begins, `newer` says that something comes after what
    is shown, `seen` is the newest message shown."""

    ticket_id: UUID
    number: int
    title: str
    version: int
    entries: tuple[Entry, ...]
    older: UUID | None
    newer: bool
    seen: UUID | None
    since: UUID | None
    requester: str
    editor: EditorView | None
    description: Markup | None
    opened_by: str
    opened_at: datetime


def present_conversation(
    scope: Scope,
    ticket: Ticket,
    *,
    before: UUID | None = None,
    since: UUID | None = None,
    editor: EditorView | None = None,
    typing: bool = True,
) -> Conversation:
    """The newest page of it, the one before an entry, or everything since one (at most 200); with the editor if the
    asker may write and `typing`."""
    size = PAGE if since is None else _MOST
    messages = reading.list_messages(scope, ticket.id, before=before, since=since, limit=size + 1)
    happenings = reading.list_happenings(scope, ticket.id, before=before, since=since, limit=size + 1)
    entries = sorted([*(row.id for row in messages), *(row.id for row in happenings)], reverse=True)
    shown = set(entries[:size])
    views = present_messages(scope, ticket, [row for row in messages if row.id in shown])
    items = _happened(scope, ticket, [row for row in happenings if row.id in shown])
    whole = [*(Entry(view.id, message=view) for view in views), *(Entry(item.id, item=item) for item in items)]
    opening = any(row.kind == m.OPENING for row in messages)
    # What refreshes itself has no beginning to show; a page that was opened further back has.
    cut = since is not None and typing and reading.is_preceded(scope, ticket.id, since)
    last_page = len(entries) <= size and not cut
    if editor is None and typing and may_write(scope, ticket):
        editor = editor_view(scope, ticket)
    return Conversation(
        ticket_id=ticket.id,
        number=ticket.number,
        title=TICKETS.title({"number": ticket.number, "subject": ticket.subject, "description": None}),
        version=ticket.version,
        entries=tuple(sorted(whole, key=lambda entry: entry.id)),
        older=None if last_page else min(shown, default=since),
        newer=before is not None,
        seen=max((row.id for row in messages), default=None),
        since=min(shown, default=None),
        requester=ticket.requester_name or ticket.requester_email or "the requester",
        editor=editor,
        description=render_markdown(ticket.description or "") if last_page and not opening else None,
        opened_by=ticket.requester_name or ticket.requester_email or "Requester",
        opened_at=ticket.opened_at,
    )


def place_of(scope: Scope, ticket_id: UUID, message_id: UUID) -> str:
    """The address of the page that shows this message: the ticket's, opened as far back as it stands, or if it stands
    too far back a page of the conversation around it. Raises NotFound."""
    at = reading.find_place(scope, ticket_id, message_id)
    ids = reading.list_entry_ids(scope, at, message_id, _MOST + 1)
    anchor = f"m-{message_id}"
    if len(ids) > _MOST:
        return url_for("conversation.list_", ticket_id=at, before=ids[PAGE // 2], _anchor=anchor)
    since = message_id if len(ids) > PAGE else None
    return url_for("tickets.show", record_id=at, since=since, _anchor=anchor)


def may_write(scope: Scope, ticket: Ticket) -> bool:
    return scope.may(TICKETS.permission("update")) and may_change(scope, TICKETS, ticket.owner_id)


def editor_view(
    scope: Scope,
    ticket: Ticket,
    *,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    message: str = "",
    crossing: TicketMessage | None = None,
) -> EditorView:
    """The editor with the asker's draft in it, or with what they just typed and was refused."""
    draft = reading.find_draft(scope, ticket.id)
    files = reading.list_waiting_files(scope, ticket.id)
    kept = {"kind": draft.kind, "body": draft.body, "cc": draft.cc} if draft else {}
    values = {"kind": "reply", "body": "", "cc": "", "key": str(new_id())} | kept | dict(typed or {})
    labels = {value: label for value, label, _ in lifecycle.STATUSES}
    then = [to for to in _THEN if to in lifecycle.MOVES.get(ticket.status, ())]
    return EditorView(
        kind=values["kind"],
        body=values["body"],
        cc=values["cc"] if typed or draft else ", ".join(_copied_before(scope, ticket)),
        key=values["key"],
        draft_version=draft.version if draft else 0,
        files=tuple(file_view(scope, row) for row in files),
        then=tuple((to, labels[to]) for to in then),
        saved_at=draft.updated_at if draft and draft.body else None,
        errors=dict(errors or {}),
        message=message,
        crossing=present_messages(scope, ticket, [crossing])[0] if crossing else None,
        seen=crossing.id if crossing else None,
    )


def present_messages(scope: Scope, ticket: Ticket, rows: Sequence[TicketMessage]) -> list[MessageView]:
    """These messages with their files."""
    ids = [row.id for row in rows]
    files = reading.list_files(scope, ids) if rows else {}
    mails = list_received_of(scope, ids) if rows else {}
    return [_of_mail(_message(scope, ticket, row, files.get(row.id, [])), mails.get(row.id)) for row in rows]


def _of_mail(view: MessageView, mail: ReceivedMail | None) -> MessageView:
    """With what there is to say of the mail it came as."""
    if mail is None:
        return view
    state = ("Somebody else", "warning", view.state[2]) if mail.stranger and view.state else view.state
    url = url_for("mail_in.download_original", mail_id=mail.id) if mail.raw_key else None
    return replace(view, state=state, original=url, blocked=mail.blocked_images)


def file_view(scope: Scope, row: TicketFile) -> FileView:
    url = url_for("files.download", file_id=row.id, key=links.sign(scope, row.id))
    return FileView(row.id, row.name, url, size_text(row.size), _sort(row.type), is_picture(row))


def is_picture(row: TicketFile) -> bool:
    """Whether a page may show it: a raster picture of sane size. What could run is marked `active` where it is kept."""
    return row.type.startswith("image/") and not row.active


def size_text(size: int) -> str:
    """Bytes as people say them."""
    if size < 1000:
        return f"{size} bytes"
    kilobytes = size / 1000
    return f"{kilobytes:,.0f} KB" if kilobytes < 1000 else f"{kilobytes / 1000:,.1f} MB"


def _message(scope: Scope, ticket: Ticket, row: TicketMessage, files: Sequence[TicketFile]) -> MessageView:
    held = row.state == m.HELD
    mine = row.author_id is not None and row.author_id == scope.user_id
    views = {file.id: file_view(scope, file) for file in files}
    body, inline = _body(row, files, views)
    author = row.author_name or row.author_email or ("Requester" if row.kind != m.NOTE else "Somebody")
    return MessageView(
        id=row.id,
        side=_SIDES[row.kind],
        verb=_VERBS[row.kind],
        author=author,
        email=row.author_email or "" if row.author_id is None else "",
        at=row.created_at,
        body=body,
        quoted=render_plain(row.quoted_text) if row.quoted_text else None,
        copies=", ".join(row.recipients.get("cc") or ()),
        files=tuple(view for id_, view in views.items() if id_ not in inline),
        channel=row.channel,
        state=_state(row, mine),
        held=held,
        until=row.send_at if held else None,
        may_undo=held and mine,
        may_resend=row.state in (m.FAILED, m.BOUNCED) and row.kind == m.REPLY and may_write(scope, ticket),
    )


def _body(row: TicketMessage, files: Sequence[TicketFile], views: Mapping[UUID, FileView]) -> tuple[Markup, set[UUID]]:
    """What was said, and the pictures that it shows itself."""
    if row.body_html is None:
        agent = row.kind in (m.REPLY, m.NOTE)
        return (render_markdown(row.body) if agent else render_plain(row.body)), set()
    shown: set[UUID] = set()
    by_cid = {file.content_id: file for file in files if file.content_id and is_picture(file)}

    def source(found: re.Match[str]) -> str:
        # In an address it may be percent-encoded (RFC 2392), and stands in HTML.
        file = by_cid.get(found[2]) or by_cid.get(unquote(unescape(found[2])))
        if file is None:
            return found[1].removesuffix(' src="') + ' data-missing="'
        shown.add(file.id)
        return f"{found[1]}{escape(views[file.id].url)}"

    html = _CID.sub(lambda found: source(found) + found[3], row.body_html)
    return Markup(html), shown  # noqa: S704 - sanitised where it was stored, by `actions.conversation.receive`


def _state(row: TicketMessage, mine: bool) -> tuple[str, str, str] | None:
    """A label, its tone and a sentence, where a message is not simply said."""
    reason = row.state_reason or ""
    match row.state:
        case m.HELD:
            return "Leaves in a moment", "info", "" if mine else f"{row.author_name} can still take it back."
        case m.QUEUED:
            return "On its way", "info", reason or "The mail server has not taken it yet."
        case m.FAILED:
            return "Not delivered", "danger", reason or "The mail server refused it."
        case m.BOUNCED:
            return "Came back", "danger", reason or "Their mail server sent it back."
        case m.SENT | m.RECEIVED if reason:
            return "Note", "neutral", reason
        case _ if row.automatic:
            return "Automatic", "neutral", "Written by a machine; nobody was told."
        case _:
            return None


def _happened(scope: Scope, ticket: Ticket, rows: Sequence[EventRow]) -> list[TimelineItem]:
    """What happened, in words: by the words every record has, else by those its feature gave."""
    if not rows:
        return []
    noted = [UUID(row.data["note_id"]) for row in rows if row.type == "ticket.noted" and "note_id" in row.data]
    notes = list_notes(scope, TICKETS, ticket.id, noted) if noted else {}
    items = present_timeline(scope, TICKETS, rows, notes, people.names_of(scope), row=ticket.import_row)
    told = {item.id for item in items}
    for row in rows:
        if row.id not in told and is_described(row.type) and not row.data.get("erased"):
            items.append(TimelineItem(row.id, "point", row.actor_name, sentence(row.type, row.data, "it"), row.at))
    return items


def _copied_before(scope: Scope, ticket: Ticket) -> list[str]:
    """Who had a copy of the last public message gets one of the answer."""
    for row in reading.list_messages(scope, ticket.id, limit=10):
        if row.kind != m.NOTE:
            return list(row.recipients.get("cc") or ())
    return []


def _sort(kind: str) -> str:
    """The sort of a file, for its icon."""
    head, _, tail = kind.partition("/")
    if head in ("image", "audio", "video"):
        return head
    if tail == "pdf":
        return "pdf"
    if any(word in tail for word in ("zip", "compressed", "tar", "rar", "7z")):
        return "archive"
    if any(word in tail for word in ("sheet", "excel", "csv")):
        return "table"
    return "text" if head == "text" or "word" in tail or "document" in tail else "file"


def draft_settings(scope: Scope) -> dict[str, int]:
    """What the editor's script must know."""
    settings = queries.get_desk_settings(scope)
    return {"undo": settings.undo_seconds, "file_mb": settings.attachment_mb}
