"""Fetching from a real IMAP server: kept before it is marked, once, with less and less haste when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core.clock import now
from app.extensions import db
from app.tickets.actions import mailboxes as actions
from app.tickets.actions import polling
from app.tickets.models.mail import ReceivedMail
from app.tickets.queries import mailboxes
from tests.support.desk_mail import DeskMail
from tests.support.imap_server import _PASSWORD, _USER, Gate, ImapServer, free_port
from tests.support.letters import letter
from tests.support.servers import with_settings


@pytest.fixture(scope="module")
def server() -> Iterator[ImapServer]:
    with ImapServer() as running:
        yield running


@pytest.fixture
def fresh(server: ImapServer) -> ImapServer:
    """Empty mailboxes, and another UIDVALIDITY."""
    server.stop()
    server.start()
    return server


@pytest.fixture
def allow(app, settings):
    """`allow(port)`: the operator names this port of this machine."""

    def use(*ports: int) -> None:
        hosts = tuple(f"127.0.0.1:{port}" for port in ports)
        app.extensions["fairlead.settings"] = with_settings(settings, outbound_private_hosts=hosts)

    yield use
    app.extensions["fairlead.settings"] = settings


@pytest.fixture
def desk(client, acme, inside) -> DeskMail:
    return DeskMail(client, acme, inside)


def imap_box(desk: DeskMail, port: int, **changes: object) -> object:
    values = {"way": "imap", "host": "127.0.0.1", "port": str(port), "tls": "none", "user_name": _USER, **changes}
    return desk.mailbox(_PASSWORD, **values)


def poll(desk: DeskMail, box, at=None) -> str | None:
    with desk.inside(desk.scope):
        actions.poll_soon(replace(desk.present, now=at or now()), box)
    with desk.inside(desk.scope):
        return polling.poll_mailbox(desk.system, box)


def _mail(number: int) -> bytes:
    return letter(f"Hello {number}", f"Mail {number}", Message_ID=f"<{number}@x.example>").as_bytes()


def test_mail_is_fetched_once_and_becomes_tickets(desk, fresh, allow):
    allow(fresh.port)
    fresh.append(*(_mail(n) for n in range(3)))
    box = imap_box(desk, fresh.port, done_folder="Done")
    assert poll(desk, box) == ""
    assert poll(desk, box) == ""
    assert (len(desk.mails()), len(fresh.texts()), len(fresh.texts("Done"))) == (3, 0, 3)
    assert desk.work() == 3
    assert [ticket.subject for ticket in desk.tickets()] == ["Mail 0", "Mail 1", "Mail 2"]
    assert desk.box().waiting == []


def test_a_poll_that_is_not_due_does_nothing(desk, fresh, allow):
    allow(fresh.port)
    box = imap_box(desk, fresh.port)
    assert poll(desk, box) == ""
    with desk.inside(desk.scope):
        assert polling.poll_mailbox(desk.system, box) is None


def test_killed_before_the_state_was_stored_nothing_is_doubled(desk, fresh, allow, inside, acme):
    allow(fresh.port)
    fresh.append(_mail(1), _mail(2))
    box = imap_box(desk, fresh.port)
    poll(desk, box)
    with inside(acme):
        row = mailboxes.get_mailbox(acme, box)
        row.last_uid, row.uidvalidity = 0, None
    poll(desk, box)
    assert len(desk.mails()) == 2


def test_a_mailbox_that_was_moved_to_another_server_doubles_nothing(desk, fresh, allow):
    allow(fresh.port)
    fresh.append(_mail(1))
    box = imap_box(desk, fresh.port)
    poll(desk, box)
    fresh.stop()
    fresh.start()
    fresh.append(_mail(1), _mail(2))
    poll(desk, box)
    desk.work()
    assert sorted(row.state for row in desk.mails()) == ["duplicate", "ticketed", "ticketed"]


def test_another_account_whose_numbers_begin_again_is_other_mail(desk, fresh, allow, inside, acme):
    """Inboxes of large providers have one UIDVALIDITY for everybody: the same number is another account's mail."""
    allow(fresh.port)
    fresh.append(_mail(1), _mail(2))
    box = imap_box(desk, fresh.port)
    poll(desk, box)
    with fresh.client() as client:
        validity = client.select_folder("INBOX")[b"UIDVALIDITY"]
    with inside(acme):
        row = mailboxes.get_mailbox(acme, box)
        row.uidvalidity, row.last_uid = None, 0
        for mail in db.session.scalars(select(ReceivedMail)):
            uid = int(mail.key.partition(":")[2])
            mail.key, mail.message_id, mail.fingerprint = f"{validity}:{uid}", f"<was-{uid}@x>", f"was-{uid}"
    poll(desk, box)
    assert len(desk.mails()) == 4
    with inside(acme):
        row = mailboxes.get_mailbox(acme, box)
        row.uidvalidity, row.last_uid = None, 0
    poll(desk, box)
    assert len(desk.mails()) == 4, "and again they are known"


