"""Quotes and signatures, automatic mail, bounces, and which ticket a mail belongs to."""

from __future__ import annotations

import time
from uuid import UUID

import pytest
from flask import Flask

from app.gateways.mail.incoming import FailedRecipient, read_message, threading
from app.gateways.mail.incoming.quotes import reply_of
from app.gateways.mail.incoming.threading import ByAddress, ByMessageId, evidence, reply_address, ticket_of
from tests.support.letters import letter, multipart, plain

_NEW = "Danke, das passt.\n\nViele Punkte:\n  - eins\n  - zwei"
_QUOTED = "\n\n> Hi\n> there"


def _outlook(*names: str) -> str:
    values = ("Bob <bob@x.example>", "Dienstag, 3. April 2012 16:19", "ann@x.example", "Test")
    return "\n".join(f"{name} {value}" for name, value in zip(names, values, strict=True)) + "\n\nHi there\nMore\n"


@pytest.mark.parametrize(
    "earlier",
    [
        f"On Mon, Apr 2, 2012 at 6:26 PM Megan One <m@x.example> wrote:{_QUOTED}",
        f"On Mon, Apr 2, 2012 at 6:26 PM Megan One With A Long Name\n<m@x.example> wrote:{_QUOTED}",
        f"Am Mo., 2. Apr. 2012 um 18:26 Uhr schrieb Megan One <\nm@x.example>:{_QUOTED}",
        f"Am 03.04.2012 um 16:19 schrieb bob:{_QUOTED}",
        f"Le lun. 2 avr. 2012 à 18:26, Megan One <m@x.example> a écrit :{_QUOTED}",
        f"El lun, 2 abr 2012 a las 18:26, Megan One (<m@x.example>) escribió:{_QUOTED}",
        f"Il giorno lun 2 apr 2012 alle ore 18:26 Megan One <m@x.example> ha scritto:{_QUOTED}",
        f"Em seg., 2 de abr. de 2012 às 18:26, Megan One <m@x.example> escreveu:{_QUOTED}",
        f"Op ma 2 apr 2012 om 18:26 schreef Megan One <m@x.example>:{_QUOTED}",
        f"Den mån 2 apr. 2012 kl 18:26 skrev Megan One <m@x.example>:{_QUOTED}",
        f"pon., 2 kwi 2012 o 18:26 Megan One <m@x.example> napisał(a):{_QUOTED}",
        f"пн, 2 апр. 2012 г. в 18:26, Megan One <m@x.example>:{_QUOTED}",
        _outlook("From:", "Sent:", "To:", "Subject:"),
        _outlook("*From:*", "*Sent:*", "*To:*", "*Subject:*"),
        "________________________________\n" + _outlook("From:", "Sent:", "To:", "Subject:"),
        "-----Ursprüngliche Nachricht-----\n" + _outlook("Von:", "Gesendet:", "An:", "Betreff:"),
        _outlook("Von:", "Gesendet:", "An:", "Betreff:"),
        _outlook("De :", "Envoyé :", "À :", "Objet :"),
        _outlook("De:", "Enviado el:", "Para:", "Asunto:"),
        _outlook("Da:", "Inviato:", "A:", "Oggetto:"),
        _outlook("Van:", "Verzonden:", "Aan:", "Onderwerp:"),
        _outlook("Od:", "Wysłano:", "Do:", "Temat:"),
        "-- \nAnn Ames\nACME",
        "Von meinem iPhone gesendet",
    ],
)
def test_what_is_not_new_is_left_out_in_many_languages(earlier: str):
    assert reply_of(f"{_NEW}\n\n{earlier}") == _NEW


@pytest.mark.parametrize(
    "text",
    [
        "Q: does it work?\nA: yes\nA: no\n\nTo: be done\nDate: tomorrow\n\nOne more question at the end?",
        "Here is the trace:\n\n    def f():\n        return 1\n\nWhat now?",
        "We need\n\n- one\n- two\n\nPlease send them.",
        "On Monday I wrote: please call.\nNobody called. Why?",
        "New order\n\nName: Ada\nCompany: X\nCc: none\n\nPlease confirm.",
        "Thanks, that helped.\nOne more question: where is the button?\nBest, Ada",
        "See -- here.\n\n-v is the flag I use.\n\nIt fails.",
        "Am Montag schrieb ich Ihnen, ohne Antwort:\nwarum?\n\nKonto: 4711\nAn: mich",
        "",
        "> only a quote",
    ],
)
def test_what_people_write_is_kept(text: str):
    assert reply_of(text).split() == text.split()


