"""Handing mail over: what is stored, what leaves, and what people typed cannot make of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from app.core.errors import Invalid
from app.extensions import db
from app.gateways.mail import Recipient, composing, send_mail
from app.gateways.mail.models import OutgoingMail
from tests.support.mailbox import html_of, links_in, text_of

ADA = Recipient("Ada Lovelace", "ada@customer.example")


@pytest.fixture
def post(acme, inside):
    """`post(to=…)` commits one mail and returns its id."""

    def send(scope=acme, *, to=ADA, template="mail/test", key=None, **context):
        with inside(scope):
            return send_mail(
                scope, to=to, template=template, key=key, context={"name": "Ada", "at": scope.now} | context
            )

    return send


@pytest.fixture
def rows(acme, inside):
    def read(scope=acme):
        with inside(scope):
            found = list(db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)))
            db.session.expunge_all()
            return found

    return read


def test_it_leaves_after_the_commit_and_reads_well(post, sent_mails, acme):
    mail_id = post()
    (mail,) = sent_mails()
    assert mail["To"] == "Ada Lovelace <ada@customer.example>"
    assert mail["From"] == "Fairlead <no-reply@localhost>"
    assert mail["Subject"] == "Test mail from Acme"
    assert mail["Message-ID"] == f"<{mail_id}@localhost>"
    assert mail["Date"].datetime == acme.now.replace(microsecond=0)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "Hello Ada," in text_of(mail)
    assert "<h1" in html_of(mail)
    assert links_in(mail) == ["http://localhost:8000/t/acme/sign-in"]


def test_it_stays_if_the_transaction_is_rolled_back(acme, inside, sent_mails):
    def failing():
        with inside(acme):
            send_mail(acme, to=ADA, template="mail/test", context={"name": "Ada", "at": acme.now})
            raise LookupError

    with pytest.raises(LookupError):
        failing()
    assert sent_mails() == []


def test_the_body_is_sealed_and_the_row_says_what_became_of_it(post, rows, sent_mails):
    post()
    (waiting,) = rows()
    assert waiting.status == "queued"
    assert waiting.body_sealed.startswith("t2.")
    assert "Hello" not in waiting.body_sealed
    sent_mails()
    (sent,) = rows()
    assert (sent.status, sent.attempts, sent.last_error) == ("sent", 1, None)
    assert sent.sent_at is not None


def test_times_are_in_the_zone_of_the_tenant(post, sent_mails, acme, globex):
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    post(at=noon)
    post(globex, at=noon)
    new_york, berlin = (text_of(mail) for mail in sent_mails())
    assert "8:00:00" in new_york
    assert "2:00:00" in berlin


def test_one_key_is_one_mail_in_each_tenant(post, sent_mails, globex):
    assert post(key="ticket-7") == post(key="ticket-7")
    assert post(key="ticket-8") != post(globex, key="ticket-7")
    assert len(sent_mails()) == 3


@pytest.mark.parametrize(
    "trick",
    [
        "\r\nBcc: all@evil.example",
        "\nBcc: all@evil.example",
        "\rX: y",
        "\x0bBcc: x",
        "\u2028Bcc: x",
        "\x85Bcc: x",
        "\x00",
    ],
)
def test_line_breaks_make_no_headers(post, sent_mails, acme, inside, trick):
    named = replace(acme, tenant_name=f"Acme{trick}")
    post(named, to=Recipient(f"Ada{trick}", "ada@customer.example"), name=f"Ada{trick}")
    (mail,) = sent_mails()
    headers = ["from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version", "content-type"]
    assert sorted(name.lower() for name in mail) == sorted(headers)
    assert len(mail["To"].addresses) == 1
    assert mail["To"].addresses[0].addr_spec == "ada@customer.example"
    with pytest.raises(Invalid):
        post(to=f"ada@customer.example{trick}")
    with pytest.raises(Invalid):
        post(to=f"ada{trick}@customer.example")


def test_two_line_breaks_in_a_name_stay_in_the_subject(post, sent_mails, acme):
    post(replace(acme, tenant_name="Acme\n\nDear Ada, send money."))
    (mail,) = sent_mails()
    assert mail["Subject"] == "Test mail from Acme Dear Ada, send money."
    assert text_of(mail).startswith("Hello Ada,")


def test_a_comma_or_an_address_in_a_name_adds_nobody(post, sent_mails):
    post(to=Recipient('Eve" <eve@evil.example>, x', "ada@customer.example"))
    (mail,) = sent_mails()
    assert [one.addr_spec for one in mail["To"].addresses] == ["ada@customer.example"]


def test_names_in_html_are_text(post, sent_mails):
    post(name="<img src=x onerror=alert(1)>")
    assert "<img" not in html_of(sent_mails()[0])


@pytest.mark.parametrize(
    ("typed", "written"),
    [("ada@bücher.example", "ada@xn--bcher-kva.example"), ("josé@bücher.example", "josé@xn--bcher-kva.example")],
)
def test_addresses_in_other_scripts(post, sent_mails, typed, written):
    post(to=Recipient("José Müller 李", typed))
    (mail,) = sent_mails()
    assert mail["To"].addresses[0].addr_spec == written
    assert mail["To"].addresses[0].display_name == "José Müller 李"


@pytest.mark.parametrize("address", ["", "ada", "ada@", "@x.example", "a b@x.example", "ada@x.example, b@x.example"])
def test_what_is_no_address_is_refused_in_words(post, rows, address):
    with pytest.raises(Invalid, match="not an e-mail address"):
        post(to=address)
    assert rows() == []


def test_long_names_and_subjects_are_cut(post, sent_mails, rows, acme):
    post(replace(acme, tenant_name="A" * 1000), to=Recipient("B" * 1000, "ada@customer.example"))
    (mail,), (row,) = sent_mails(), rows()
    assert len(mail["Subject"]) == 200
    # Not of the parsed mail: Python 3.11 puts spaces between the parts of a long name, mail programs do not.
    assert len(row.to_name) == 120
    assert all(len(line) <= 78 for line in mail.as_bytes().split(b"\n\n")[0].splitlines())


def test_a_mail_is_no_way_to_send_files(post):
    with pytest.raises(ValueError, match="a megabyte at most"):
        post(name="x" * 1_100_000)


@pytest.mark.parametrize("name", ["mail/nothing", "../config", "mail/test.txt", "Mail/Test", "mail"])
def test_a_template_that_is_not_there(post, name):
    with pytest.raises(ValueError, match="template"):
        post(template=name)


def test_a_template_begins_with_a_subject(app_context):
    for source in ("", "Subject only", "Two\nlines\n\ntext", "Subject\n\n  \n"):
        with pytest.raises(ValueError, match="subject"):
            composing._subject_and_text(app_context.jinja_env, source)


def test_other_tenants_do_not_see_it(post, rows, globex):
    post()
    assert rows(globex) == []
    assert len(rows()) == 1