def test_a_mailbox_that_is_set_up_anew_while_it_is_fetched_begins_anew(desk, fresh, allow, monkeypatch):
    allow(fresh.port)
    fresh.append(_mail(1))
    with fresh.client() as client:
        client.create_folder("Other")
    box = imap_box(desk, fresh.port)
    keep = polling.store_mail

    def meanwhile(scope, mailbox_id, *given, **more):
        row = mailboxes.get_mailbox(scope, mailbox_id, lock=True)
        row.folder, row.uidvalidity, row.last_uid, row.waiting = "Other", None, 0, []
        return keep(scope, mailbox_id, *given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(polling, "store_mail", meanwhile)
        poll(desk, box)
    assert (desk.box().uidvalidity, desk.box().last_uid) == (None, 0)


def test_what_cannot_be_kept_stays_at_the_server_and_comes_again(desk, fresh, allow, monkeypatch):
    allow(fresh.port)
    fresh.append(_mail(1), _mail(2))
    box = imap_box(desk, fresh.port)
    with monkeypatch.context() as patched:
        patched.setattr(polling, "store_mail", _fails)
        assert "2 mails could not be taken" in (poll(desk, box) or "")
        assert (desk.mails(), fresh.seen(), len(desk.box().waiting)) == ([], 0, 2)
        assert (desk.box().failures, "2 mails" in desk.box().last_error) == (0, True), "said, and no less often"
    assert poll(desk, box) == ""
    assert (len(desk.mails()), fresh.seen(), desk.box().waiting) == (2, 2, [])


def _fails(*_: object, **__: object) -> None:
    raise OSError(28, "no room left")


def test_the_failures_of_an_hour_are_told_once(desk, allow, owner, run_jobs):
    port = free_port()
    allow(port)
    box = imap_box(desk, port)
    at = now()
    for _ in range(3):
        with desk.inside(desk.scope):
            row = mailboxes.get_mailbox(desk.scope, box)
            polling._failed(replace(desk.system, now=at), row, "The mail server takes no connections at that port.")
        at += timedelta(minutes=61)
    page = owner.get("/notices")
    assert page.text.count("No mail has come from Support for an hour") >= 1
    assert desk.box().failures == 3
    assert desk.box().told_at is not None
    assert "takes no connections" in owner.get("/settings/mailboxes/").text


def test_it_is_tried_less_and_less_often(desk, allow):
    port = free_port()
    allow(port)
    box = imap_box(desk, port)
    waits = []
    for _ in range(8):
        began = now()
        assert poll(desk, box, at=began) == "The mail server takes no connections at that port."
        waits.append(round((desk.box().next_poll_at - began).total_seconds() / 60))
    assert waits == [2, 4, 8, 16, 30, 30, 30, 30]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254", "10.0.0.1", "[::1]", "2130706433"])
def test_claim_30_a_mail_server_inside_is_never_connected_to(desk, host):
    box = imap_box(desk, 993, host=host, tls="implicit")
    said = poll(desk, box)
    assert said
    assert "public internet" in said or "no mail server of that name" in said


def test_claim_30_other_ports_are_no_mail_servers(desk):
    box = imap_box(desk, 6379, host="example.com", tls="implicit")
    assert "Port 6379" in (poll(desk, box) or "")


def test_a_wrong_password_is_said(desk, fresh, allow, inside, acme):
    allow(fresh.port)
    values = {"way": "imap", "host": "127.0.0.1", "port": str(fresh.port), "tls": "none", "user_name": _USER}
    box = desk.mailbox("wrong", **values)
    assert poll(desk, box) == "The mail server refused the name or the password."


@pytest.mark.parametrize("cut", [60, 400, 1200, 2500])
def test_a_connection_that_breaks_loses_and_doubles_nothing(desk, fresh, allow, cut):
    fresh.append(*(_mail(n) for n in range(10)))
    with Gate(fresh.port, cut_after=[cut, cut + 300]) as gate:
        allow(gate.port)
        box = imap_box(desk, gate.port, done_folder="Done")
        poll(desk, box)
        poll(desk, box)
    desk.work()
    assert len(desk.mails()) == 10
    assert len(desk.tickets()) == 10
    assert fresh.texts() == []


def test_the_sweep_rings_for_what_is_due(desk, fresh, allow, run_jobs):
    import jobs.mailboxes

    allow(fresh.port)
    fresh.append(_mail(1))
    imap_box(desk, fresh.port)
    with desk.client.application.app_context():
        jobs.mailboxes.sweep()
    run_jobs()
    assert len(desk.tickets()) == 1
