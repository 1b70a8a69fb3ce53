"""Talking on a ticket: its messages, what is being written, and files that wait to be sent."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, Response, jsonify, request, url_for

from app.core import hx
from app.core.access import accepts_uploads, requires
from app.core.errors import Conflict, Invalid
from app.core.pipeline import current_scope
from app.core.scope import Scope
from app.core.sentences import describe
from app.core.storage import FileTooLarge
from app.privacy import holding
from app.tickets import queries
from app.tickets.actions import canned, conversation, drafts, files
from app.tickets.actions.conversation import ReplyCrossed
from app.tickets.forms.conversation import MessageForm, read_message
from app.tickets.models import CannedReply, Ticket, TicketDraft, TicketFile, TicketMessage
from app.tickets.pages import conversation as pages

blueprint = Blueprint("conversation", __name__, url_prefix="/tickets/<uuid:ticket_id>")
BLOCKS = ("conversation", "conversation_entries", "earlier_entries", "waiting_files")


def init_app(app: Flask) -> None:
    """Says what exports and erasures of personal data cover, and the words for what happens here."""
    said = (TicketMessage.body, TicketMessage.body_html, TicketMessage.quoted_text, TicketMessage.state_reason)
    author = (TicketMessage.author_id, TicketMessage.author_name, TicketMessage.author_email)
    words = holding.Words(TicketMessage, said, (TicketMessage.recipients,), *author, conversation.forget_words)
    holding.hold_words("messages", words)
    holding.hold_part("ticket", "messages", holding.Part(TicketMessage, TicketMessage.ticket_id))
    kept = (TicketFile.key, TicketFile.name)
    holding.hold_part("ticket", "files", holding.Part(TicketFile, TicketFile.ticket_id, kept))
    holding.hold("drafts", holding.Held(TicketDraft, TicketDraft.user_id, (TicketDraft.body, TicketDraft.cc)))
    holding.hold("canned replies", holding.Held(CannedReply, CannedReply.owner_id, (CannedReply.body,)))
    describe("ticket.replied", "replied on {subject}")
    describe("ticket.annotated", "wrote a note on {subject}")
    describe("ticket.received", "wrote on {subject}")
    describe("ticket.reply-withdrawn", "took back a reply on {subject}")


@blueprint.get("/messages")
@requires("ticket:read")
def list_(ticket_id: UUID) -> Response:
    """The newest page of the conversation, the one before `before`, or what is there since `since`."""
    scope = current_scope()
    ticket = queries.get_ticket(scope, ticket_id)
    before, since = (_id(request.args.get(name)) for name in ("before", "since"))
    # What refreshes itself, and what came before, have no editor.
    typing = before is None and not (hx.is_fragment() and hx.target() == "conversation_entries")
    return _page(scope, ticket, before=before, since=since, typing=typing)


@blueprint.post("/messages")
@requires("ticket:update")
@accepts_uploads
def send(ticket_id: UUID) -> Response:
    scope, form = current_scope(), read_message(request.form)
    ticket = queries.get_ticket(scope, ticket_id, change=True)
    try:
        _keep_uploads(scope, ticket_id)
        message = _sent(scope, ticket_id, form)
    except ReplyCrossed as crossed:
        return _refused(scope, ticket, form, 409, message=crossed.message, crossing=crossed.crossing)
    except Conflict as conflict:
        return _refused(scope, ticket, form, 409, message=conflict.message)
    except (Invalid, FileTooLarge) as refused:
        errors = refused.errors if isinstance(refused, Invalid) else {"file": refused.message}
        return _refused(scope, ticket, form, refused.status, errors=errors)
    return _done(scope, ticket_id, f"m-{message.id}")


@blueprint.get("/messages/<uuid:message_id>")
@requires("ticket:read")
def show_message(ticket_id: UUID, message_id: UUID) -> Response:
    """Leads to the page that shows this message, however long ago it was."""
    return hx.redirect(pages.place_of(current_scope(), ticket_id, message_id))


@blueprint.post("/messages/<uuid:message_id>/undo")
@requires("ticket:update")
def undo(ticket_id: UUID, message_id: UUID) -> Response:
    """Takes a reply back. What was typed since comes along, so that nothing of it is lost."""
    scope, form = current_scope(), read_message(request.form)
    if form.body.strip():
        drafts.save_draft(scope, ticket_id, form.body, kind=form.kind, cc=form.cc)
    conversation.withdraw(scope, ticket_id, message_id)
    return _done(scope, ticket_id, "reply_form")


@blueprint.post("/messages/<uuid:message_id>/send")
@requires("ticket:update")
def send_now(ticket_id: UUID, message_id: UUID) -> Response:
    """A held reply leaves before its time, or one that was not delivered leaves again."""
    scope = current_scope()
    conversation.send_now(scope, ticket_id, message_id)
    if not hx.is_fragment():
        return hx.redirect(_at(ticket_id, f"m-{message_id}"))
    return hx.announce(_page(scope, queries.get_ticket(scope, ticket_id), typing=False), "ticket-changed")


@blueprint.post("/drafts")
@requires("ticket:update")
def save_draft(ticket_id: UUID) -> Response:
    """Keeps what is being written; the answer is its version and when it was kept."""
    scope, form = current_scope(), read_message(request.form)
    try:
        draft = drafts.save_draft(scope, ticket_id, form.body, kind=form.kind, cc=form.cc, version=form.draft_version)
    except Conflict as conflict:
        return _answer_of(conflict.status, message=conflict.message, version=conflict.version)
    if not hx.is_htmx():
        hx.flash("Draft saved.")
        return hx.redirect(_at(ticket_id, "reply_form"))
    return _answer_of(200, version=draft.version if draft else 0)


@blueprint.post("/drafts/delete")
@requires("ticket:update")
def delete_draft(ticket_id: UUID) -> Response:
    scope = current_scope()
    files.discard_draft(scope, ticket_id)
    return _done(scope, ticket_id, "reply_form")


@blueprint.post("/files")
@requires("ticket:update")
@accepts_uploads
def upload(ticket_id: UUID) -> Response:
    """Keeps files with the draft; the answer is the list of those that wait."""
    scope, form = current_scope(), read_message(request.form)
    ticket = queries.get_ticket(scope, ticket_id, change=True)
    try:
        if not hx.is_fragment():
            drafts.save_draft(scope, ticket_id, form.body, kind=form.kind, cc=form.cc)
        kept = _keep_uploads(scope, ticket_id)
        if not kept:
            raise Invalid({"file": "Choose a file first."})
    except (Invalid, FileTooLarge) as refused:
        errors = refused.errors if isinstance(refused, Invalid) else {"file": refused.message}
        return _refused(scope, ticket, form, refused.status, errors=errors)
    return _files_changed(scope, ticket)


@blueprint.post("/files/<uuid:file_id>/delete")
@requires("ticket:update")
def delete_file(ticket_id: UUID, file_id: UUID) -> Response:
    """Takes back an upload that was not sent; without script the whole editor comes along and is kept."""
    scope, form = current_scope(), read_message(request.form)
    if not hx.is_fragment() and form.body.strip():
        drafts.save_draft(scope, ticket_id, form.body, kind=form.kind, cc=form.cc)
    files.remove_waiting(scope, ticket_id, file_id)
    return _files_changed(scope, queries.get_ticket(scope, ticket_id))


@blueprint.get("/people")
@requires("ticket:update")
def search_people(ticket_id: UUID) -> Response:
    """Who can be named with an @ here; for the editor's script."""
    scope = current_scope()
    ticket = queries.get_ticket(scope, ticket_id, change=True)
    found = conversation.offer_names(scope, ticket, request.args.get("q", "")[:100])
    return _answer_of(200, people=[asdict(one) for one in found])


