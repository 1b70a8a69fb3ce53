"""Settings of mailboxes, and the log of what came in."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Flask, Response, request, url_for

from app.core import hx
from app.core.access import requires
from app.core.errors import Conflict, Invalid
from app.core.pipeline import current_scope
from app.core.sentences import describe
from app.core.templating import Place, add_place
from app.gateways.mail import outcomes
from app.privacy import holding, retention
from app.privacy.holding import Held
from app.tickets.actions import bounces, forgetting_mail, taking_mail
from app.tickets.actions import mailboxes as actions
from app.tickets.forms.mailbox import MailboxForm
from app.tickets.models.mail import Mailbox, ReceivedMail
from app.tickets.pages import mail as pages
from app.tickets.queries import list_category_names, list_team_names, mailboxes, received
from app.tickets.rules.mailboxes import ENCRYPTION, REPLIES, WAYS

blueprint = Blueprint("mailboxes", __name__, url_prefix="/settings/mailboxes")

_CHANGED = "changed the mailbox {name} ({what})"
_MAILBOX = {"created": "added the mailbox {name}", "deleted": "deleted the mailbox {name}"}


def init_app(app: Flask) -> None:
    add_place(app, Place("mailboxes.list", "Mailboxes", "mail", "desk:manage", area="settings", order=41))
    describe("mailbox.changed", lambda data: _MAILBOX.get(data["what"], _CHANGED).format_map(data))
    describe("received_mail.taken", "made a ticket of a mail that had been left aside")
    describe("ticket.reply-failed", "could not deliver a reply on {subject}")
    outcomes.watch("tickets/reply", bounces.outcome)
    retention.add_step("original mails", lambda scope, policy: forgetting_mail.forget_originals(scope))
    retention.add_step("log of mail", lambda scope, policy: forgetting_mail.forget_lines(scope))
    mine = (ReceivedMail.from_address,)
    holding.hold(
        "mails-received",
        Held(
            ReceivedMail, addresses=mine, texts=(ReceivedMail.subject, ReceivedMail.reason), file=ReceivedMail.raw_key
        ),
    )


@blueprint.get("/")
@requires("desk:manage")
def list() -> Response:
    scope = current_scope()
    return hx.page(
        "mailboxes/list.html", mailboxes=mailboxes.list_mailboxes(scope), counts=mailboxes.count_waiting(scope)
    )


@blueprint.get("/new")
@requires("desk:manage")
def new() -> Response:
    data = {"way": "imap", "port": "993", "tls": "implicit", "folder": "INBOX", "replies": "plus", "active": True}
    return _page(MailboxForm(formdata=None, data=data), None)


@blueprint.post("/")
@requires("desk:manage")
def create() -> Response:
    """Shows the secret address in this very answer: it is kept nowhere that a redirect could find it."""
    form = MailboxForm()
    problems = {} if form.validate() else form.problems()
    if not problems:
        try:
            made = actions.create_mailbox(current_scope(), form.values(), form.password.data or "")
        except Invalid as refused:
            problems = refused.errors
        else:
            return _secret(made.id, form.name.data or "", made.token)
    return _page(form, None, problems, 422)


@blueprint.get("/<uuid:mailbox_id>/edit")
@requires("desk:manage")
def edit(mailbox_id: UUID) -> Response:
    row = mailboxes.get_mailbox(current_scope(), mailbox_id)
    return _page(MailboxForm.of(row), row)


@blueprint.post("/<uuid:mailbox_id>")
@requires("desk:manage")
def update(mailbox_id: UUID) -> Response:
    scope, form = current_scope(), MailboxForm()
    row = mailboxes.get_mailbox(scope, mailbox_id)
    problems = {} if form.validate() else form.problems()
    if not problems:
        try:
            password = form.password.data or None
            actions.update_mailbox(scope, mailbox_id, form.version_number(), form.values(), password)
        except Invalid as refused:
            problems = refused.errors
        except Conflict as conflict:
            return _page(form, row, {"": conflict.message}, 409)
        else:
            hx.flash("Saved.")
            return hx.redirect(url_for("mailboxes.edit", mailbox_id=mailbox_id))
    return _page(form, row, problems, 422)


@blueprint.post("/<uuid:mailbox_id>/check")
@requires("desk:manage")
def check(mailbox_id: UUID) -> Response:
    scope = current_scope()
    row = mailboxes.get_mailbox(scope, mailbox_id)
    try:
        actions.check_mailbox(scope, mailbox_id)
    except Invalid as wrong:
        return _page(MailboxForm.of(row), row, wrong.errors, 422)
    hx.flash(
        "The mail server lets us in, and the folder is there." if row.way == "imap" else "A test mail is on its way."
    )
    return hx.redirect(url_for("mailboxes.edit", mailbox_id=mailbox_id))


@blueprint.post("/<uuid:mailbox_id>/fetch")
@requires("desk:manage")
def fetch(mailbox_id: UUID) -> Response:
    actions.poll_soon(current_scope(), mailbox_id)
    hx.flash("Mail is fetched within some seconds.", "info")
    return hx.redirect(url_for("mailboxes.edit", mailbox_id=mailbox_id))


@blueprint.post("/<uuid:mailbox_id>/secret")
@requires("desk:manage")
def rotate(mailbox_id: UUID) -> Response:
    scope = current_scope()
    token = actions.rotate_token(scope, mailbox_id)
    return _secret(mailbox_id, mailboxes.get_mailbox(scope, mailbox_id).name, token)


@blueprint.post("/<uuid:mailbox_id>/delete")
@requires("desk:manage")
def delete(mailbox_id: UUID) -> Response:
    name = actions.delete_mailbox(current_scope(), mailbox_id)
    hx.flash(f"{name} is gone. Its tickets stay; no mail is fetched any more.", "info")
    return hx.redirect(url_for("mailboxes.list"))


@blueprint.get("/mail")
@requires("desk:manage")
def list_log() -> Response:
    """What came in, newest first."""
    scope = current_scope()
    wanted = pages.LogFilter.read(request.args)
    page = received.list_log(scope, state=wanted.state, mailbox_id=wanted.mailbox_id, before=wanted.before)
    return hx.page(
        "mailboxes/log.html",
        blocks=("mail_log",),
        page=page,
        wanted=wanted,
        states=pages.STATES,
        tones=pages.TONES,
        labels=dict(pages.STATES),
        mailboxes=[(str(row.id), row.name) for row in mailboxes.list_mailboxes(scope)],
    )


@blueprint.post("/mail/<uuid:mail_id>/tickets")
@requires("desk:manage")
def make_ticket(mail_id: UUID) -> Response:
    """What was ignored or held becomes a ticket after all."""
    row = taking_mail.make_ticket(current_scope(), mail_id)
    if row.ticket_id is None:
        hx.flash(row.reason or "It cannot become a ticket: its bytes are gone.", "danger")
        return hx.redirect(url_for("mailboxes.list_log"))
    hx.flash("It is a ticket now.")
    return hx.redirect(url_for("tickets.show", record_id=row.ticket_id))


@blueprint.get("/mail/<uuid:mail_id>/original")
@requires("desk:manage")
def download_mail(mail_id: UUID) -> Response:
    """The mail as it came, to be saved."""
    return pages.as_download(received.get_received(current_scope(), mail_id))


def _page(
    form: MailboxForm, row: Mailbox | None, problems: dict[str, str] | None = None, status: int = 200
) -> Response:
    scope = current_scope()
    return hx.page(
        "mailboxes/form.html",
        status=status,
        form=form,
        mailbox=row,
        problems=problems or {},
        ways=WAYS,
        replies=REPLIES,
        encryption=ENCRYPTION,
        teams=pages.choices(list_team_names(scope), form.team_id.data),
        categories=pages.choices(list_category_names(scope), form.category_id.data),
    )


def _secret(mailbox_id: UUID, name: str, token: str) -> Response:
    address = url_for("mail_in.receive", secret=token, _external=True)
    return hx.page("mailboxes/secret.html", mailbox_id=mailbox_id, name=name, address=address)
