"""What becomes of mail: the ticket it belongs to, who may say what there, and what never becomes anything."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime

import pytest

from app.core.clock import now
from app.core.storage import EXTENSION, files
from app.extensions import db
from app.gateways.files.s3 import S3Files
from app.gateways.mail.incoming import threading
from app.tickets.actions import conversation, taking_mail
from app.tickets.models import Ticket, TicketMessage
from tests.support.desk_mail import ADDRESS, DeskMail
from tests.support.letters import HEAD, letter, multipart, nested, plain
from tests.support.mailbox import html_of, text_of

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def desk(client, acme, inside) -> DeskMail:
    made = DeskMail(client, acme, inside)
    made.mailbox()
    return made


@pytest.fixture
def ticket(desk) -> Ticket:
    """What Ann's first mail has become."""
    desk.take(letter("My printer is on fire.", Message_ID="<first@customer.example>").as_bytes())
    return desk.tickets()[0]


@pytest.fixture
def agent_scope(scope_in):
    return scope_in("acme", "agent")


@pytest.fixture
def reply(desk, inside, agent_scope):
    """`reply(ticket, "text")` as the agent; what is stored."""

    def send(ticket, body="Have you tried water?", **more) -> TicketMessage:
        with inside(agent_scope):
            made = conversation.reply(replace(agent_scope, now=now()), ticket.id, body, hold=False, **more)
            made_id = made.id
        return next(one for one in desk.messages() if one.id == made_id)

    return send


@pytest.fixture
def address_of(app):
    """The reply address of a ticket."""

    def made(ticket, mailbox=ADDRESS) -> str:
        with app.app_context():
            return threading.reply_address(threading.current_secret(), ticket.tenant_id, ticket.number, mailbox)

    return made


def test_an_answer_to_the_reply_address_is_in_the_ticket(desk, ticket, address_of):
    answer = letter("No.", "Re: Printer", Message_ID="<second@x.example>", To=address_of(ticket))
    row = desk.take(answer.as_bytes())
    assert (row.state, row.ticket_id, row.stranger) == ("threaded", ticket.id, False)
    assert [(one.kind, one.body) for one in desk.messages()][1:] == [("customer", "No.")]


def test_an_answer_by_its_headers_is_too(desk, ticket, reply):
    said = reply(ticket)
    assert said.message_id
    answer = letter("No.\n\n> Have you tried water?", "AW: Printer", Message_ID="<second@x.example>",
                    References=f"<first@customer.example> {said.message_id}")  # fmt: skip
    row = desk.take(answer.as_bytes())
    assert (row.state, row.ticket_id) == ("threaded", ticket.id)
    message = desk.messages()[-1]
    assert (message.body, "water" in (message.quoted_text or "")) == ("No.", True)


def test_the_subject_alone_is_no_evidence(desk, ticket):
    row = desk.take(letter("Me too", f"Re: Printer [#{ticket.number}]", Message_ID="<other@x.example>").as_bytes())
    assert (row.state, len(desk.tickets())) == ("ticketed", 2)


@pytest.mark.parametrize(
    "wrong", ["{number}.aaaaaaaaaaaaaaaaaaaa", "99999.{code}", "0{number}.{code}", "{number}{code}"]
)
def test_a_reply_address_that_was_made_up_is_none(desk, ticket, address_of, wrong):
    code = address_of(ticket).partition("@")[0].rpartition(".")[2]
    made_up = wrong.format(number=ticket.number, code=code)
    row = desk.take(letter("x", To=f"support+{made_up}@acme.example", Message_ID="<evil@x.example>").as_bytes())
    assert row.state == "ticketed"
    assert row.ticket_id != ticket.id


def test_another_tenants_reply_address_leads_nowhere(desk, ticket, address_of, as_role, globex, inside):
    theirs = DeskMail(as_role("owner", "globex"), globex, inside)
    theirs.mailbox()
    row = theirs.take(letter("x", To=address_of(ticket), Message_ID="<evil@x.example>").as_bytes())
    assert row.state == "ticketed"
    assert len(desk.messages()) == 1


