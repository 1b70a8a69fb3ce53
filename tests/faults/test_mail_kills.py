"""kill -9 of worker, scheduler and web while mail comes in: none is lost, none becomes two tickets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests

from app import create_app
from app.accounts import queries
from app.core import db as database
from app.core.scope import tenant_context
from app.tickets.actions import mailboxes
from tests.faults.conftest import House, until
from tests.support.desk_mail import VALUES
from tests.support.imap_server import _PASSWORD, _USER, ImapServer
from tests.support.letters import letter

_LEASES = 120


@pytest.fixture(scope="module")
def imap() -> Iterator[ImapServer]:
    with ImapServer() as server:
        yield server


@pytest.fixture(scope="module")
def secret(house: House, imap: ImapServer) -> str:
    """A mailbox that is fetched from and handed to; the processes may reach the server on this machine."""
    house.site.environ["OUTBOUND_PRIVATE_HOSTS"] = f"127.0.0.1:{imap.port}"
    for name in ("web", "worker", "scheduler"):
        house.site.kill(name)
    app = create_app(house.site.servers.settings)
    with app.app_context():
        found = queries.find_tenant("acme")
        assert found is not None
        with tenant_context(found.id):
            values = replace(VALUES, way="imap", host="127.0.0.1", port=str(imap.port), tls="none", user_name=_USER)
            made = mailboxes.create_mailbox(queries.system_scope(found.id), values, _PASSWORD)
            database.commit()
        database.db.engine.dispose()
    house.site.start("web", "worker", "scheduler")
    house.site.wait_until_up()
    return made.token


def _mail(kind: str, number: int) -> bytes:
    """Each from somebody else: nobody writes so much."""
    fields = {"From": f"p{number}@{kind}.example", "Message_ID": f"<{number}@{kind}.example>"}
    return letter(f"Mail {number}\n" * 50, f"{kind} {number}", **fields).as_bytes()


def _tickets(house: House, kind: str) -> int:
    return house.ask(f"select count(*) from tickets where subject like '{kind} %'")


def _is_whole(house: House, kind: str, count: int) -> None:
    until(lambda: _tickets(house, kind) >= count, _LEASES)
    until(lambda: house.ask("select count(*) from received_mails where state = 'received'") == 0, _LEASES)
    assert _tickets(house, kind) == count
    assert house.ask(f"select count(distinct subject) from tickets where subject like '{kind} %'") == count
    opening = "select count(*) from ticket_messages m join tickets t on t.id = m.ticket_id and m.kind = 'opening' "
    assert house.ask(opening + f"where t.subject like '{kind} %'") == count


def test_no_mail_is_lost_when_the_worker_is_killed_in_the_middle_of_it(house: House, secret: str) -> None:
    for number in range(60):
        answer = requests.post(f"{house.site.url()}/mail/in/{secret}", _mail("Taken", number), timeout=30)
        assert answer.status_code == 202
    for part in (5, 20, 40):
        until(lambda part=part: _tickets(house, "Taken") >= part, _LEASES)  # type: ignore[misc]
        house.site.kill("worker")
        house.site.start("worker")
    _is_whole(house, "Taken", 60)


def test_no_mail_is_lost_when_the_worker_is_killed_while_it_fetches(
    house: House, secret: str, imap: ImapServer
) -> None:
    imap.append(*(_mail("Fetched", number) for number in range(120)))
    stored = "select count(*) from received_mails where way = 'imap' and message_id ilike '%fetched.example>'"
    for part in (3, 50):
        house.ask("update mailboxes set next_poll_at = now() returning 1")
        until(lambda part=part: house.ask(stored) >= part, _LEASES)  # type: ignore[misc]
        house.site.kill("worker")
        house.site.start("worker")
        # The lease of whoever was killed is over sooner than the test has time for.
        house.ask("update mailboxes set next_poll_at = now() returning 1")
    until(lambda: house.ask(stored) >= 120, _LEASES)
    _is_whole(house, "Fetched", 120)
    until(lambda: imap.seen() >= 120, _LEASES)


def test_what_was_answered_202_is_there_when_the_web_server_is_killed(house: House, secret: str) -> None:
    kept = []
    for number in range(60):
        if number in (15, 30, 45):
            house.site.kill("web")
            house.site.start("web")
        try:
            answer = requests.post(f"{house.site.url()}/mail/in/{secret}", _mail("Kept", number), timeout=10)
        except requests.RequestException:
            time.sleep(0.2)
            continue
        if answer.status_code == 202:
            kept.append(number)
        else:
            assert answer.status_code == 503
    house.site.wait_until_up()
    assert len(kept) > 20
    # A mail server tries again whatever was not answered; what was kept all the same is known.
    for number in range(60):
        assert (
            requests.post(f"{house.site.url()}/mail/in/{secret}", _mail("Kept", number), timeout=30).status_code == 202
        )
    _is_whole(house, "Kept", 60)
    assert house.ask("select count(*) from received_mails where message_id ilike '%kept.example>'") == 60


def test_mail_waits_at_its_server_while_the_database_is_away(house: House, secret: str, imap: ImapServer) -> None:
    imap.append(*(_mail("Away", number) for number in range(20)))
    house.ask("update mailboxes set next_poll_at = now() returning 1")
    house.kill_server("postgres")
    time.sleep(2)
    house.start_servers()
    until(lambda: house.ask("update mailboxes set next_poll_at = now() returning 1") == 1, 30)
    _is_whole(house, "Away", 20)
