"""POST /mail/in/<secret>: whatever is handed over is kept once, and refused with a sentence or not at all."""

from __future__ import annotations

import io

import pytest

from app.core.storage import files
from app.gateways.mail.incoming.message import RAW_MAX
from tests.support.desk_mail import DeskMail
from tests.support.letters import HEAD, letter, plain


@pytest.fixture
def desk(client, acme, inside) -> DeskMail:
    made = DeskMail(client, acme, inside)
    made.mailbox()
    return made


def test_a_mail_becomes_a_ticket(desk):
    row = desk.take(letter("My printer is on fire.", "Printer").as_bytes())
    assert (row.state, row.reason, row.from_address, row.subject) == ("ticketed", "", "ann@customer.example", "Printer")
    (ticket,) = desk.tickets()
    assert (ticket.id, ticket.subject, ticket.requester_email) == (row.ticket_id, "Printer", "ann@customer.example")
    assert (ticket.requester_name, ticket.channel) == ("Ann Ames", "email")
    (message,) = desk.messages()
    assert (message.kind, message.body, message.channel) == ("opening", "My printer is on fire.", "email")
    assert (message.message_id, message.state) == ("<first@customer.example>", "received")


def test_it_is_kept_before_anything_is_made_of_it(desk, inside, acme):
    answer = desk.hand_over(raw := letter("Hello").as_bytes())
    assert (answer.status_code, answer.text) == (202, "Kept.\n")
    (row,) = desk.mails()
    assert (row.state, row.size, desk.tickets()) == ("received", len(raw), [])
    with inside(acme), files().open(row.raw_key) as kept:
        assert kept.read() == raw


def test_the_same_again_is_one_mail(desk):
    raw = letter("Hello").as_bytes()
    assert [desk.hand_over(raw).status_code for _ in range(3)] == [202] * 3
    desk.work()
    assert desk.hand_over(raw).text == "It came before and is kept.\n"
    desk.work()
    assert (len(desk.mails()), len(desk.tickets())) == (1, 1)


def test_the_same_by_another_way_is_one_ticket(desk):
    """Another server's line at its top, other line ends, another mailbox: the same mail."""
    raw = letter("Hello").as_bytes()
    desk.take(raw)
    first = desk.secret
    desk.mailbox(name="Sales", address="sales@acme.example")
    again = b"Received: from mx.example by other.example\r\n" + raw
    assert desk.hand_over(again.replace(b"\r\n", b"\n")).status_code == 202
    desk.work()
    assert [row.state for row in desk.mails()] == ["ticketed", "duplicate"]
    assert desk.mails()[1].ticket_id == desk.tickets()[0].id
    assert desk.mails()[1].raw_key is None
    assert desk.hand_over(again, first).status_code == 202
    assert (len(desk.mails()), len(desk.tickets())) == (2, 1)


def test_another_mail_under_the_same_message_id_is_another_mail(desk):
    """Who knows a Message-ID must not be able to keep somebody's mail away by sending another under it first."""
    desk.take(letter("Buy pills").as_bytes())
    desk.take(letter("My printer is on fire").as_bytes())
    assert [row.state for row in desk.mails()] == ["ticketed", "ticketed"]
    assert len({message.message_id for message in desk.messages()}) == 2


def test_unknown_and_old_addresses_are_refused_alike(desk, inside, acme):
    from app.tickets.actions import mailboxes

    old = desk.secret
    with inside(acme):
        desk.secret = mailboxes.rotate_token(desk.present, desk.box().id)
    answers = [desk.hand_over(b"Subject: x\r\n\r\nx", secret) for secret in (old, "0" * 40, "%00", "x" * 500, "ü")]
    assert {(answer.status_code, answer.text) for answer in answers} == {
        (404, "No mailbox has this address. It may have been changed: look it up in the settings of the mailbox.\n")
    }
    assert desk.mails() == []
    assert desk.hand_over(b"Subject: x\r\n\r\nx").status_code == 202