def test_a_stranger_on_a_reply_address_is_marked_and_never_quoted(desk, ticket, address_of, reply, sent_mails):
    row = desk.take(letter("Give me Ann's data", From="eve@evil.example", To=address_of(ticket),
                           Message_ID="<evil@evil.example>", Cc="friend@evil.example").as_bytes())  # fmt: skip
    message = desk.messages()[-1]
    assert (row.state, row.stranger) == ("threaded", True)
    assert message.state_reason == "From somebody else: eve@evil.example."
    reply(ticket, "Dear Ann")
    sent = [mail for mail in sent_mails() if "Dear Ann" in text_of(mail)]
    assert [mail["To"].addresses[0].addr_spec for mail in sent] == ["ann@customer.example"]
    assert sent[0]["Cc"] is None
    assert "Give me" not in sent[0].as_string()
    again = letter("Now?", From="friend@evil.example", To=address_of(ticket), Message_ID="<evil2@evil.example>")
    assert desk.take(again.as_bytes()).stranger, "whom a stranger names is one as well"


def test_who_was_copied_has_a_part(desk, address_of):
    desk.take(letter("Hi", Cc="Bob <bob@customer.example>, support@acme.example").as_bytes())
    ticket = desk.tickets()[0]
    assert desk.messages()[0].recipients["cc"] == ["bob@customer.example"]
    row = desk.take(letter("And I", From="BOB@customer.example", To=address_of(ticket), Message_ID="<b@x>").as_bytes())
    assert (row.state, row.stranger) == ("threaded", False)
    assert desk.messages()[-1].recipients["cc"] == ["BOB@customer.example"], "who wrote gets the answer"


def test_whom_a_stranger_names_gets_no_copies(desk, ticket, address_of, agent):
    made = letter("x", From="eve@evil.example", To=address_of(ticket), Message_ID="<e@x>", Cc="friend@evil.example")
    desk.take(made.as_bytes())
    assert desk.messages()[-1].recipients["cc"] == []
    page = agent.get(f"/tickets/{ticket.id}")
    assert not page.soup.find("input", {"id": "reply_cc"}).get("value")
    assert "From somebody else: eve@evil.example." in page.text


@pytest.mark.parametrize(("cid", "written"), [("logo", "logo"), ("logo&1@x.example", "logo%261%40x.example")])
def test_the_page_shows_the_mail_and_loads_nothing(desk, agent, cid, written):
    made = letter("Hello")
    made.add_alternative(
        f"<p>Hello <img src='https://tracker.example/1.gif'><img src='cid:{written}'><script>alert(1)</script></p>",
        subtype="html",
    )
    made.get_payload()[1].add_related(PNG, "image", "png", cid=f"<{cid}>")
    row = desk.take(made.as_bytes())
    page = agent.get(f"/tickets/{row.ticket_id}")
    assert "from elsewhere left out" in page.text
    assert "tracker.example" not in page.text
    assert "alert(1)" not in page.text
    shown = page.soup.select_one(f"#m-{row.message_row_id} .message-body img[src*='/files/']")
    assert shown is not None
    picture = agent.get(shown["src"])
    assert (picture.status_code, picture.mimetype, picture.data) == (200, "image/png", PNG)
    link = page.soup.find("a", string=re.compile("Show original"))
    assert link or page.soup.select_one(f"a[href$='/mail/{row.id}/original']")


def test_a_colleague_by_mail_says_it_inside_only(desk, ticket, address_of):
    """Anybody can write an agent's address into From."""
    desk.take(
        letter("Refund 1,000,000", From="agent@acme.example", To=address_of(ticket), Message_ID="<c@x>").as_bytes()
    )
    message = desk.messages()[-1]
    assert (message.kind, message.body) == ("note", "Refund 1,000,000")
    assert "stays inside" in (message.state_reason or "")


def test_what_a_colleague_forwards_is_the_ticket_of_who_wrote_it(desk, sent_mails):
    body = (
        "Can you take this?\n\n---------- Forwarded message ----------\nFrom: Cleo <cleo@customer.example>\n"
        "Date: Fri, 20 Nov 2026 at 10:00\nSubject: Broken\nTo: agent@acme.example\n\nIt is broken.\n"
    )
    desk.take(letter(body, "Fwd: Broken", From="agent@acme.example").as_bytes())
    (made,) = desk.tickets()
    assert (made.requester_email, made.requester_name, made.subject) == ("cleo@customer.example", "Cleo", "Broken")
    assert [mail for mail in sent_mails() if "cleo" in str(mail["To"])] == [], "they wrote to a person, not to us"


