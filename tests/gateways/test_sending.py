"""Sending over SMTP: a real server that takes, refuses, is slow or away."""

from __future__ import annotations

import email
import email.policy
import socket
import ssl
import threading
import time
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.config import ConfigurationError
from app.core.clock import now
from app.core.events import EventRow
from app.core.storage import EXTENSION
from app.extensions import db
from app.gateways.files.s3 import S3Files
from app.gateways.mail import Enclosure, Letterhead, Recipient, actions, send_mail, sending, transports
from app.gateways.mail.models import OutgoingMail
from app.gateways.mail.transports import parse
from tests.support.certificates import certificate
from tests.support.mailbox import text_of
from tests.support.servers import with_settings
from tests.support.smtp import mail_server


@pytest.fixture
def through(app, settings):
    """`through("smtp://…")`: mail goes there from now on."""

    def use(url):
        own = with_settings(settings, smtp_url=url, mail_from="Fairlead <no-reply@fairlead.example>", testing=False)
        app.extensions["fairlead.settings"] = own

    yield use
    app.extensions["fairlead.settings"] = settings


@pytest.fixture
def smtp(through):
    with mail_server() as server:
        through(f"smtp://127.0.0.1:{server.port}?tls=none")
        yield server


@pytest.fixture
def post(acme, inside):
    def send(number=1, to="ada@customer.example", scope=acme, **more):
        with inside(scope):
            context = {"name": "Ada", "at": scope.now}
            return [send_mail(scope, to=to, template="mail/test", context=context, **more) for _ in range(number)]

    return send


@pytest.fixture
def send(acme, app, inside):
    """`send(after=timedelta(…))`: what is due by then is sent, as the job does."""

    def run(after=timedelta(), scope=acme):
        with inside(scope):
            return sending.send_due(scope, at=lambda: now() + after)

    return run


@pytest.fixture
def row(acme, inside):
    def read():
        with inside(acme):
            found = db.session.scalars(select(OutgoingMail)).one()
            db.session.expunge_all()
            return found

    return read


@pytest.fixture
def events(acme, inside):
    def read():
        with inside(acme):
            rows = db.session.scalars(select(EventRow).where(EventRow.subject_kind == "mail"))
            return [(event.type, event.data) for event in rows]

    return read


def test_it_arrives_as_it_was_written(smtp, post, run_jobs, row):
    (mail_id,) = post(to=Recipient("Ada Lovelace", "ada@customer.example"))
    run_jobs()
    (taken,) = smtp.taken
    assert (taken.sender, taken.to) == ("no-reply@fairlead.example", ["ada@customer.example"])
    assert taken.message_id == f"<{mail_id}@fairlead.example>"
    assert taken.mail["To"].addresses[0].display_name == "Ada Lovelace"
    assert taken.mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in taken.mail.iter_parts()] == ["text/plain", "text/html"]
    assert all(len(line) <= 998 for line in taken.raw.splitlines())
    assert smtp.greeted[0] == "fairlead.example", "not the name of this machine"
    assert row().status == "sent"


def test_many_go_through_one_conversation(smtp, post, run_jobs):
    post(20)
    run_jobs()
    assert len({taken.message_id for taken in smtp.taken}) == 20
    assert len(smtp.greeted) == 1


@pytest.mark.parametrize("answer", ["451 Greylisted, come back", "452 Mailbox <ada@customer.example> is full"])
def test_a_server_that_says_later(smtp, post, send, row, answer):
    post()
    smtp.answers = [answer]
    assert send() == 0
    waiting = row()
    assert (waiting.status, waiting.attempts) == ("queued", 1)
    assert waiting.last_error.startswith(answer[:3])
    assert "ada@" not in waiting.last_error
    assert timedelta(seconds=55) < waiting.next_attempt_at - now() <= timedelta(seconds=60)
    assert send() == 0, "not before its time"
    assert send(after=timedelta(seconds=61)) == 1
    assert (row().status, row().attempts, row().last_error) == ("sent", 2, None)


