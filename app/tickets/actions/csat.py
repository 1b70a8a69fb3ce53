"""Asking a requester how it went, and taking the answer.

The link in the mail is signed and kept nowhere: it names a row, and only this product can have made it. It is good for
30 days, and the answer can be changed as long.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from itsdangerous import BadSignature, Signer
from sqlalchemy import update

from app.core.clock import new_id
from app.core.errors import FairleadError, Invalid
from app.core.events import EventRow, publish
from app.core.scope import Scope
from app.core.secrets import derive_for, key_ids
from app.extensions import db
from app.gateways.mail import Recipient, hold_back, send_mail, withdraw
from app.notifications.actions import notify
from app.tickets.events import TicketRated
from app.tickets.models import Ticket, TicketRating
from app.tickets.queries import csat as queries
from app.tickets.queries import get_desk_settings
from app.tickets.rules import csat as rules
from app.tickets.rules.lifecycle import RESOLVED, WORKING

CUSTOMER = "The requester"
"""Who is said to have rated: the log names no customers."""
_MAX_TOKEN = 200


class NoRating(FairleadError):
    """The link is not good, or not any more: 404 if we know nothing of it, else 410 (gone)."""

    title = "This link does not work"

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Asked:
    """What a good link leads to."""

    rating: TicketRating
    ticket: Ticket


def follow_move(scope: Scope, event: EventRow) -> None:
    """Asks after a ticket was resolved, takes the question back if it has not left when the ticket is opened again;
    `event` is the move, which may have been followed by others.
    """
    ticket = db.session.get(Ticket, (scope.tenant_id, event.subject_id))
    if ticket is None or ticket.deleted_at is not None:
        return
    if event.data.get("after") == RESOLVED and ticket.status == RESOLVED:
        ask(scope, ticket)
    elif ticket.status in WORKING:
        for row in queries.list_unanswered(scope, ticket.id):
            if withdraw(scope, row.mail_id):
                db.session.delete(row)


def ask(scope: Scope, ticket: Ticket) -> UUID | None:
    """Sends the requester the question, if the tenant and the rules want it asked; returns the rating's id.

    It leaves after a while (`rules.csat.PATIENCE`): the reply that solved the ticket may still be taken back.
    """
    if not get_desk_settings(scope).csat or not rules.may_ask(
        address=ticket.requester_email,
        merged=ticket.merged_into_id is not None,
        automatic=queries.is_automatic(scope, ticket.id),
        last_asked=queries.find_last_asked(scope, ticket.id),
        now=scope.now,
    ):
        return None
    rating_id = new_id()
    try:
        mail_id = _send(scope, ticket, rating_id)
    except Invalid:
        # An imported address may be none: then there is nobody to ask.
        return None
    row = TicketRating(
        tenant_id=scope.tenant_id, id=rating_id, ticket_id=ticket.id, mail_id=mail_id,
        expires_at=scope.now + rules.LIFETIME, created_at=scope.now, updated_at=scope.now,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    return rating_id


def look_at(tenant_id: UUID, token: str, at: datetime, *, lock: bool = False) -> Asked:
    """What the link leads to. Looking changes nothing: programs open the links of mail.

    Raises:
        NoRating: it was altered, is another tenant's, has expired, or its ticket is gone.
    """
    found = queries.find_rating(tenant_id, _id_in(tenant_id, token), lock=lock)
    if found is None:
        raise NoRating("The request this link was about has been removed. Thank you all the same.", 410)
    rating, ticket = found
    if rating.expires_at <= at:
        raise NoRating("This link has expired: answers are taken for 30 days. Thank you all the same.", 410)
    return Asked(rating, ticket)


def rate(
    scope: Scope, token: str, answer: str | None, comment: str | None = None, *, by_itself: bool = False
) -> Asked | None:
    """Takes the answer, or a comment on the one that was given; the last one counts. None if it is not believed.

    `scope` is the system's: whoever holds the link is nobody here. `by_itself` says that the page answered when it was
    opened (`rules.csat.ROBOTS`).

    Raises:
        NoRating: see `look_at`. Invalid: there is no answer, or the comment is too long.
    """
    asked = look_at(scope.tenant_id, token, scope.now, lock=True)
    row = asked.rating
    answer = answer or row.rating
    if answer is None or answer not in rules.ANSWERS:
        raise Invalid({"": "Choose one of the two first."})
    text = row.comment if comment is None else comment.replace("\x00", "").replace("\r\n", "\n").strip()
    if len(text) > rules.COMMENT_MAX:
        raise Invalid({"comment": f"Please use {rules.COMMENT_MAX:,} characters at most; these are {len(text):,}."})
    sent_at = queries.find_sent_at(scope, row.mail_id) if by_itself else None
    if not rules.is_believed(by_itself=by_itself, sent_at=sent_at, now=scope.now):
        return None
    if (answer, text) != (row.rating, row.comment):
        _store(scope, asked, answer, text)
    return asked


def token_of(tenant_id: UUID, rating_id: UUID) -> str:
    """What stands in the link."""
    return _signer(tenant_id).sign(rating_id.hex).decode()


def _store(scope: Scope, asked: Asked, answer: str, text: str) -> None:
    row, ticket = asked.rating, asked.ticket
    before, said_more = row.rating, bool(text) and text != row.comment
    row.rating, row.comment, row.rated_at, row.updated_at = answer, text, scope.now, scope.now
    row.version += 1
    # Not through the record's actions: a rating is no edit, and must not make an agent's edit a stale one.
    mine = update(Ticket).where(Ticket.tenant_id == scope.tenant_id, Ticket.id == ticket.id)
    db.session.execute(mine.values(csat=answer), execution_options={"synchronize_session": False})
    by_customer = replace(scope, user_name=CUSTOMER)
    publish(by_customer, TicketRated("ticket", ticket.id, row.id, answer, before, commented=bool(text)))
    if answer == rules.BAD:
        _tell(scope, asked, newly=before != rules.BAD, said_more=said_more)


def _tell(scope: Scope, asked: Asked, *, newly: bool, said_more: bool) -> None:
    """Of a bad rating at once and by mail; of what they add to it in the house."""
    row, ticket = asked.rating, asked.ticket
    people = queries.list_answerable(scope, ticket)
    link = ("tickets.show", {"record_id": ticket.id})
    title = f"#{ticket.number} {ticket.subject}"
    if newly:
        notify(
            scope, people, kind="ticket.rated", subject=f"Rated “not good”: {title}", body=row.comment, link=link,
            key=f"rated:{row.id}:{row.version}",
        )  # fmt: skip
    elif said_more:
        notify(
            scope, people, kind="ticket.rated", subject=f"Why it was “not good”: {title}", body=row.comment, link=link,
            key=f"rated:{row.id}:{row.version}", mail=False,
        )  # fmt: skip


def _send(scope: Scope, ticket: Ticket, rating_id: UUID) -> UUID:
    assert ticket.requester_email is not None
    name = ticket.requester_name or ""
    mail_id = send_mail(
        scope,
        to=Recipient(name, ticket.requester_email),
        template="tickets/rating",
        context={
            "name": name,
            "number": ticket.number,
            "subject": ticket.subject,
            "token": token_of(scope.tenant_id, rating_id),
        },
        key=f"csat:{rating_id}",
    )
    hold_back(scope, mail_id, scope.now + rules.PATIENCE)
    return mail_id


def _id_in(tenant_id: UUID, token: str) -> UUID:
    """The id a genuine token holds. Raises NoRating."""
    try:
        if len(token) > _MAX_TOKEN:
            raise ValueError
        return UUID(_signer(tenant_id).unsign(token).decode())
    except (BadSignature, ValueError) as wrong:
        sentence = "This link is incomplete. Copy the whole address from the mail, or open the mail again."
        raise NoRating(sentence, 404) from wrong


def _signer(tenant_id: UUID) -> Signer:
    """Signs with the current key, believes every key of the ring; a token of one tenant means nothing in another."""
    keys = [derive_for(kid, "links") for kid in reversed(key_ids())]
    return Signer(keys, salt=f"csat:{tenant_id}", key_derivation="hmac", digest_method=hashlib.sha256)