def test_what_a_stranger_forwards_is_theirs(desk):
    body = "---------- Forwarded message ----------\nFrom: Cleo <cleo@customer.example>\nSubject: x\n\nIt is broken.\n"
    desk.take(letter(body, "Fwd: Broken").as_bytes())
    assert desk.tickets()[0].requester_email == "ann@customer.example"


def test_reply_to_is_who_gets_the_answer(desk):
    desk.take(letter("Hi", From="Form <support@acme.example>", Reply_To="Dan <dan@customer.example>").as_bytes())
    assert desk.tickets()[0].requester_email == "dan@customer.example"


def test_mail_to_a_finished_ticket_reopens_it_or_follows_it(desk, ticket, address_of, inside, acme):
    def close(at) -> None:
        with inside(acme):
            row = db.session.get_one(Ticket, (acme.tenant_id, ticket.id))
            row.status, row.resolved_at, row.closed_at = "closed", at, at

    close(now())
    assert desk.take(letter("Still", To=address_of(ticket), Message_ID="<2@x>").as_bytes()).state == "threaded"
    assert desk.tickets()[0].status == "open"
    close(now() - timedelta(days=400))
    row = desk.take(letter("Again", To=address_of(ticket), Message_ID="<3@x>").as_bytes())
    first, second = desk.tickets()
    assert (row.state, row.ticket_id) == ("ticketed", second.id)
    assert (second.follows_id, second.requester_email) == (first.id, "ann@customer.example")


def test_mail_to_a_merged_ticket_goes_to_where_it_lives_on(desk, ticket, address_of, inside, acme):
    desk.take(letter("Other", Message_ID="<other@x>").as_bytes())
    other = desk.tickets()[1]
    with inside(acme):
        db.session.get_one(Ticket, (acme.tenant_id, ticket.id)).merged_into_id = other.id
    row = desk.take(letter("More", To=address_of(ticket), Message_ID="<2@x>").as_bytes())
    assert row.ticket_id == other.id


def test_mail_to_a_deleted_ticket_is_a_new_one(desk, ticket, address_of, inside, acme):
    with inside(acme):
        db.session.get_one(Ticket, (acme.tenant_id, ticket.id)).deleted_at = now()
    row = desk.take(letter("More", To=address_of(ticket), Message_ID="<2@x>").as_bytes())
    assert row.state == "ticketed"
    assert row.ticket_id != ticket.id


AUTOMATIC = [
    {"Auto_Submitted": "auto-replied"},
    {"Precedence": "bulk"},
    {"Return_Path": "<>"},
    {"X_Autoreply": "yes"},
    {"From": "MAILER-DAEMON@x.example"},
]


@pytest.mark.parametrize("marks", AUTOMATIC)
@pytest.mark.parametrize("answers", [False, True])
def test_what_programs_write_makes_and_answers_nothing(desk, ticket, address_of, sent_mails, marks, answers):
    sent_mails()
    to = {"To": address_of(ticket)} if answers else {}
    row = desk.take(letter("I am away", Message_ID="<auto@x>", **marks, **to).as_bytes())
    assert row.state == "ignored"
    assert row.reason
    assert (len(desk.tickets()), len(desk.messages())) == (1, 1)
    assert len(sent_mails()) == len([mail for mail in sent_mails() if mail["In-Reply-To"] != "<auto@x>"])


def test_what_was_ignored_can_become_a_ticket(desk, owner, run_jobs):
    row = desk.take(letter("From the web form", Auto_Submitted="auto-generated").as_bytes())
    assert row.state == "ignored"
    answer = owner.submit(f"/settings/mailboxes/mail/{row.id}/tickets")
    assert answer.status_code == 303
    (ticket,) = desk.tickets()
    assert answer.headers["Location"].endswith(str(ticket.id))
    owner.submit(f"/settings/mailboxes/mail/{row.id}/tickets")
    assert len(desk.tickets()) == 1