@blueprint.get("/canned-replies")
@requires("ticket:update")
def search_canned(ticket_id: UUID) -> Response:
    """Texts for this ticket, filled in."""
    scope = current_scope()
    ticket = queries.get_ticket(scope, ticket_id, change=True)
    found = canned.offer(scope, ticket, request.args.get("q", ""))
    return hx.page("tickets/canned.html", blocks=("canned_results",), ticket=ticket, found=found)


@blueprint.post("/canned-replies/<uuid:canned_id>")
@requires("ticket:update")
def add_canned(ticket_id: UUID, canned_id: UUID) -> Response:
    """Counts the use; without script the text goes to the end of the draft."""
    scope = current_scope()
    ticket = queries.get_ticket(scope, ticket_id, change=True)
    text = canned.use(scope, ticket, canned_id)
    if hx.is_htmx():
        return _answer_of(200, text=text)
    draft = queries.find_draft(scope, ticket_id)
    body = "\n\n".join(part for part in (draft.body.strip() if draft else "", text) if part)
    kind, cc = (draft.kind, draft.cc) if draft else ("reply", "")
    drafts.save_draft(scope, ticket_id, body, kind=kind, cc=cc)
    return hx.redirect(_at(ticket_id, "reply_form"))


def _sent(scope: Scope, ticket_id: UUID, form: MessageForm) -> TicketMessage:
    if form.kind == "note":
        return conversation.add_note(scope, ticket_id, form.body, files=None, key=form.key)
    return conversation.reply(
        scope,
        ticket_id,
        form.body,
        cc=form.cc,
        files=None,
        status=form.status,
        version=form.version,
        seen=form.seen,
        cross=False,
        key=form.key,
    )


def _keep_uploads(scope: Scope, ticket_id: UUID) -> int:
    """The files of this request wait with the draft; those of a reply that is refused wait too."""
    sent = [one for one in request.files.getlist("file") if one.filename]
    for one in sent:
        files.upload(scope, ticket_id, one.stream, one.filename or "")  # type: ignore[arg-type]
    return len(sent)


def _page(scope: Scope, ticket: Ticket, *, status: int = 200, **more: Any) -> Response:
    talk = pages.present_conversation(scope, ticket, **more)
    return hx.page("tickets/messages.html", blocks=BLOCKS, status=status, talk=talk, ticket=ticket)


def _refused(scope: Scope, ticket: Ticket, form: MessageForm, status: int, **why: Any) -> Response:
    editor = pages.editor_view(scope, ticket, typed=form.typed, **why)
    return _page(scope, ticket, status=status, editor=editor)


def _done(scope: Scope, ticket_id: UUID, anchor: str) -> Response:
    """The conversation as it is now, with a fresh editor; the rest of the page asks again."""
    if not hx.is_fragment():
        return hx.redirect(_at(ticket_id, anchor))
    return hx.announce(_page(scope, queries.get_ticket(scope, ticket_id)), "ticket-changed")


def _files_changed(scope: Scope, ticket: Ticket) -> Response:
    return _page(scope, ticket) if hx.is_fragment() else hx.redirect(_at(ticket.id, "reply_form"))


def _answer_of(status: int, **told: Any) -> Response:
    response = jsonify(told)
    response.status_code = status
    return response


def _at(ticket_id: UUID, anchor: str) -> str:
    return url_for("tickets.show", record_id=ticket_id, _anchor=anchor)


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
