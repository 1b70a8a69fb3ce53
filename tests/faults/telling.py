"""The product with one subscriber more, for tests/faults/test_notices.py: it tells the owner of each occasion."""

from __future__ import annotations

from app import create_app
from app.accounts.queries import find_user_by_email, system_scope
from app.core import dispatcher
from app.core.events import EventRow
from app.notifications.actions import notify

TYPE = "occasion.came"
app = create_app()


def tell_the_owner(event: EventRow) -> None:
    owner = find_user_by_email("owner@acme.example")
    assert owner is not None
    notify(
        system_scope(event.tenant_id), [owner.id], kind="test", subject=f"Occasion {event.data['number']}",
        link=("leads.list", {}), key=f"occasion:{event.subject_id}",
    )  # fmt: skip


dispatcher.subscribe("tests.telling", frozenset({TYPE}), tell_the_owner)