def test_a_group_is_taken_and_not_answered_and_a_newsletter_is_not_taken(desk, sent_mails):
    group = {"List_Id": "<support.acme.example>", "List_Post": "<mailto:support@acme.example>", "Precedence": "list"}
    desk.take(letter("From the group", Message_ID="<g@x>", **group).as_bytes())
    assert len(desk.tickets()) == 1
    assert [mail for mail in sent_mails() if "ann" in str(mail["To"])] == []
    news = desk.take(letter("Buy", Message_ID="<n@x>", List_Unsubscribe="<mailto:leave@shop.example>").as_bytes())
    assert (news.state, len(desk.tickets())) == ("ignored", 1)


def test_our_own_mail_that_comes_back_is_ignored(desk, ticket, reply, sent_mails):
    reply(ticket)
    ours = next(mail for mail in sent_mails() if "water" in text_of(mail))
    row = desk.take(ours.as_bytes())
    assert (row.state, row.reason) == ("ignored", taking_mail.OURS)
    row = desk.take(letter("loop", From=ADDRESS, Message_ID="<loop@x>").as_bytes())
    assert row.state == "ignored"


def test_receipt_is_confirmed_once_an_hour(desk, sent_mails):
    for number in range(3):
        desk.take(letter("Hello", f"Question {number}", Message_ID=f"<{number}@x>").as_bytes())
    confirmed = [mail for mail in sent_mails() if "received your request" in str(mail["Subject"])]
    first = desk.tickets()[0].number
    assert [str(mail["Subject"]) for mail in confirmed] == [f"We have received your request: Question 0 [#{first}]"]
    (mail,) = confirmed
    assert (mail["Auto-Submitted"], mail["In-Reply-To"]) == ("auto-replied", "<0@x>")
    assert f"support+{first}." in str(mail["Reply-To"])


def test_an_answer_to_the_confirmation_is_in_the_ticket(desk, sent_mails):
    desk.take(letter("Hello").as_bytes())
    confirmed = next(mail for mail in sent_mails() if mail["Auto-Submitted"] == "auto-replied")
    row = desk.take(letter("And", Message_ID="<2@x>", In_Reply_To=str(confirmed["Message-ID"])).as_bytes())
    assert (row.state, len(desk.tickets())) == ("threaded", 1)


def test_a_reply_is_in_the_thread_of_the_customer(desk, ticket, reply, sent_mails, address_of):
    desk.take(
        letter("Hurry", Message_ID="<2@customer.example>", To=address_of(ticket), Cc="bob@customer.example").as_bytes()
    )
    said = reply(ticket, "Use **water**.", cc=["bob@customer.example"])
    mails = [mail for mail in sent_mails() if "water" in text_of(mail)]
    assert len(mails) == 2, "one for each who gets it"
    assert len({str(mail["Message-ID"]) for mail in mails}) == 1
    mail = mails[0]
    assert mail["Subject"] == f"Re: Printer [#{ticket.number}]"
    assert str(mail["Message-ID"]) == said.message_id
    assert mail["In-Reply-To"] == "<2@customer.example>"
    assert mail["References"].split() == ["<first@customer.example>", "<2@customer.example>"]
    assert mail["Reply-To"].addresses[0].addr_spec == address_of(ticket)
    assert (str(mail["To"]), str(mail["Cc"])) == ("Ann Ames <ann@customer.example>", "bob@customer.example")
    assert mail["Auto-Submitted"] is None
    assert "> Hurry" in text_of(mail)
    assert "<strong>water</strong>" in html_of(mail)
    assert next(one for one in desk.messages() if one.id == said.id).state == "sent"


def test_answers_leave_in_our_name_only_once_the_address_is_proved(desk, ticket, reply, sent_mails):
    assert "Acme <no-reply@localhost>" in {str(mail["From"]) for mail in sent_mails()}
    proof = next(mail for mail in sent_mails() if "being set up" in str(mail["Subject"]))
    assert desk.box().proved_at is None
    row = desk.take(proof.as_bytes())
    assert (row.state, row.reason) == ("ignored", taking_mail.PROOF)
    assert desk.box().proved_at is not None
    reply(ticket, "Proved")
    mail = next(mail for mail in sent_mails() if "Proved" in text_of(mail))
    assert mail["From"].addresses[0].addr_spec == ADDRESS