@pytest.mark.parametrize("where", ["to_recipients", "answers"])
def test_a_server_that_refuses_for_good(smtp, post, send, row, events, where):
    post()
    setattr(smtp, where, ["550 5.1.1 <ada@customer.example> User unknown"])
    assert send() == 0
    failed = row()
    assert failed.status == "failed"
    assert failed.last_error.startswith("550 5.1.1")
    assert send(after=timedelta(days=2)) == 0, "never again"
    ((kind, data),) = events()
    assert kind == "mail.failed"
    assert data["template"] == "mail/test"
    assert "ada@" not in data["reason"]


def test_one_that_is_refused_does_not_hold_up_the_next(smtp, post, send):
    post(3)
    smtp.answers = [None, "550 No", None]
    assert send() == 2


def test_waits_grow_and_end_after_a_day(smtp, post, send, row, events):
    post()
    passed, waits = timedelta(), []
    while row().status == "queued":
        smtp.answers = ["451 Not now"]
        send(after=passed)
        if row().status == "queued":
            wait = row().next_attempt_at - now() - passed + timedelta(seconds=5)
            waits.append(int(wait.total_seconds() // 60))
            passed += wait
    assert waits[:8] == [1, 2, 4, 8, 16, 32, 64, 128]
    assert set(waits[8:]) == {240}
    assert timedelta(hours=24) <= passed < timedelta(hours=28)
    assert [kind for kind, _ in events()] == ["mail.given_up"]
    assert row().erase_at is not None


def test_nobody_there(through, post, send, row):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    through(f"smtp://127.0.0.1:{port}?tls=none")
    post()
    assert send() == 0
    assert row().last_error == "The mail server did not answer: Connection refused."


def test_a_server_that_is_away_costs_one_attempt_a_round(through, post, send, acme, inside):
    with mail_server() as server:
        port = server.port
    through(f"smtp://127.0.0.1:{port}?tls=none")
    post(5)
    began = time.monotonic()
    assert send() == 0
    assert time.monotonic() - began < 20
    with inside(acme):
        assert sorted(db.session.scalars(select(OutgoingMail.attempts))) == [0, 0, 0, 0, 1]


def test_the_server_goes_away_between_two_mails(smtp, post, send, row):
    post(3)
    smtp.answers = [None, "421 Closing"]
    assert send() == 1
    assert send(after=timedelta(minutes=2)) == 2


@pytest.mark.parametrize("stage", ["silent", "dripping"])
def test_a_slow_server_is_cut_off(through, post, send, row, monkeypatch, stage):
    """Time-outs shortened: each wait has one, and so has the whole, however many bytes come."""
    monkeypatch.setattr(transports, "STEP_SECONDS", 1.0)
    monkeypatch.setattr(transports, "DEADLINE_SECONDS", 2.0)
    listening = socket.create_server(("127.0.0.1", 0))

    def answer():
        with suppress(OSError):
            connection, _ = listening.accept()
            with connection:
                while stage == "dripping":
                    connection.sendall(b"2")
                    time.sleep(0.2)  # what the test is about
                connection.recv(1)

    threading.Thread(target=answer, daemon=True).start()
    through(f"smtp://127.0.0.1:{listening.getsockname()[1]}?tls=none")
    post()
    began = time.monotonic()
    assert send() == 0
    assert time.monotonic() - began < 20, "it would never end by itself"
    listening.close()
    assert row().last_error
    assert row().status == "queued"


def test_an_answer_that_comes_late_is_asked_again_with_the_same_id(smtp, post, send, monkeypatch):
    monkeypatch.setattr(transports, "STEP_SECONDS", 0.5)
    post()
    smtp.delay = 1.5
    assert send() == 0
    smtp.delay = 0
    assert send(after=timedelta(minutes=2)) == 1
    assert len({taken.message_id for taken in smtp.taken}) == 1


def test_a_name_and_password_over_tls(through, post, send, tmp_path, monkeypatch, row):
    names = certificate(tmp_path, "localhost")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*names)
    with mail_server(tls, auth_required=True, require_starttls=True) as server:
        through(f"smtp://app%40x:right@localhost:{server.port}")
        post()
        assert send() == 0
        assert "certificate" in row().last_error.lower()
        assert server.signed_in == [], "no password to a stranger"
        monkeypatch.setenv("SSL_CERT_FILE", str(names[0]))
        assert send(after=timedelta(minutes=2)) == 1
        assert server.signed_in == [("app@x", "right")]


def test_a_wrong_password_keeps_the_mail(through, post, send, tmp_path, monkeypatch, row):
    names = certificate(tmp_path, "localhost")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*names)
    monkeypatch.setenv("SSL_CERT_FILE", str(names[0]))
    with mail_server(tls) as server:
        through(f"smtp://app:wrong@localhost:{server.port}")
        post()
        assert send() == 0
    assert row().status == "queued"
    assert row().last_error.startswith("535")
    assert "wrong" not in row().last_error


