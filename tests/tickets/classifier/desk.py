"""A desk whose classifier can be trained: categories, and tickets people have put into them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update

from app.core import cache
from app.core.records import actions
from app.core.scope import Scope
from app.extensions import db
from app.tickets.actions import training
from app.tickets.classifier.offering import CATEGORY
from app.tickets.definition import TICKETS
from app.tickets.models import Classification, ClassifierVersion, DeskRow, Ticket, TicketCategory
from tests.support.world import World
from tests.tickets.classifier.corpus import LABELS, corpus


class Desk:
    """`desk.categories["billing"]` is a category's id; `desk.teach()` stores tickets and trains."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.categories = {name: self.category(name) for name in LABELS}

    @property
    def scope(self) -> Scope:
        return self.world.scope

    def category(self, name: str) -> UUID:
        at = self.scope.now
        with self.world.inside(self.scope):
            row = TicketCategory(name=name.title(), name_key=name, created_at=at, updated_at=at, version=1)
            db.session.add(row)
            db.session.flush()
            cache.bump(self.scope.tenant_id, "category")
            return row.id

    def archive(self, name: str) -> None:
        with self.world.inside(self.scope):
            db.session.execute(
                update(TicketCategory).where(TicketCategory.id == self.categories[name]).values(archived=True)
            )
        with self.world.inside(self.scope):
            cache.bump(self.scope.tenant_id, "category")

    def settings(self, **settings: Any) -> None:
        at = self.scope.now
        with self.world.inside(self.scope):
            db.session.execute(delete(DeskRow))
            db.session.add(DeskRow(settings=settings, created_at=at, updated_at=at, version=1))
        with self.world.inside(self.scope):
            cache.bump(self.scope.tenant_id, "desk")

    def label(self, each: int = 15, *, seed: int = 1) -> None:
        """Tickets that people have put into categories."""
        with self.world.inside(self.scope):
            for example in corpus(each, seed=seed):
                subject, _, body = example.text.partition("\n")
                values = {"subject": subject, "description": body, "category_id": self.categories[example.label]}
                actions.create_record(self.scope, TICKETS, values)

    def ask(self, field: str = CATEGORY) -> UUID:
        with self.world.inside(self.scope):
            return training.ask_training(self.scope, field)

    def train(self, field: str = CATEGORY) -> ClassifierVersion:
        """Trains without the queue."""
        version_id = self.ask(field)
        with self.world.inside(self.scope):
            training.run_training(self.scope, version_id)
        return self.version(version_id)

    def teach(self, each: int = 15) -> ClassifierVersion:
        self.label(each)
        return self.train()

    def version(self, version_id: UUID) -> ClassifierVersion:
        with self.world.inside(self.scope):
            row = db.session.get_one(ClassifierVersion, (self.scope.tenant_id, version_id))
            _ = row.report, row.content
            db.session.expunge(row)
            return row

    def new(self, subject: str, *, by_mail: bool = False, **values: Any) -> dict[str, Any]:
        """A new ticket, as it is stored."""
        scope = replace(self.scope, user_id=None) if by_mail else self.scope
        with self.world.inside(scope):
            made = actions.create_record(scope, TICKETS, {"subject": subject} | values)
        return self.world.row(made)

    def suggestions(self, ticket_id: UUID) -> dict[str, Classification]:
        with self.world.inside(self.scope):
            rows = db.session.scalars(select(Classification).where(Classification.ticket_id == ticket_id)).all()
            db.session.expunge_all()
            return {row.field: row for row in rows}

    def count(self, model: type[Any]) -> int:
        with self.world.inside(self.scope):
            return len(db.session.scalars(select(model.id)).all())

    def damage(self, **columns: Any) -> None:
        """Changes what is stored of all versions, as a broken disk would."""
        with self.world.inside(self.scope):
            db.session.execute(update(ClassifierVersion).values(**columns))

    def tickets(self) -> list[Ticket]:
        with self.world.inside(self.scope):
            rows = list(db.session.scalars(select(Ticket)))
            db.session.expunge_all()
            return rows
