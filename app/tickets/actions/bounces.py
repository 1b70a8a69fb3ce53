"""Reports that an answer did not arrive, and mail the outbox could not hand over: shown at the reply itself."""

from __future__ import annotations

from dataclasses import replace

from app.core.events import publish
from app.core.scope import Scope
from app.extensions import db
from app.gateways.mail.incoming import Bounce, IncomingMail
from app.gateways.mail.incoming.threading import ByAddress, evidence, known_secrets
from app.gateways.mail.models import SENT as MAIL_SENT
from app.gateways.mail.models import OutgoingMail
from app.notifications.actions import notify
from app.tickets.events import ReplyFailed
from app.tickets.models import TicketMessage
from app.tickets.models.mail import BOUNCE, IGNORED, ReceivedMail
from app.tickets.models.messages import BOUNCED, FAILED, QUEUED, REPLY, SENT
from app.tickets.queries import received
from app.tickets.queries.outgoing import REPLY_KEY, find_message_of_mail

_UNKNOWN = "It is a report about a mail we know nothing of."
_RECEIPT = "A confirmation of receipt did not arrive: {said}"
_REASON_MAX = 500


def note_bounce(scope: Scope, row: ReceivedMail, mail: IncomingMail) -> ReceivedMail:
    """Finds the reply a report is about and says there what the report says; its author is told."""
    assert mail.bounce is not None
    message = _about(scope, mail)
    said = "; ".join(
        f"{one.address}: {one.diagnostic or one.status or 'no reason given'}" for one in mail.bounce.recipients
    )
    said = said[:_REASON_MAX]
    row.done_at = scope.now
    if message is None:
        receipt = received.find_acknowledged(scope, mail.bounce.original_message_id or "")
        row.state, row.ticket_id = (BOUNCE, receipt.id) if receipt else (IGNORED, None)
        row.reason = _RECEIPT.format(said=said) if receipt else _UNKNOWN
        db.session.flush()
        return row
    row.state, row.ticket_id, row.message_row_id, row.reason = BOUNCE, message.ticket_id, message.id, said
    if mail.bounce.permanent:
        state = message.state if _is_of_copies(message, mail.bounce) else BOUNCED
        say_failed(scope, message, state, f"It did not arrive. {said}")
    else:
        message.state_reason = f"It is late, and still being tried. {said}"
    db.session.flush()
    return row


def outcome(scope: Scope, mail: OutgoingMail) -> None:
    """What became of a reply at the mail server, in the transaction that writes it down (`mail.outcomes`)."""
    message = find_message_of_mail(scope, mail)
    if message is None or message.kind != REPLY:
        return
    if mail.status == MAIL_SENT:
        if message.state == QUEUED and is_first(mail):
            message.state, message.sent_at = SENT, mail.sent_at
            message.version += 1
            db.session.flush()
        return
    state = FAILED if is_first(mail) else message.state
    say_failed(scope, message, state, f"{mail.to_address} did not get it: {mail.last_error or 'no reason given'}")


def _is_of_copies(message: TicketMessage, bounce: Bounce) -> bool:
    """Whether it is only copies that did not arrive: the requester has got it, and it is not to be sent again."""
    copies = {str(one).lower() for one in message.recipients.get("cc") or ()}
    return {one.address.lower() for one in bounce.recipients if one.permanent} <= copies


def is_first(mail: OutgoingMail) -> bool:
    """Whether it is the requester's, and no copy."""
    return (mail.key or "").removeprefix(REPLY_KEY).count(":") == 0


def _about(scope: Scope, mail: IncomingMail) -> TicketMessage | None:
    """The reply by its Message-ID; else the newest of the ticket the report was sent to."""
    assert mail.bounce is not None
    named = mail.bounce.original_message_id
    message = received.find_message(scope, named) if named else None
    if message is not None:
        return message if message.kind == REPLY else None
    for found in evidence(mail, known_secrets(), scope.tenant_id):
        if isinstance(found, ByAddress) and (ticket := received.find_ticket_by_number(scope, found.ticket)):
            return received.find_last_reply(scope, ticket.id)
    return None


def say_failed(scope: Scope, message: TicketMessage, state: str, reason: str) -> None:
    """At the reply itself, and to its author, whoever found out."""
    message.state, message.state_reason = state, reason[: _REASON_MAX + 50]
    message.version += 1
    db.session.flush()
    publish(scope, ReplyFailed("ticket", message.ticket_id, message_id=message.id))
    if message.author_id is not None:
        notify(
            replace(scope, user_id=None),
            [message.author_id],
            kind="ticket.reply_failed",
            subject="A reply of yours did not arrive",
            body=reason[:_REASON_MAX],
            link=("tickets.show", {"record_id": message.ticket_id}),
            key=f"reply-failed:{message.id}:{message.version}",
        )
