"""Claim 6: senders are killed with -9 while they send; no mail is lost, and a repeated one is the same mail.

Senders are processes of their own; the mail server is a real one in this process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta

import pytest

from app.config import ROOT
from app.core.clock import now
from app.gateways.mail import send_mail, sending
from app.gateways.mail.actions import LEASE
from tests.support.servers import with_settings
from tests.support.site import _environment
from tests.support.smtp import mail_server

# Says that it is ready, waits for a line, and sends what is due.
_SENDER = """
import sys
from uuid import UUID
from app import create_app
from app.accounts.queries import system_scope
from app.core.scope import tenant_context
from app.gateways.mail import sending
app = create_app()
with app.app_context(), tenant_context(UUID(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.readline()
    sending.send_due(system_scope(UUID(sys.argv[1])))
"""


class Sender:
    """A process that sends one tenant's mail."""

    def __init__(self, tenant_id, environment):
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SENDER, str(tenant_id)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self):
        while line := self.process.stdout.readline():
            if line == "ready\n":
                return
        raise AssertionError("the sender did not start")

    def go(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)

    def end(self):
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def server():
    with mail_server() as running:
        yield running


@pytest.fixture
def sender(acme, test_servers, server):
    """`sender()` starts a sending process; all are ended with the test."""
    started = []
    environment = _environment(test_servers, 0) | {
        "SMTP_URL": f"smtp://127.0.0.1:{server.port}?tls=none",
        "MAIL_FROM": "Fairlead <no-reply@fairlead.example>",
    }

    def start():
        made = Sender(acme.tenant_id, environment)
        started.append(made)
        return made

    yield start
    for made in started:
        made.end()


@pytest.fixture
def here(app, settings, server):
    """This process sends to the same server."""
    url = f"smtp://127.0.0.1:{server.port}?tls=none"
    app.extensions["fairlead.settings"] = with_settings(
        settings, smtp_url=url, mail_from="Fairlead <no-reply@fairlead.example>"
    )
    yield
    app.extensions["fairlead.settings"] = settings


@pytest.fixture
def post(acme, inside, here):
    def send(number):
        with inside(acme):
            context = {"name": "Ada", "at": acme.now}
            for _ in range(number):
                send_mail(acme, to="ada@customer.example", template="mail/test", context=context)

    return send


@pytest.fixture
def send_the_rest(acme, inside):
    """As another worker does once the leases of the dead have run out."""

    def run():
        with inside(acme):
            return sending.send_due(acme, at=lambda: now() + LEASE + timedelta(seconds=1))

    return run


def test_claim_06_killed_between_taken_and_commit(sender, server, post, send_the_rest, admin):
    """The one moment in which a mail is repeated: with the same Message-ID, so that it is known as the same."""
    post(1)
    first = sender()
    server.when_taken = lambda taken: first.kill()
    first.wait_until_ready()
    first.go()
    assert first.process.wait(20) == -signal.SIGKILL
    assert admin.execute("select status, attempts from outgoing_mails").fetchone() == ("queued", 1)
    server.when_taken = None
    assert send_the_rest() == 1
    assert len(server.taken) == 2
    assert server.taken[0].message_id == server.taken[1].message_id
    assert server.taken[0].raw == server.taken[1].raw
    assert admin.execute("select status, attempts from outgoing_mails").fetchone() == ("sent", 2)


def test_claim_06_a_killed_sender_holds_a_mail_for_its_lease_only(sender, server, post, acme, inside, send_the_rest):
    post(1)
    first = sender()
    server.when_taken = lambda taken: first.kill()
    first.wait_until_ready()
    first.go()
    first.process.wait(20)
    server.when_taken = None
    with inside(acme):
        assert sending.send_due(acme, at=now) == 0, "nobody takes it while its sender may be alive"
    assert timedelta(seconds=60) - LEASE >= timedelta(seconds=15), "with the sweep's 15 s it is within a minute"
    assert send_the_rest() == 1


@pytest.mark.faults
def test_claim_06_a_thousand_mails_and_ten_kills(sender, server, post, send_the_rest, admin):
    """Five times two senders share the work: one is killed as a mail is taken, the other soon after, wherever it is."""
    number, rounds = 1000, 5
    post(number)
    victims = []

    def kill_at_the_hundredth(taken):
        if len(server.taken) % 100 == 0 and victims:
            victims.pop().kill()

    server.when_taken = kill_at_the_hundredth
    for _ in range(rounds):
        first, second = sender(), sender()
        for one in (first, second):
            one.wait_until_ready()
        victims[:] = [first]
        for one in (first, second):
            one.go()
        assert first.process.wait(60) == -signal.SIGKILL
        second.end()
    server.when_taken = None
    send_the_rest()
    seen = Counter(taken.message_id for taken in server.taken)
    repeated = sum(seen.values()) - number
    assert len(seen) == number, f"{number - len(seen)} lost"
    assert repeated <= 2 * rounds, "more were repeated than senders were killed"
    assert admin.execute("select status, count(*) from outgoing_mails group by 1").fetchall() == [("sent", number)]
    print(f"\n{number} mails, {2 * rounds} kills, {repeated} repeated with the same Message-ID")


def test_claim_06_two_senders_share_and_repeat_nothing(sender, server, post, admin):
    post(200)
    both = [sender(), sender()]
    for one in both:
        one.wait_until_ready()
    for one in both:
        one.go()
    for one in both:
        assert one.process.wait(60) == 0
    assert len(server.taken) == len({taken.message_id for taken in server.taken}) == 200