def test_a_server_without_tls_gets_nothing(through, post, send, row):
    with mail_server() as server:
        through(f"smtp://localhost:{server.port}")
        post()
        assert send() == 0
        assert server.taken == []
    assert row().status == "queued"
    assert "STARTTLS" in row().last_error


def test_implicit_tls(through, post, send, tmp_path, monkeypatch):
    from aiosmtpd.controller import Controller

    names = certificate(tmp_path, "localhost")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*names)
    monkeypatch.setenv("SSL_CERT_FILE", str(names[0]))
    with mail_server() as server:
        secure = Controller(server, "127.0.0.1", server.port + 1, ssl_context=tls)
        secure.start()
        try:
            through(f"smtps://localhost:{secure.port}")
            post()
            assert send() == 1
        finally:
            secure.stop()


def test_letters_outside_ascii(smtp, post, send):
    post(to=Recipient("José", "josé@bücher.example"))
    assert send() == 1
    (taken,) = smtp.taken
    assert taken.to == ["josé@xn--bcher-kva.example"]
    assert "SMTPUTF8" in taken.options
    assert "josé@xn--bcher-kva.example" in taken.raw.decode()


def test_letters_outside_ascii_where_they_are_not_known(through, post, send, row):
    with mail_server(enable_SMTPUTF8=False) as server:
        through(f"smtp://127.0.0.1:{server.port}?tls=none")
        post(to="josé@customer.example")
        post(to="ada@bücher.example")
        assert send() == 1, "a domain is written in ASCII, and needs nothing"
        assert [taken.to for taken in server.taken] == [["ada@xn--bcher-kva.example"]]


def test_with_no_way_out_it_waits_and_health_says_so(through, post, run_jobs, row, client):
    through("")
    post()
    run_jobs()
    assert (row().status, row().attempts) == ("queued", 0)
    assert client.get("/api/health").json["notes"] == ["Mail is not set up (SMTP_URL): it waits."]
    through("smtp://mail.example.com")
    assert client.get("/api/health").json["notes"] == []


def test_the_sweep_rings_for_what_waits_and_erases_what_was_sent(smtp, post, run_jobs, row, bell, admin, app_context):
    from jobs.mail import purge, sweep

    post()
    bell.flushdb()
    sweep()
    run_jobs()
    assert row().status == "sent"
    assert row().body_sealed is not None
    admin.execute("update outgoing_mails set erase_at = now() - interval '1 second'")
    sweep()
    assert (row().body_sealed, row().erase_at) == (None, None)
    purge()
    assert row().status == "sent"
    admin.execute("update outgoing_mails set created_at = now() - interval '91 days'")
    purge()
    assert admin.execute("select count(*) from outgoing_mails").fetchone() == (0,)