def test_another_tenants_address_is_unknown(desk, as_role, globex, inside):
    theirs = DeskMail(as_role("owner", "globex"), globex, inside)
    theirs.mailbox()
    assert desk.hand_over(b"Subject: x\r\n\r\nx", theirs.secret).status_code == 404
    assert theirs.hand_over(b"Subject: x\r\n\r\nx").status_code == 202


def test_a_mailbox_that_is_off_takes_nothing(client, acme, inside):
    desk = DeskMail(client, acme, inside)
    desk.mailbox(active=False)
    assert desk.hand_over(b"Subject: x\r\n\r\nx").status_code == 404


@pytest.mark.parametrize("field", ["message", "email", "body-mime"])
@pytest.mark.parametrize("as_file", [True, False])
def test_services_send_it_in_a_form(desk, field, as_file):
    raw = plain("Grüße aus Köln".encode("latin-1"), b'Content-Type: text/plain; charset="latin-1"')
    given = (io.BytesIO(raw), "mail.eml", "message/rfc822") if as_file else raw.decode("latin-1").encode("utf-8")
    form = {"sender": "ann@customer.example", field: given, "attachments": "0"}
    answer = desk.client.post(f"/mail/in/{desk.secret}", data=form, content_type="multipart/form-data")
    assert (answer.status_code, answer.text) == (202, "Kept.\n")
    if as_file:
        desk.work()
        assert desk.messages()[0].body == "Grüße aus Köln"


def test_a_form_of_words_works_too(desk):
    answer = desk.client.post(f"/mail/in/{desk.secret}", data={"body-mime": letter("Hello").as_string()})
    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "message/rfc822"),
        (
            b"--x\r\nContent-Disposition: form-data; name=other\r\n\r\nhello\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
        ),
        (b"--x\r\nContent-Disposition: form-data; name=message\r\n\r\nhello", "multipart/form-data; boundary=x"),
        (b"no boundary at all", "multipart/form-data; boundary=x"),
        (b"no boundary at all", "multipart/form-data"),
        (b"a=b", "application/x-www-form-urlencoded"),
    ],
)
def test_no_mail_in_it_is_said(desk, body, kind):
    answer = desk.client.post(f"/mail/in/{desk.secret}", data=body, content_type=kind)
    assert answer.status_code == 422
    assert answer.text.strip().endswith(".")
    assert desk.mails() == []


class Endless(io.RawIOBase):
    """More bytes than anyone should read; counts how many were."""

    def __init__(self, size: int) -> None:
        self._left, self.read_so_far, self._head = size, 0, HEAD + b"\r\n"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        size = min(len(buffer), self._left)
        block = (self._head + b"x" * size)[:size]
        self._head = b""
        buffer[:size] = block
        self._left -= size
        self.read_so_far += size
        return size


def test_two_hundred_megabytes_are_refused_while_they_arrive(desk, settings):
    """Said at once if the sender says how much comes; else after as much as a mail may have."""
    too_large = (413, "The mail is larger than 40 MB and was not taken.\n")
    coming = Endless(200 * 2**20)
    answer = desk.hand_over(b"", environ_overrides={"wsgi.input": coming, "CONTENT_LENGTH": str(200 * 2**20)})
    assert (answer.status_code, answer.text, coming.read_so_far) == (*too_large, 0)
    chunked = {"wsgi.input": coming, "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    answer = desk.hand_over(b"", environ_overrides=chunked)
    assert (answer.status_code, answer.text) == too_large
    assert coming.read_so_far < RAW_MAX + 2 * 2**20
    assert desk.mails() == []
    assert not list(settings.files_dir.rglob("*.part"))


def test_it_asks_nobody_for_a_token_and_reads_no_cookie(desk, as_role):
    answer = desk.hand_over(b"Subject: x\r\n\r\nx", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403, "a browser is no mail server"


def test_get_is_no_way_in(desk):
    assert desk.client.get(f"/mail/in/{desk.secret}").status_code == 405
