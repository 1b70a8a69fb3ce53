"""Claims 29 and 31, for mail: nothing of a mail becomes markup that does anything, and its files are only files."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

import pytest

from app.core.clock import new_id
from app.extensions import db
from app.tickets.models import DeskRow
from tests.claims.test_claim_29_xss import BY_HAND, is_harmless, payloads
from tests.support.desk_mail import DeskMail


@pytest.fixture
def desk(client, acme, inside) -> DeskMail:
    made = DeskMail(client, acme, inside)
    made.mailbox()
    with inside(acme):
        settings = {"mail_per_hour": 10_000}
        row = DeskRow(tenant_id=acme.tenant_id, id=new_id(), settings=settings)
        row.created_at = row.updated_at = acme.now
        db.session.add(row)
    return made


def _mail(number: int, text: str) -> bytes:
    """The payload as subject, name, text, HTML and name of a file."""
    line = " ".join(text.encode("utf-8", "ignore").decode().split())[:200]
    made = EmailMessage(policy=SMTP)
    made["From"] = "x@evil.example"
    made["To"] = "support@acme.example"
    made["Subject"] = line
    made["Message-ID"] = f"<{number}@evil.example>"
    made.set_content(text)
    made.add_alternative(f"<html><body>{text}</body></html>", subtype="html")
    made.add_attachment(b"<script>alert(1)</script>", maintype="text", subtype="html", filename=f"{line[:60]}.html")
    return made.as_bytes().replace(
        b"From: x@evil.example", f"From: =?utf-8?q?{_quoted(line[:80])}?= <x@evil.example>".encode()
    )


def _quoted(text: str) -> str:
    return "".join(f"={byte:02X}" for byte in text.encode())


def test_claim_29_mail_does_nothing_on_any_page(desk, owner):
    for number, text in enumerate((*BY_HAND, *payloads()[:60])):
        assert desk.hand_over(_mail(number, text)).status_code == 202
    desk.work()
    tickets = desk.tickets()
    assert len(tickets) == len(desk.mails())
    for answer in (
        owner.get("/tickets/", check=False),
        owner.get("/settings/mailboxes/mail", check=False),
        *(owner.get(f"/tickets/{ticket.id}", check=False) for ticket in tickets[:40]),
    ):
        assert answer.status_code == 200
        is_harmless(answer)
        assert answer.soup.select(".message-body script, .message-body style, .message-body form") == []
        assert not [one["src"] for one in answer.soup.select(".message-body img[src]")]


def test_claim_29_the_answer_to_such_a_mail_is_harmless_as_well(desk, scope_in, inside, sent_mails):
    """What is quoted below an answer, and its subject."""
    from dataclasses import replace

    from bs4 import BeautifulSoup

    from app.core.clock import now
    from app.tickets.actions import conversation
    from tests.support.mailbox import html_of, text_of

    for number, text in enumerate(BY_HAND):
        desk.take(_mail(number, text))
    agent = scope_in("acme", "agent")
    for ticket in desk.tickets():
        with inside(agent):
            conversation.reply(replace(agent, now=now()), ticket.id, "An answer", hold=False)
    answers = [mail for mail in sent_mails() if "An answer" in text_of(mail)]
    assert len(answers) == len(BY_HAND)
    for mail in answers:
        soup = BeautifulSoup(html_of(mail), "html.parser")
        assert soup.select("script, img, iframe, object, form, svg, [onerror], [onload], [onclick]") == []


def test_claim_31_files_of_mail_are_downloads(desk, owner):
    desk.take(_mail(1, "Hello"))
    page = owner.get(f"/tickets/{desk.tickets()[0].id}")
    (link,) = page.soup.select("a[href*='/files/']")
    answer = owner.get(link["href"])
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.mimetype == "application/octet-stream"


def test_claim_31_a_link_in_mail_is_signed_for_one_file_of_one_tenant(
    desk, owner, client, stranger, acme, inside, scope_in
):
    from dataclasses import replace

    from app.core.clock import now
    from app.core.records.actions import delete_records
    from app.gateways.files import sent_links
    from app.tickets.actions import conversation
    from app.tickets.actions.files import NewFile, keep_files
    from app.tickets.definition import TICKETS

    desk.take(_mail(1, "Hello"))
    (ticket,) = desk.tickets()
    agent = scope_in("acme", "agent")
    with inside(agent):
        message = conversation.reply(replace(agent, now=now()), ticket.id, "See the file", hold=False)
        (sent,) = keep_files(agent, ticket, message, [NewFile("big.svg", b"<svg onload=alert(1)>", "image/svg+xml")])
        sent_id = sent.id
    theirs = desk.files()[0].id
    with inside(acme):
        good, other = sent_links.sign(acme, sent_id), sent_links.sign(acme, theirs)
    answer = client.get(f"/mail/files/{good}")
    assert (answer.status_code, answer.data) == (200, b"<svg onload=alert(1)>")
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.mimetype == "application/octet-stream"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    for wrong in (other, good[:-2] + "xx", "x", good.replace(".", "!")):
        assert client.get(f"/mail/files/{wrong}").status_code == 404, "only files of answers that have left"
    assert stranger.get(f"/mail/files/{good}").status_code == 404, "and at their own tenant's address"
    with inside(acme):
        delete_records(acme, TICKETS, [ticket.id])
    assert client.get(f"/mail/files/{good}").status_code == 404, "and not of a ticket that was deleted"