def test_answers_between_and_below_quotes_are_kept():
    assert reply_of("On 2 May at 3:10, Bob wrote:\n> One?\n\nYes.\n\n> Two?\n\nNo.") == "Yes.\nNo."


@pytest.mark.parametrize(
    "evil", ["On ", "On x\n", "On a wrote ", "From: x\n", "> ", "\n", "_", "Am a schrieb ", "From: a\n\n"]
)
def test_stripping_takes_time_in_proportion(evil: str):
    start = time.thread_time()
    reply_of(evil * (500_000 // len(evil)))
    assert time.thread_time() - start < 15


def test_a_first_mail_loses_its_signature_alone():
    mail = read_message(letter("From: Ada\nSubject: Help\n\nPlease!\n-- \nAda").as_bytes())
    assert mail.reply_text == "From: Ada\nSubject: Help\n\nPlease!"
    assert "-- " in mail.text


@pytest.mark.parametrize(
    "field",
    [
        b"Auto-Submitted: auto-replied",
        b"Precedence: bulk",
        b"X-Auto-Response-Suppress: OOF, AutoReply",
        b"X-Autoreply: yes",
        b"List-Id: <x.example>",
        b"Precedence: list",
        b"Return-Path: <>",
        b"X-Loop: support@acme.example",
    ],
)
def test_marks_of_automatic_mail(field: bytes):
    why = read_message(plain(b"Hi", field)).automatic
    assert why is not None
    assert why.endswith(".")


@pytest.mark.parametrize(
    ("subject", "sender"),
    [
        ("Automatic reply: Printer", "ann@x.example"),
        ("Out of Office", "ann@x.example"),
        ("Abwesenheitsnotiz: Drucker", "ann@x.example"),
        ("Réponse automatique : Imprimante", "ann@x.example"),
        ("Printer", "MAILER-DAEMON@x.example"),
        ("Printer", "postmaster@x.example"),
    ],
)
def test_looks_of_automatic_mail(subject: str, sender: str):
    assert read_message(letter("Hi", subject=subject, From=sender).as_bytes()).automatic


@pytest.mark.parametrize(
    "field", [b"Auto-Submitted: no", b"X-Auto-Response-Suppress: DR", b"Return-Path: <ann@x.example>"]
)
def test_mail_from_people_is_not_automatic(field: bytes):
    assert read_message(plain(b"Hi", field)).automatic is None


def test_a_delivery_report_is_read():
    raw = multipart(
        "report; report-type=delivery-status",
        b"Content-Type: text/plain\r\n\r\nSorry.",
        b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        b"Final-Recipient: rfc822; gone@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        b"Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n"
        b"Final-Recipient: rfc822; late@x.example\r\nAction: delayed\r\nStatus: 4.2.2\r\n\r\n"
        b"Final-Recipient: rfc822; fine@x.example\r\nAction: delivered\r\nStatus: 2.0.0\r\n",
        b"Content-Type: message/rfc822\r\n\r\nMessage-ID: <ours@acme.example>\r\nSubject: Hi\r\n\r\nHi",
    )
    mail = read_message(raw)
    assert mail.automatic
    assert mail.bounce is not None
    assert mail.bounce.recipients == (
        FailedRecipient("gone@x.example", "5.1.1", "550 5.1.1 no such user", True),
        FailedRecipient("late@x.example", "4.2.2", "", False),
    )
    assert mail.bounce.permanent
    assert mail.bounce.original_message_id == "<ours@acme.example>"
    assert mail.forwarded_from is None


_QMAIL = """Hi. This is the qmail-send program at mx.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<gone@x.example>:
192.0.2.1 does not like recipient.
Remote host said: 550 5.1.1 User unknown

--- Below this line is a copy of the message.

Message-ID: <ours@acme.example>
Subject: Hi
"""
_EXIM = """This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  gone@x.example
    550 5.1.1 <gone@x.example>: Recipient address rejected

------ This is a copy of the message, including all the headers. ------

Message-ID: <ours@acme.example>
"""
_OTHER = """Delivery has failed to these recipients:

gone@x.example
550 5.1.1 RESOLVER.ADR.RecipNotFound

Message-ID: <ours@acme.example>
"""


@pytest.mark.parametrize("text", [_QMAIL, _EXIM, _OTHER])
def test_reports_in_plain_words_are_read(text: str):
    made = letter(text, subject="failure notice: Undeliverable", From="MAILER-DAEMON@mx.example")
    bounce = read_message(made.as_bytes()).bounce
    assert bounce is not None
    assert [(one.address, one.status, one.permanent) for one in bounce.recipients] == [
        ("gone@x.example", "5.1.1", True)
    ]
    assert bounce.original_message_id == "<ours@acme.example>"


def test_what_a_person_writes_about_a_bounce_is_none():
    assert read_message(letter(_QMAIL, subject="failure notice").as_bytes()).bounce is None


_TENANT, _OTHER_TENANT = UUID(int=1), UUID(int=2)
_SECRET, _OLD = b"s" * 32, b"o" * 32


def test_a_reply_address_leads_to_its_ticket_whatever_its_case():
    address = reply_address(_SECRET, _TENANT, 4711, "support@acme.example")
    assert address.startswith("support+4711.")
    for written in (address, address.upper(), address.title()):
        assert ticket_of([_SECRET], _TENANT, written) == 4711
    assert ticket_of([_SECRET, _OLD], _TENANT, reply_address(_OLD, _TENANT, 1, "@replies.example")) == 1


def test_a_forged_reply_address_leads_nowhere():
    address = reply_address(_SECRET, _TENANT, 4711, "support@acme.example")
    code = address.partition("@")[0].rpartition(".")[2]
    assert ticket_of([_SECRET], _OTHER_TENANT, address) is None
    assert ticket_of([_OLD], _TENANT, address) is None
    right = f"support+4711.{code}@x"
    for forged in (right.replace("4711", "4712"), right.replace("4711", "04711"), "support+4711.@x", "support@x", ""):
        assert ticket_of([_SECRET], _TENANT, forged) is None


def test_reply_addresses_fit_what_servers_take():
    with pytest.raises(ValueError, match="too long"):
        reply_address(_SECRET, _TENANT, 1, "x" * 60 + "@acme.example")
    with pytest.raises(ValueError, match="from 1"):
        reply_address(_SECRET, _TENANT, 0, "support@acme.example")


def test_evidence_comes_in_order_and_the_subject_is_none():
    address = reply_address(_SECRET, _TENANT, 7, "support@acme.example")
    raw = letter(
        "Hi", subject="Re: [#9] Printer", To=address, In_Reply_To="<b@x>", References="<a@x> <b@x> <c@x>"
    ).as_bytes()
    found = list(evidence(read_message(raw), [_SECRET], _TENANT))
    assert found == [ByAddress(7), ByMessageId("<b@x>"), ByMessageId("<c@x>"), ByMessageId("<a@x>")]
    assert list(evidence(read_message(letter("Hi", subject="Re: [#9] Printer").as_bytes()), [_SECRET], _TENANT)) == []


def test_secrets_come_from_the_ring(app: Flask):
    with app.app_context():
        assert threading.current_secret() in threading.known_secrets()


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply does not work",
        "Re: Automatic reply does not work",
        "Out of office hours: who is on call?",
        "Auto: Bremsen quietschen",
        "Abwesend gemeldete Kollegen fehlen in der Liste",
    ],
)
def test_people_write_about_automatic_answers(subject: str):
    assert read_message(letter("Hi", subject=subject).as_bytes()).automatic is None


@pytest.mark.parametrize(
    "subject", ["Automatic reply: Printer", "Out of Office AutoReply: Printer", "Out of office", "Abwesenheitsnotiz"]
)
def test_what_says_no_more_than_that_is_one(subject: str):
    assert read_message(letter("Hi", subject=subject).as_bytes()).automatic


def test_an_answer_whose_subject_begins_so_is_one():
    answer = letter("Hi", subject="Out of the office until Monday", In_Reply_To="<a@x.example>")
    assert read_message(answer.as_bytes()).automatic


def test_a_person_who_sends_a_report_along_is_no_report():
    """Some mail programs forward a report as the parts it has."""
    mail = read_message(
        multipart(
            "mixed",
            b"Content-Type: text/plain\r\n\r\nWhat does this mean?",
            b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
            b"Final-Recipient: rfc822; bob@x.example\r\nAction: failed\r\nStatus: 5.1.1",
        )
    )
    assert (mail.bounce, mail.automatic, mail.text) == (None, None, "What does this mean?")
