"""`/dev/mailbox`: what was sent can be read, and can do nothing."""

from __future__ import annotations

import pytest
from werkzeug.test import Client

from app import create_app
from app.gateways.mail import folder, send_mail
from app.gateways.mail.transports import Folder
from tests.support.servers import with_settings


@pytest.fixture
def deliver(acme, inside, sent_mails):
    def send(name="Ada", to="ada@customer.example"):
        with inside(acme):
            send_mail(acme, to=to, template="mail/test", context={"name": name, "at": acme.now})
        return sent_mails()[-1]

    return send


@pytest.fixture
def only(settings):
    return lambda: folder.newest(settings.mail_dir)[0]


def test_it_is_empty_at_first(client, sent_mails):
    assert "No mail yet" in client.get("/dev/mailbox").text


def test_what_was_sent_is_listed_and_shown(client, deliver, only):
    deliver()
    page = client.get("/dev/mailbox")
    assert "Test mail from Acme" in page.text
    shown = client.get(f"/dev/mailbox?mail={only().key}")
    assert '<a href="http://localhost:8000/t/acme/sign-in">http://localhost:8000/t/acme/sign-in</a>' in shown.text
    assert "frame-src 'self'" in shown.headers["Content-Security-Policy"]


def test_the_html_part_may_do_nothing(app, client, deliver, only):
    deliver(name="<script>alert(1)</script>")
    # Not by the client that inspects pages: a mail is none, and is styled where it stands.
    answer = Client(app).get(f"/dev/mailbox/html?mail={only().key}")
    assert "<script>" not in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert 'sandbox="allow-popups' in client.get(f"/dev/mailbox?mail={only().key}").text


def test_hostile_mail_is_text(client, settings, sent_mails):
    body = b"<script>x</script> javascript:x http://a.example/<b>"
    Folder(settings.mail_dir).send("a", "b", b"To: b@x.example\nSubject: <img src=x onerror=alert(1)>\n\n" + body)
    shown = client.get(f"/dev/mailbox?mail={folder.newest(settings.mail_dir)[0].key}")
    assert "<script>x" not in shown.text
    assert "<img src=x" not in shown.text
    assert '<a href="http://a.example/">http://a.example/</a>&lt;b&gt;' in shown.text
    assert 'href="javascript' not in shown.text


@pytest.mark.parametrize("key", ["nothing", "../../secret_key", "/etc/passwd", "..", "%00", "x" * 5000])
def test_a_key_is_no_path(client, deliver, key):
    deliver()
    for path in ("/dev/mailbox", "/dev/mailbox/html"):
        assert client.open(path, query_string={"mail": key}).status_code == 404


def test_the_newest_fifty(client, settings, sent_mails):
    for number in range(60):
        Folder(settings.mail_dir).send("a", "b", f"To: b{number}@x.example\nSubject: s{number}\n\nx".encode())
    listed = folder.newest(settings.mail_dir)
    assert [mail.subject for mail in listed] == [f"s{number}" for number in range(59, 9, -1)]


def test_a_folder_that_cannot_be_written_keeps_the_mail(app, acme, inside, run_jobs, settings, sent_mails, admin):
    settings.mail_dir.parent.mkdir(parents=True, exist_ok=True)
    settings.mail_dir.write_text("in the way")
    try:
        with inside(acme):
            send_mail(acme, to="ada@x.example", template="mail/test", context={"name": "Ada", "at": acme.now})
        run_jobs()
    finally:
        settings.mail_dir.unlink()
    assert admin.execute("select status, attempts from outgoing_mails").fetchall() == [("queued", 1)]


def test_it_exists_on_workstations_only(settings):
    """Development is what `make run` is; elsewhere there is no such page, and no link to it."""
    for development, there in ((True, True), (False, False)):
        own = with_settings(settings, testing=False, development=development)
        made = create_app(own)
        assert any(rule.rule.startswith("/dev/") for rule in made.url_map.iter_rules()) is there
        page = made.test_client().get("/t/acme/sign-in", base_url="http://localhost")
        assert page.status_code == 200
        assert ("/dev/mailbox" in page.text) is there
