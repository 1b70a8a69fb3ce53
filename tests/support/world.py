"""One tenant's records, made and read by the actions themselves: what a test needs before and after a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from app.accounts import queries as account_queries
from app.accounts.models import Passkey, UserSession
from app.core.clock import now
from app.core.events import EventRow
from app.core.records import actions, queries
from app.core.records.fields import ParseContext
from app.core.records.kind import RecordKind
from app.core.records.models import Note, SavedView
from app.core.scope import Scope
from app.extensions import db

NOWHERE = UUID("01900000-0000-7000-8000-000000000000")
"""An id of nothing."""


_SOME = {
    "lead": {"last_name": "Doe", "email": "doe@example.com"},
    "ticket": {"subject": "Help", "requester_name": "Doe", "requester_email": "doe@example.com"},
    "gadget": {"name": "Doe", "email": "doe@example.com"},
}
"""What a record is made of when a test does not say."""


class World:
    """`world.add(last_name="Doe")` stores a record and returns its id; `world.row(id)` is what is stored now."""

    def __init__(self, scope: Scope, inside: Callable[..., Any], kind: RecordKind) -> None:
        self._scope, self.kind = scope, kind
        self.inside = inside

    def of(self, kind: RecordKind) -> World:
        """The same world, for records of another kind."""
        return World(self._scope, self.inside, kind)

    @property
    def scope(self) -> Scope:
        """Who does all this, at the present instant."""
        return replace(self._scope, now=now())

    def add(self, **typed: str) -> UUID:
        return self.add_many([typed or _SOME[self.kind.name]])[0]

    def add_many(self, rows: list[dict[str, str]]) -> list[UUID]:
        context = ParseContext(self.scope, {str(self.scope.user_id): self.scope.user_id})
        with self.inside(self.scope):
            return [
                actions.create_record(
                    self.scope,
                    self.kind,
                    {name: self.kind.field(name).parse(text, context) for name, text in typed.items()},
                )
                for typed in rows
            ]

    def change(self, record_id: UUID, **values: Any) -> None:
        """As somebody else would, meanwhile."""
        with self.inside(self.scope):
            actions.update_record(self.scope, self.kind, record_id, self.row(record_id)["version"], values)

    def move(self, record_id: UUID, to: str, reason: str = "") -> None:
        with self.inside(self.scope):
            actions.move_record(self.scope, self.kind, record_id, self.row(record_id)["version"], to, reason)

    def note(self, record_id: UUID, body: str = "A note.") -> UUID:
        with self.inside(self.scope):
            return actions.add_note(self.scope, self.kind, record_id, body)

    def view(self, name: str = "Mine", *, shared: bool = False, **query: list[str]) -> UUID:
        with self.inside(self.scope):
            return actions.save_view(self.scope, self.kind, name, query, shared=shared)

    def upload(self, content: bytes = b"last name,subject,name,email\nDoe,Doe,Doe,doe@example.com\n") -> UUID:
        """A file that waits for its columns to be mapped."""
        from app.core.transfer import actions as transfers

        with self.inside(self.scope):
            return transfers.upload(self.scope, self.kind, BytesIO(content), "some.csv", uuid4(), 1_000_000)

    def category(self, name: str = "") -> UUID:
        """A category of tickets, of a name nobody else has."""
        from app.tickets.actions.categories import create_category

        with self.inside(self.scope):
            return create_category(self.scope, name or f"About {uuid4().hex[:12]}")

    def alert(self) -> UUID:
        """Somebody's sign-in was locked; nobody has seen the alert."""
        from app.audit.actions import raise_alert
        from app.audit.rules import Fact, rules_for

        subject = uuid4()
        fact = Fact("sign_in.locked", subject, None, {}, self.scope.now)
        with self.inside(self.scope):
            made = raise_alert(self.scope, rules_for(fact.type)[0], fact, subject, 1)
        assert made is not None
        return made

    def notice(self, subject: str = "Something happened", *, user_id: UUID | None = None, **more: Any) -> UUID:
        """What the system told whoever does all this, or somebody else; it leads to the page of leads."""
        from app.notifications.actions import notify
        from app.notifications.models import Notice

        user_id = user_id or self.scope.user_id
        assert user_id is not None
        key = uuid4().hex
        given: dict[str, Any] = {"kind": "test", "link": ("leads.list", {}), "mail": False} | more
        with self.inside(self.scope):
            notify(replace(self.scope, user_id=None), [user_id], subject=subject, key=key, **given)
            return db.session.scalars(select(Notice.id).where(Notice.key == key)).one()

    def rating(self, ticket_id: UUID | None = None) -> tuple[UUID, str]:
        """A resolved ticket whose requester was asked how it went: its id, and what stands in the link."""
        from app.tickets.actions import csat
        from app.tickets.definition import TICKETS
        from app.tickets.models import Ticket

        tickets = self.of(TICKETS)
        ticket_id = ticket_id or tickets.add()
        tickets.move(ticket_id, "resolved")
        with self.inside(self.scope):
            ticket = db.session.get_one(Ticket, (self.scope.tenant_id, ticket_id))
            rating_id = csat.ask(self.scope, ticket)
            assert rating_id is not None
            return ticket_id, csat.token_of(self.scope.tenant_id, rating_id)

    def classifier_version(self) -> UUID:
        """A version of the classifier that found too little to learn from."""
        from app.tickets.actions import training
        from app.tickets.queries import find_busy

        with self.inside(self.scope):
            busy = find_busy(self.scope, "category")
            made = busy.id if busy else training.ask_training(self.scope, "category")
        with self.inside(self.scope):
            training.run_training(self.scope, made)
        return made

    def api_token(self, user_id: UUID | None = None) -> UUID:
        """A personal token of whoever does all this, or of somebody else."""
        from app.accounts import actions as accounts

        with self.inside(self.scope):
            who = replace(self.scope, user_id=user_id or self.scope.user_id)
            expires = who.now + timedelta(days=30)
            made = accounts.create_api_token(who, name="A program", scopes=["lead:read"], expires_at=expires)
            return made.id

    def provider(self) -> UUID:
        """A provider of single sign-on that nobody answers for."""
        from app.accounts import actions as accounts
        from app.accounts.rules import ProviderValues

        values = ProviderValues("Idp", f"https://{uuid4().hex}.invalid", "client", ["idp.example"])
        with self.inside(self.scope):
            # A few fit; the tests that ask every route make more.
            for known in account_queries.list_providers(self.scope)[:-1]:
                accounts.delete_provider(self.scope, known.id)
            return accounts.create_provider(self.scope, values, "secret")

    def privacy_request(self, address: str = "doe@example.com") -> UUID:
        """A finished export of what is kept of an address."""
        from app.privacy.actions import ask_export
        from app.privacy.running import run_request

        with self.inside(self.scope):
            made = ask_export(self.scope, address)
        with self.inside(self.scope):
            run_request(self.scope, made)
        return made

    def calendar(self) -> UUID:
        """A working week."""
        from app.tickets.actions.calendars import create_calendar
        from app.tickets.actions.starting import working_week

        with self.inside(self.scope):
            return create_calendar(self.scope, f"Office {uuid4().hex[:8]}", working_week(self.scope))

    def policy(self) -> UUID:
        """What one has from one click, on a calendar of its own."""
        from app.tickets.actions.policies import create_policy
        from app.tickets.actions.starting import standard_definition

        calendar_id = self.calendar()
        with self.inside(self.scope):
            return create_policy(self.scope, "Standard", calendar_id, standard_definition(["low"], 60, 60, 480))

    def mailbox(self) -> tuple[UUID, str]:
        """A mailbox that mail is handed to, and its secret."""
        from app.tickets.actions import mailboxes
        from app.tickets.queries.mailboxes import list_mailboxes
        from tests.support.desk_mail import VALUES

        with self.inside(self.scope):
            # Fifty fit; the tests that ask every route make more.
            for known in list_mailboxes(self.scope)[:-40]:
                mailboxes.delete_mailbox(self.scope, known.id)
            values = replace(VALUES, address=f"m{uuid4().hex[:12]}@{self.scope.tenant_slug}.example")
            made = mailboxes.create_mailbox(self.scope, values, "")
        return made.id, made.token

    def received_mail(self) -> UUID:
        """A mail that came in and is a ticket now."""
        from app.tickets.actions import storing_mail, taking_mail

        box, _ = self.mailbox()
        raw = f"From: ann@customer.example\r\nMessage-ID: <{uuid4().hex}@x>\r\nSubject: Hi\r\n\r\nHello".encode()
        with self.inside(self.scope):
            made = storing_mail.store_mail(self.scope, box, BytesIO(raw), way="http").id
        with self.inside(self.scope):
            taking_mail.take_in(replace(self.scope, user_id=None, role="system"), made)
        return made

    def delete(self, *ids: UUID) -> UUID:
        with self.inside(self.scope):
            return actions.delete_records(self.scope, self.kind, list(ids))[0]

    def row(self, record_id: UUID) -> dict[str, Any]:
        """The stored columns, deleted or not."""
        with self.inside(self.scope):
            table = self.kind.model.__table__  # type: ignore[attr-defined]
            found = db.session.execute(select(table).where(table.c.id == record_id)).one()
            return dict(found._mapping)

    def rows(self) -> list[dict[str, Any]]:
        """The live rows, oldest first."""
        with self.inside(self.scope):
            table = self.kind.model.__table__  # type: ignore[attr-defined]
            found = db.session.execute(select(table).where(table.c.deleted_at.is_(None)).order_by(table.c.id))
            return [dict(row._mapping) for row in found]

    def events(self, record_id: UUID) -> list[EventRow]:
        """What happened to the record, oldest first."""
        with self.inside(self.scope):
            found = list(reversed(queries.list_events(self.scope, [record_id], limit=1_000)))
            db.session.expunge_all()
            return found

    def event_types(self, record_id: UUID) -> list[str]:
        return [event.type.partition(".")[2] for event in self.events(record_id)]

    def all_events(self) -> int:
        """How many events there are of this kind of record."""
        with self.inside(self.scope):
            return len(list(db.session.scalars(select(EventRow.id).where(EventRow.subject_kind == self.kind.name))))

    def session(self) -> UUID:
        """A browser in which whoever does all this is signed in as well."""
        with self.inside(self.scope):
            row = UserSession(
                tenant_id=self.scope.tenant_id,
                token_hash=uuid4().hex,
                user_id=self.scope.user_id,
                created_at=now(),
                proved_at=now(),
                last_seen_at=now(),
                expires_at=now() + timedelta(hours=1),
            )
            db.session.add(row)
            db.session.flush()
            return row.id

    def passkey(self) -> UUID:
        """A passkey of whoever does all this, which no browser holds."""
        with self.inside(self.scope):
            row = Passkey(
                tenant_id=self.scope.tenant_id,
                user_id=self.scope.user_id,
                credential_id=uuid4().hex,
                public_key=b"",
                name="Laptop",
                created_at=now(),
            )
            db.session.add(row)
            db.session.flush()
            return row.id

    def notes(self) -> list[str]:
        with self.inside(self.scope):
            return list(db.session.scalars(select(Note.body).order_by(Note.id)))

    def views(self) -> list[str]:
        with self.inside(self.scope):
            return list(db.session.scalars(select(SavedView.name).order_by(SavedView.name)))


def unknown_id() -> UUID:
    return uuid4()
