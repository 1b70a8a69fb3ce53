"""How long mail is kept, what an export and an erasure of a person's data cover, and what became of answers."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.clock import now
from app.core.storage import files
from app.gateways.mail.incoming.imap import Fetched
from app.gateways.mail.models import OutgoingMail
from app.privacy.actions import ask_erasure, ask_export
from app.privacy.running import run_request
from app.tickets.actions import bounces, conversation, forgetting_mail, polling
from app.tickets.models.mail import ReceivedMail
from app.tickets.queries import received
from tests.support.desk_mail import DeskMail
from tests.support.letters import letter

ANN = "ann@customer.example"


@pytest.fixture
def desk(client, acme, inside) -> DeskMail:
    made = DeskMail(client, acme, inside)
    made.mailbox()
    return made


@pytest.fixture
def stored(settings):
    """How many files there are."""
    return lambda: len([path for path in settings.files_dir.rglob("*") if path.is_file()])


def _forget(desk, days: int, inside, acme) -> int:
    with inside(acme):
        return forgetting_mail.forget_originals(replace(acme, now=now() + timedelta(days=days)))


def test_originals_go_after_their_time_and_tickets_stay(desk, inside, acme):
    row = desk.take(letter("Hello").as_bytes())
    assert _forget(desk, 89, inside, acme) == 0
    assert _forget(desk, 91, inside, acme) == 1
    assert desk.mails()[0].raw_key is None
    with inside(acme), pytest.raises(Exception, match="no longer here"):
        files().open(row.raw_key)
    assert (len(desk.tickets()), desk.messages()[0].body) == (1, "Hello")
    assert desk.hand_over(letter("Hello").as_bytes()).text == "It came before and is kept.\n"


def test_what_nobody_has_looked_at_is_kept_longer(desk, inside, acme, admin):
    desk.take(letter("Hello").as_bytes())
    for state in ("held", "failed", "received"):
        admin.execute("update received_mails set state = %s", (state,))
        assert _forget(desk, 91, inside, acme) == 0
    admin.execute("update received_mails set state = 'held'")
    assert _forget(desk, 361, inside, acme) == 1


def test_lines_of_the_log_go_after_a_year(desk, inside, acme):
    desk.take(letter("Hello").as_bytes())
    _forget(desk, 91, inside, acme)
    for days, gone in ((399, 0), (401, 1)):
        with inside(acme):
            assert forgetting_mail.forget_lines(replace(acme, now=now() + timedelta(days=days))) == gone


def test_a_persons_mail_is_exported_and_erased(desk, inside, acme, stored):
    desk.take(letter("About Ann").as_bytes())
    desk.take(letter("About Bob", From="bob@customer.example", Message_ID="<b@x>").as_bytes())
    with inside(acme):
        asked = ask_export(acme, ANN)
    with inside(acme):
        run_request(acme, asked)
    with inside(acme):
        from app.privacy.queries import get_request

        with files().open(get_request(acme, asked).file_key) as file:
            archive = zipfile.ZipFile(io.BytesIO(file.read()))
    told = json.loads(archive.read("data.json"))
    assert [row["from_address"] for row in told["mails-received"]] == [ANN]
    assert "raw_key" not in told["mails-received"][0]
    before = stored()
    with inside(acme):
        asked = ask_erasure(acme, ANN, ANN)
    with inside(acme):
        run_request(acme, asked)
    assert [row.from_address for row in desk.mails()] == ["bob@customer.example"]
    assert stored() < before


def test_an_address_that_stands_in_what_is_said_of_a_mail_or_reply_is_erased(desk, inside, acme, scope_in):
    eve = "eve@customer.example"
    desk.take(letter("About Ann").as_bytes())
    (ticket,) = desk.tickets()
    agent = scope_in("acme", "agent")
    with inside(acme):
        reply = conversation.reply(replace(agent, now=now()), ticket.id, "Hello", hold=False)
        bounces.say_failed(acme, reply, "bounced", f"{eve}: 550 no such user")
        row = received.get_received(acme, desk.mails()[0].id)
        row.reason = f"{eve}: 550 no such user"
    with inside(acme):
        asked = ask_erasure(acme, eve, eve)
    with inside(acme):
        run_request(acme, asked)
    assert desk.mails() == []
    assert desk.messages()[-1].state_reason == "[erased]: 550 no such user"


def test_a_mail_too_large_to_be_read_is_a_ticket_that_says_so(desk, inside, acme):
    """Its server keeps it; what is told of it stands in its headers."""
    head = letter("x", "Holiday pictures").as_bytes().partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    fetched = Fetched(uidvalidity=1, uid=1, size=70 * 2**20, received=None, raw=None, head=head)
    with inside(acme):
        assert polling._keep(desk.system, desk.box().id, fetched)
    desk.work()
    (ticket,) = desk.tickets()
    assert (ticket.subject, ticket.requester_email) == ("Holiday pictures", ANN)
    assert "The mail has 70 MB; at most 40 MB are read." in desk.messages()[0].body
    assert desk.mails()[0].size == 70 * 2**20


@pytest.mark.parametrize("status", ["failed", "given_up"])
def test_a_reply_the_mail_server_refuses_says_so(desk, inside, acme, scope_in, agent, status):
    from app.extensions import db
    from app.gateways.mail import actions as outbox
    from app.gateways.mail.actions import PATIENCE

    desk.take(letter("Hello").as_bytes())
    author = scope_in("acme", "agent")
    with inside(author):
        conversation.reply(replace(author, now=now()), desk.tickets()[0].id, "Hello Ann", hold=False)
    with inside(acme):
        query = db.select(OutgoingMail).where(OutgoingMail.template == "tickets/reply")
        mail = db.session.scalars(query).one()
        if status == "failed":
            outbox.fail(desk.system, mail.id, "550 no such user here")
        else:
            assert not outbox.postpone(replace(desk.system, now=now() + PATIENCE), mail.id, "timed out")
    message = desk.messages()[-1]
    assert message.state == "failed"
    assert "did not get it" in (message.state_reason or "")
    page = agent.get(f"/tickets/{message.ticket_id}")
    assert "did not get it" in page.text
    assert "A reply of yours did not arrive" in agent.get("/notices/").text
    answer = agent.submit(f"/tickets/{message.ticket_id}/messages/{message.id}/send")
    assert answer.status_code == 303
    with inside(acme):
        keys = [row.key for row in db.session.scalars(db.select(OutgoingMail)) if row.template == "tickets/reply"]
    assert len(set(keys)) == 2, "sent again under a key of its own"


def test_what_is_kept_names_its_sender_only_once_read(desk):
    desk.hand_over(letter("Hello").as_bytes())
    row: ReceivedMail = desk.mails()[0]
    assert (row.from_address, row.subject, row.message_id) == ("", "", "<first@customer.example>")