def test_the_proof_of_another_mailbox_proves_nothing(desk, sent_mails):
    proof = next(mail for mail in sent_mails() if "being set up" in str(mail["Subject"])).as_bytes()
    desk.mailbox(name="Sales", address="sales@acme.example")
    desk.take(proof)
    assert desk.box().proved_at is None


def test_a_bounce_is_shown_at_its_reply(desk, ticket, reply, address_of, crowd):
    said = reply(ticket)
    report = multipart(
        "report; report-type=delivery-status",
        b"Content-Type: text/plain\r\n\r\nYour mail did not arrive.",
        b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        b"Final-Recipient: rfc822; ann@customer.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        b"Diagnostic-Code: smtp; 550 5.1.1 no such user",
        b"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: " + str(said.message_id).encode(),
        head=b"From: MAILER-DAEMON@mx.example\r\nTo: support@acme.example\r\nSubject: Undelivered Mail\r\n",
    )
    row = desk.take(report)
    assert (row.state, row.ticket_id, row.message_row_id) == ("bounce", ticket.id, said.id)
    message = next(one for one in desk.messages() if one.id == said.id)
    assert message.state == "bounced"
    assert "no such user" in (message.state_reason or "")
    assert len(desk.messages()) == 2, "a report is no message"


def test_a_report_of_something_else_is_ignored(desk, ticket):
    report = multipart(
        "report; report-type=delivery-status",
        b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        b"Final-Recipient: rfc822; x@y.example\r\nAction: failed\r\nStatus: 5.1.1",
        head=b"From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered Mail\r\n",
    )
    assert desk.take(report).state == "ignored"


def test_more_of_one_sender_than_a_person_writes_is_held(desk, owner):
    for number in range(25):
        desk.hand_over(letter("x", f"Bomb {number}", Message_ID=f"<{number}@x>").as_bytes())
    desk.work()
    states = [row.state for row in desk.mails()]
    assert (states.count("ticketed"), states.count("held")) == (20, 5)
    other = desk.take(letter("Me", From="bob@customer.example", Message_ID="<bob@x>").as_bytes())
    assert other.state == "ticketed"
    held = next(row for row in desk.mails() if row.state == "held")
    page = owner.get("/settings/mailboxes/mail?state=held")
    assert "Look at it, then let it in" in page.text
    assert owner.submit(f"/settings/mailboxes/mail/{held.id}/tickets").status_code == 303
    assert [row.state for row in desk.mails() if row.id == held.id] == ["ticketed"]


def test_files_come_along_under_safe_names(desk):
    made = letter("See the picture")
    made.add_attachment(b"%PDF-1.4\n", maintype="application", subtype="pdf", filename="../../x.pdf")
    made.add_attachment(b"<svg onload=alert(1)>", maintype="image", subtype="svg+xml", filename="a.svg")
    desk.take(made.as_bytes())
    assert [file.name for file in desk.files()] == ["x.pdf", "a.svg"]
    assert desk.files()[1].active, "it is only ever downloaded"
    assert {file.message_id for file in desk.files()} == {desk.messages()[0].id}


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\xff" * 500,
        b"\r\n",
        nested(100),
        HEAD + b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"From: \xff\xfe <a@\xff>\r\nSubject: =?x-unknown?b?////?=\r\n\r\n\xff",
    ],
)
def test_what_cannot_be_read_is_a_ticket_with_the_mail_attached_or_at_least_a_ticket(desk, raw, inside, acme):
    row = desk.take(raw)
    assert row.state == "ticketed"
    (made,) = desk.tickets()
    assert made.subject
    if "could not be read" in row.reason:
        (file,) = desk.files()
        assert (file.name, file.type) == ("mail.eml", "message/rfc822")
        with inside(acme), files().open(file.key) as kept:
            assert kept.read() == raw


def test_ten_thousand_recipients_get_no_copies(desk, sent_mails):
    many = ", ".join(f"victim{n}@x.example" for n in range(10_000))
    raw = plain(b"Hello", b"Cc: " + many.encode())
    desk.take(raw)
    assert len(desk.messages()[0].recipients["cc"]) == 20
    assert [mail for mail in sent_mails() if "victim" in str(mail["To"])] == []


