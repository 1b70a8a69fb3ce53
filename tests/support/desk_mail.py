"""Mail of a service desk in tests: a mailbox, mail handed to it, and what became of that.

desk = DeskMail(client, acme, inside)
box = desk.mailbox()                      a mailbox, and the client knows its secret address
desk.hand_over(letter("Hello").as_bytes())
desk.work()                               what the worker would do
desk.mails()                              rows of the log, oldest first
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.clock import now
from app.core.scope import Scope
from app.extensions import db
from app.tickets.actions import mailboxes, taking_mail
from app.tickets.models import Ticket, TicketFile, TicketMessage
from app.tickets.models.mail import Mailbox, ReceivedMail
from app.tickets.rules.mailboxes import MailboxValues
from tests.support.clients import PageClient, PageResponse

ADDRESS = "support@acme.example"
VALUES = MailboxValues(
    name="Support",
    address=ADDRESS,
    from_name="",
    replies="plus",
    reply_domain="",
    way="http",
    host="",
    port="993",
    tls="implicit",
    user_name="",
    folder="INBOX",
    done_folder="",
    team_id="",
    category_id="",
    active=True,
)


@dataclass
class DeskMail:
    """The desk of one tenant, seen from outside (HTTP) and from below (rows)."""

    client: PageClient
    scope: Scope
    inside: Callable[..., Any]
    secret: str = ""

    @property
    def present(self) -> Scope:
        return replace(self.scope, now=now())

    @property
    def system(self) -> Scope:
        """What jobs work with."""
        return replace(self.present, user_id=None, user_name="Fairlead", user_email="", role="system")

    def mailbox(self, password: str = "", **changes: Any) -> UUID:
        with self.inside(self.scope):
            made = mailboxes.create_mailbox(self.present, replace(VALUES, **changes), password)
        self.secret = made.token
        return made.id

    def hand_over(self, raw: bytes, secret: str | None = None, **more: Any) -> PageResponse:
        path = f"/mail/in/{secret or self.secret}"
        return self.client.post(path, data=raw, content_type="message/rfc822", **more)

    def work(self) -> int:
        with self.inside(self.scope):
            return taking_mail.take_due(self.system)

    def take(self, raw: bytes) -> ReceivedMail:
        """Hands a mail over and has it worked on; its row."""
        answer = self.hand_over(raw)
        assert answer.status_code == 202, answer.text
        self.work()
        return self.mails()[-1]

    def mails(self) -> list[ReceivedMail]:
        return self._all(ReceivedMail)

    def tickets(self) -> list[Ticket]:
        return self._all(Ticket)

    def messages(self) -> list[TicketMessage]:
        return self._all(TicketMessage)

    def files(self) -> list[TicketFile]:
        return self._all(TicketFile)

    def box(self) -> Mailbox:
        return self._all(Mailbox)[-1]

    def _all(self, model: type[Any]) -> list[Any]:
        with self.inside(self.scope):
            found = list(db.session.scalars(select(model).order_by(model.id)))
            db.session.expunge_all()
            return found