def test_a_tenant_with_much_lets_others_have_their_turn(smtp, post, run_jobs, send, monkeypatch, bell):
    monkeypatch.setattr(sending, "SLICE_SECONDS", 0.0)
    post(3)
    bell.flushdb()
    assert send() == 1
    assert run_jobs() >= 1
    assert len(smtp.taken) == 3


def test_nothing_about_people_in_the_log(smtp, post, send, caplog):
    smtp.answers = ["550 <ada@customer.example> unknown"]
    with caplog.at_level("INFO"):
        post(2, to=Recipient("Ada Lovelace", "ada@customer.example"))
        send()
    assert [record.message for record in caplog.records if record.message.startswith("mail_")] == [
        "mail_failed",
        "mail_sent",
    ]
    # The server's own lines, in this process, know whom they serve.
    for record in (one for one in caplog.records if not one.name.startswith("mail.")):
        assert "ada" not in str(vars(record)).lower()


def test_the_command_says_what_the_server_says(smtp, app):
    from jobs.commands import send_test_mail

    run = app.test_cli_runner().invoke
    told = run(send_test_mail, ["ada@customer.example", "--tenant", "globex"])
    assert (told.exit_code, told.output) == (0, "The mail server has taken it.\n")
    assert smtp.taken[0].mail["Subject"] == "Test mail from Globex"
    smtp.answers = ["550 5.7.1 Not from you"]
    told = run(send_test_mail, ["ada@customer.example"])
    assert told.exit_code == 1
    assert "550 5.7.1 Not from you" in told.output
    assert "not an e-mail address" in run(send_test_mail, ["ada"]).output
    assert "no such organisation" in run(send_test_mail, ["a@b.example", "--tenant", "x"]).output


@pytest.mark.parametrize(
    "url",
    [
        "smtp:",
        "smtp://",
        "http://x",
        "smtp://h:x",
        "smtp://h?tls=maybe",
        "mail.example.com",
        "smtp://u:p@h.example?tls=none",
    ],
)
def test_an_address_that_cannot_be_used_stops_the_start(url):
    with pytest.raises(ConfigurationError) as refused:
        parse(url)
    assert "u:p" not in str(refused.value)


def test_addresses_of_servers():
    assert parse("smtp://h.example") == transports.SmtpServer("h.example", 587, "starttls")
    assert parse("smtps://u:p%40ss@h.example") == transports.SmtpServer("h.example", 465, "implicit", "u", "p@ss")
    assert parse("smtp://h.example:25?tls=none").tls == "none"


def test_the_waits():
    assert actions.wait_after(1) == timedelta(minutes=1)
    assert actions.wait_after(100) == timedelta(hours=4)


def test_files_that_cannot_be_read_now_let_the_mail_wait(smtp, post, send, row, app, settings):
    here = app.extensions[EXTENSION]
    post(head=Letterhead(enclosures=(Enclosure("0" * 36 + "/" + "0" * 48, "a.txt", "text/plain"),)))
    try:
        app.extensions[EXTENSION] = S3Files("http://k:s@127.0.0.1:9/fairlead", "", settings.state_dir)
        assert send() == 0
    finally:
        app.extensions[EXTENSION] = here
    assert (row().status, "store of files is not answering" in row().last_error) == ("queued", True)
    assert send(after=timedelta(hours=1)) == 1


def test_a_long_text_in_another_script_fits(smtp, post, send, acme, inside):
    with inside(acme):
        send_mail(
            acme, to="ada@customer.example", template="mail/test", context={"name": "好" * 60_000, "at": acme.now}
        )
    assert send() == 1
    (taken,) = smtp.taken
    assert "好" * 60_000 in text_of(email.message_from_bytes(taken.raw, policy=email.policy.default))


def test_letters_outside_ascii_in_a_copy_are_announced(smtp, post, send):
    post(head=Letterhead(copies=(Recipient("", "josé@customer.example"),)))
    assert send() == 2
    assert ["SMTPUTF8" in taken.options for taken in smtp.taken] == [True, True]