def test_lines_in_addresses_and_subjects_forge_nothing(desk, sent_mails, reply):
    raw = (
        b"From: =?utf-8?q?Eve=0D=0ABcc=3A_victim=40x=2Eexample?= <eve@customer.example>\r\n"
        b"Subject: =?utf-8?q?Hi=0D=0ABcc=3A_victim=40x=2Eexample?=\r\nMessage-ID: <a@x>\r\n\r\nHello"
    )
    desk.take(raw)
    reply(desk.tickets()[0], "Hello Eve")
    mail = next(mail for mail in sent_mails() if "Hello Eve" in text_of(mail))
    assert mail["Bcc"] is None
    assert "victim" not in str(mail["Cc"] or "")


def test_a_mail_that_ends_its_worker_is_in_the_end_not_read(desk, monkeypatch):
    """Three workers were killed over it: then it is attached to a ticket as it is."""
    desk.hand_over(letter("Deadly").as_bytes())
    row = desk.mails()[0]

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def work(minutes: int) -> None:
        with desk.inside(desk.scope):
            taking_mail.take_due(desk.system, at=lambda: now() + timedelta(minutes=minutes))

    with monkeypatch.context() as patched:
        patched.setattr(taking_mail, "read_message", killed)
        for number in range(3):
            with pytest.raises(KeyboardInterrupt):
                work(number)
        assert desk.mails()[0].attempts == 3
        work(3)
    row = desk.mails()[0]
    assert (row.state, row.attempts) == ("ticketed", 4)
    assert desk.files()[0].name == "mail.eml"


def test_mail_is_taken_in_the_order_it_came_also_after_a_kill(desk):
    """An answer is not looked at before what it answers, which a worker that is gone has in its hands."""
    desk.hand_over(letter("First").as_bytes())
    desk.hand_over(letter("Second", Message_ID="<2@x>", In_Reply_To="<first@customer.example>").as_bytes())
    at = now()
    with desk.inside(desk.scope):
        assert taking_mail._lease(replace(desk.scope, now=at)) == desk.mails()[0].id
    assert desk.work() == 0
    later = at + timedelta(minutes=1)
    with desk.inside(desk.scope):
        assert taking_mail.take_due(desk.system, at=lambda: later) == 2
    assert [row.state for row in desk.mails()] == ["ticketed", "threaded"]


@pytest.mark.parametrize("address", ['"ann ames"@customer.example', f"{'ann' * 25}@customer.example"])
def test_whoever_can_write_can_be_answered(desk, reply, sent_mails, address):
    row = desk.take(letter("Hello", From=address).as_bytes())
    assert row.state == "ticketed", row.reason
    (ticket,) = desk.tickets()
    reply(ticket, "Dear Ann")
    confirmed, answered = (mail for mail in sent_mails() if mail["To"].addresses[0].addr_spec == address)
    assert (confirmed["Auto-Submitted"], "Dear Ann" in text_of(answered)) == ("auto-replied", True)


@pytest.mark.parametrize("ours", ["support@acme.example", "the ticket's"])
def test_an_answer_is_never_sent_to_ourselves(desk, ticket, address_of, ours):
    ours = address_of(ticket) if ours == "the ticket's" else ours
    desk.take(letter("Hi", From="dan@customer.example", Reply_To=ours, Message_ID="<dan@x>").as_bytes())
    assert desk.tickets()[-1].requester_email == "dan@customer.example"


def test_a_colleague_is_told_that_the_customer_has_not_got_it(desk, ticket, address_of, agent, sent_mails):
    desk.take(letter("Refunded", From="agent@acme.example", To=address_of(ticket), Message_ID="<c@x>").as_bytes())
    assert f"Your mail is an internal note of #{ticket.number}" in agent.get("/notices").text
    told = [mail for mail in sent_mails() if "agent@acme.example" in str(mail["To"])]
    assert ["has not got it" in text_of(mail) for mail in told] == [True]


