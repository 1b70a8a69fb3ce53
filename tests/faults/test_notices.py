"""Claim 6 through the whole product: worker and child are killed while they tell of 1,000 occasions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar
from uuid import uuid4

import pytest

from app import create_app
from app.accounts.queries import find_tenant, system_scope
from app.core import db as database
from app.core.events import Event, publish
from app.core.scope import tenant_context
from tests.faults.conftest import House, until
from tests.support.smtp import MailServer, mail_server

OCCASIONS = 1_000


@dataclass(frozen=True, slots=True)
class Came(Event):
    verb: ClassVar[str] = "came"
    number: int = 0


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def telling(house: House, server: MailServer) -> Iterator[None]:
    """The worker tells of occasions, and its mail goes to a server that remembers what it took."""
    before = dict(house.site.environ)
    house.site.kill("worker")
    house.site.environ |= {
        "FLASK_APP": "tests.faults.telling:app",
        "SMTP_URL": f"smtp://127.0.0.1:{server.port}?tls=none",
        "MAIL_FROM": "Fairlead <no-reply@fairlead.example>",
    }
    house.site.start("worker")
    yield
    house.site.kill("worker")
    house.site.environ = before


def _happen(house: House) -> None:
    app = create_app(house.site.servers.settings)
    with app.app_context():
        tenant = find_tenant("acme")
        assert tenant is not None
        with tenant_context(tenant.id):
            publish(system_scope(tenant.id), *(Came("occasion", uuid4(), number) for number in range(OCCASIONS)))
            database.commit()
        database.db.engine.dispose()


def test_claim_06_a_thousand_notices_and_seven_kills(house: House, server: MailServer, telling: None) -> None:
    told: Callable[[], int] = lambda: house.ask("select count(*) from notices where kind = 'test'")  # noqa: E731
    _happen(house)
    kills = 0
    for reached, marks in ((told, (100, 400, 700)), (lambda: len(server.taken), (100, 400, 700, 900))):
        for mark in marks:
            until(lambda: reached() >= mark, 120)  # noqa: B023 - waited for before the next round
            house.site.kill("worker")
            house.site.start("worker")
            kills += 1
    until(lambda: house.ask("select count(*) from outgoing_mails where status = 'sent'") == OCCASIONS, 180)
    assert told() == OCCASIONS, "each is in the house, once"
    assert house.ask("select count(distinct key) from notices where kind = 'test'") == OCCASIONS
    seen = Counter(taken.message_id for taken in server.taken)
    subjects = {str(taken.mail["Subject"]) for taken in server.taken}
    assert len(seen) == OCCASIONS
    assert subjects == {f"Occasion {number}" for number in range(OCCASIONS)}, "none is lost"
    repeated = sum(seen.values()) - OCCASIONS
    assert repeated <= kills, "more were repeated than workers were killed"
    print(f"\n{OCCASIONS} notices, {kills} kills of worker and child, {repeated} mails repeated, same Message-ID")
