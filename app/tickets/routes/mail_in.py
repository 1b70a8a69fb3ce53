"""Mail handed over by a mail server or a service, to a mailbox's secret address."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, abort, g, make_response, request
from werkzeug.exceptions import RequestEntityTooLarge

from app.accounts.queries import system_scope
from app.core import db as database
from app.core.access import accepts_bodies, public, requires
from app.core.errors import Invalid, NotFound
from app.core.pipeline import current_scope
from app.core.storage import FileGone, FileTooLarge
from app.extensions import csrf, limiter
from app.gateways.files import sent_links
from app.gateways.files.links import LinkExpired
from app.gateways.mail.incoming.message import MEGABYTE, RAW_MAX
from app.tickets.actions.storing_mail import store_mail
from app.tickets.forms.raw_mail import raw_mail
from app.tickets.models.mail import HTTP
from app.tickets.pages import mail as pages
from app.tickets.queries import get_ticket, mailboxes, outgoing, received
from app.tickets.rules.mailboxes import hash_token

blueprint = Blueprint("mail_in", __name__)
_WHY = "Programs pass mail on to it; who knows a mailbox's secret address may, and can do nothing else with it."
_UNKNOWN = "No mailbox has this address. It may have been changed: look it up in the settings of the mailbox."
_TOO_LARGE = f"The mail is larger than {RAW_MAX // MEGABYTE} MB and was not taken."


def _whose() -> str:
    """One mailbox's mail does not use up another's."""
    return f"{request.root_path}:{hash_token((request.view_args or {}).get('secret', ''))}"


@blueprint.post("/mail/in/<secret>")
@public(_WHY)
@accepts_bodies(RAW_MAX + MEGABYTE)
@csrf.exempt
@limiter.limit("600 per minute", key_func=_whose)
@limiter.limit("60 per minute", deduct_when=lambda response: response.status_code == 404)
def receive(secret: str) -> Response:
    """202 once the mail is kept (again or for the first time): from then on it is ours to look after."""
    mailbox, scope = None, None
    if "tenant" in g:
        scope = system_scope(g.tenant.id)
        mailbox = mailboxes.find_by_token(scope, secret)
    if mailbox is None or scope is None:
        return _say(_UNKNOWN, 404)
    mailbox_id = mailbox.id
    # The sender may be slow, and its mail large.
    database.rollback()
    try:
        stored = store_mail(scope, mailbox_id, raw_mail(request), way=HTTP)
    except Invalid as nothing:
        return _say(nothing.message, 422)
    except (FileTooLarge, RequestEntityTooLarge):
        return _say(_TOO_LARGE, 413)
    return _say("Kept." if stored.new else "It came before and is kept.", 202)


@blueprint.get("/tickets/mail/<uuid:mail_id>/original")
@requires("ticket:read")
def download_original(mail_id: UUID) -> Response:
    """The mail a message of a ticket came as, for whoever sees the ticket."""
    scope = current_scope()
    mail = received.get_received(scope, mail_id)
    if mail.ticket_id is None:
        raise NotFound("This mail does not exist, or is not yours to see.")
    get_ticket(scope, mail.ticket_id)
    return pages.as_download(mail)


@blueprint.get("/mail/files/<link>")
@public("For customers, who have no account: the signed link in a mail to them names one file, for a month.")
@limiter.limit("120 per minute")
def download_sent(link: str) -> Response:
    """A file of an answer that was too large to go along."""
    if "tenant" not in g:
        abort(404)
    try:
        file_id = sent_links.check(g.tenant.id, link)
    except LinkExpired:
        raise FileGone(
            "This link was good for a month. Answer the mail it stood in, and ask for the file again."
        ) from None
    return pages.as_sent(outgoing.get_sent_file(system_scope(g.tenant.id), file_id))


def _say(sentence: str, status: int) -> Response:
    """To programs, and to whoever reads their logs."""
    answer = make_response(f"{sentence}\n", status)
    answer.mimetype = "text/plain"
    return answer
