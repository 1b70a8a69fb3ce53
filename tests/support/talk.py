"""Conversations for tests: `talk.reply(ticket_id, "Hello")`, `talk.receive(…)`, `talk.messages(ticket_id)`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.scope import Scope
from app.extensions import db
from app.tickets.actions import canned, conversation, drafts, files
from app.tickets.actions.canned import CannedValues
from app.tickets.actions.conversation import Received
from app.tickets.definition import TICKETS
from app.tickets.models import Ticket, TicketDraft, TicketFile, TicketMessage
from tests.support.world import World


class Talk:
    """Talking on the tickets of a world, as whoever the world belongs to or as `who`; time is `later` seconds on."""

    def __init__(self, world: World) -> None:
        self.world = world.of(TICKETS)

    def scope(self, who: Scope | None = None, later: float = 0) -> Scope:
        scope = self.world.scope
        return replace(who or scope, now=scope.now + timedelta(seconds=later))

    def reply(
        self, ticket_id: UUID, body: str = "We look into it.", who: Scope | None = None, later: float = 0, **more: Any
    ) -> UUID:
        scope = self.scope(who, later)
        with self.world.inside(scope):
            return conversation.reply(scope, ticket_id, body, **more).id

    def note(self, ticket_id: UUID, body: str = "For us.", who: Scope | None = None, **more: Any) -> UUID:
        scope = self.scope(who)
        with self.world.inside(scope):
            return conversation.add_note(scope, ticket_id, body, **more).id

    def receive(self, ticket_id: UUID, body: str = "It is still broken.", later: float = 0, **more: Any) -> UUID:
        scope = self.scope(None, later)
        with self.world.inside(scope):
            ticket = db.session.get_one(Ticket, (scope.tenant_id, ticket_id))
            new = Received(body=body, author_name=more.pop("author_name", "John Doe"), **more)
            return conversation.receive(scope, ticket, new).id

    def release(self, message_id: UUID, later: float = 60) -> bool:
        scope = self.scope(None, later)
        with self.world.inside(scope):
            return conversation.release(scope, message_id)

    def withdraw(self, ticket_id: UUID, message_id: UUID, who: Scope | None = None) -> str:
        scope = self.scope(who)
        with self.world.inside(scope):
            return conversation.withdraw(scope, ticket_id, message_id)

    def upload(
        self, ticket_id: UUID, content: bytes = b"some text", name: str = "a.txt", who: Scope | None = None
    ) -> UUID:
        scope = self.scope(who)
        with self.world.inside(scope):
            return files.upload(scope, ticket_id, BytesIO(content), name).id

    def draft(self, ticket_id: UUID, body: str = "I am writing", **more: Any) -> None:
        with self.world.inside(self.scope()):
            drafts.save_draft(self.scope(), ticket_id, body, **more)

    def canned(self, title: str = "Password", body: str = "Hello {{requester_name}}.", **more: Any) -> UUID:
        with self.world.inside(self.scope()):
            values = CannedValues(title, body, **({"visibility": "all"} | more))
            return canned.save_canned(self.scope(), values).id

    def messages(self, ticket_id: UUID) -> list[dict[str, Any]]:
        """What is stored, oldest first, withdrawn ones too."""
        return self._rows(select(TicketMessage).where(TicketMessage.ticket_id == ticket_id).order_by(TicketMessage.id))

    def files(self, ticket_id: UUID) -> list[dict[str, Any]]:
        return self._rows(select(TicketFile).where(TicketFile.ticket_id == ticket_id).order_by(TicketFile.id))

    def drafts(self, ticket_id: UUID) -> list[dict[str, Any]]:
        return self._rows(select(TicketDraft).where(TicketDraft.ticket_id == ticket_id).order_by(TicketDraft.id))

    def ticket(self, ticket_id: UUID) -> dict[str, Any]:
        return self.world.row(ticket_id)

    def _rows(self, query: Any) -> Sequence[dict[str, Any]] | Any:
        with self.world.inside(self.scope()):
            found = db.session.scalars(query).all()
            return [{column.name: getattr(row, column.name) for column in row.__table__.columns} for row in found]