def test_a_report_is_never_laid_to_a_reply_that_has_not_left(desk, ticket, address_of, inside, agent_scope):
    with inside(agent_scope):
        conversation.reply(replace(agent_scope, now=now()), ticket.id, "Soon")
    report = multipart(
        "report; report-type=delivery-status",
        b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        b"Final-Recipient: rfc822; ann@customer.example\r\nAction: failed\r\nStatus: 5.1.1",
        head=f"From: MAILER-DAEMON@mx.example\r\nTo: {address_of(ticket)}\r\nSubject: Undelivered Mail\r\n".encode(),
    )
    desk.take(report)
    assert desk.messages()[-1].state == "held"


def test_a_store_of_files_that_is_away_uses_up_no_attempts(desk, app, settings):
    """Else a quarter of an hour of it would make unreadable tickets of good mail."""
    desk.hand_over(letter("Hello").as_bytes())
    here = app.extensions[EXTENSION]
    away = S3Files("http://k:s@127.0.0.1:9/fairlead", "", settings.state_dir)
    try:
        app.extensions[EXTENSION] = away
        for minutes in range(8):
            with desk.inside(desk.scope):
                taking_mail.take_due(desk.system, at=lambda m=minutes: now() + timedelta(minutes=m))
        row = desk.mails()[0]
        assert (row.state, row.attempts, "store of files" in row.reason) == ("received", 0, True)
    finally:
        app.extensions[EXTENSION] = here
    with desk.inside(desk.scope):
        taking_mail.take_due(desk.system, at=lambda: now() + timedelta(minutes=9))
    assert [ticket.subject for ticket in desk.tickets()] == ["Printer"]


def test_a_colleague_who_was_copied_is_no_customer_and_one_who_asks_is(desk, address_of, sent_mails):
    desk.take(letter("Hi", Cc="agent@acme.example").as_bytes())
    desk.take(letter("My screen", From="agent@acme.example", Message_ID="<mine@x>").as_bytes())
    customers, own = desk.tickets()
    both = f"{address_of(customers)}, ann@customer.example"
    desk.take(letter("I do it", From="agent@acme.example", To=both, Message_ID="<c@x>").as_bytes())
    desk.take(letter("Still", From="agent@acme.example", To=address_of(own), Message_ID="<m2@x>").as_bytes())
    assert [message.kind for message in desk.messages()] == ["opening", "opening", "note", "customer"]
    assert [mail for mail in sent_mails() if "has not got it" in text_of(mail)] == [], "they wrote to her as well"


def test_nobody_gets_a_confirmation_of_what_they_wrote_long_ago(desk, sent_mails):
    written = format_datetime(now() - timedelta(days=3))
    assert desk.take(letter("Hello", Date=written).as_bytes()).state == "ticketed"
    assert [mail for mail in sent_mails() if mail["Auto-Submitted"] == "auto-replied"] == []


def test_a_copy_that_came_back_does_not_say_that_the_requester_has_nothing(desk, ticket, reply, agent):
    said = reply(ticket, cc="bob@customer.example")
    report = multipart(
        "report; report-type=delivery-status",
        b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        b"Final-Recipient: rfc822; bob@customer.example\r\nAction: failed\r\nStatus: 5.1.1",
        b"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: " + str(said.message_id).encode(),
        head=b"From: MAILER-DAEMON@mx.example\r\nTo: support@acme.example\r\nSubject: Undelivered Mail\r\n",
    )
    assert desk.take(report).state == "bounce"
    message = next(one for one in desk.messages() if one.id == said.id)
    assert (message.state, "bob@customer.example" in message.state_reason) == ("queued", True)
    assert "A reply of yours did not arrive" in agent.get("/notices").text


def test_who_was_copied_in_a_reply_that_was_taken_back_has_no_part(desk, ticket, address_of, inside, agent_scope):
    with inside(agent_scope):
        wrong = conversation.reply(replace(agent_scope, now=now()), ticket.id, "Oh", cc="eve@evil.example").id
    with inside(agent_scope):
        conversation.withdraw(replace(agent_scope, now=now()), ticket.id, wrong)
    letter_of_eve = letter("Hi", From="eve@evil.example", To=address_of(ticket), Message_ID="<e@x>")
    assert desk.take(letter_of_eve.as_bytes()).stranger
