"""A customer writes a mail, an agent answers in the browser, and the answer is in the same thread at the customer's.

Everything is real: the customer hands mail to an IMAP mailbox, the worker fetches it, answers leave over SMTP, and the
SMTP server delivers them into the customer's mailbox, from where the customer answers once more.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from playwright.sync_api import expect

from app.gateways.mail.incoming import read_message
from tests.journeys.conftest import Person
from tests.support.imap_server import _PASSWORD, _USER, ImapServer
from tests.support.letters import letter
from tests.support.site import Site, running_site
from tests.support.smtp import MailServer, Taken, mail_server
from tests.support.waiting import PATIENCE

ADA = "ada@customer.example"


@dataclass
class Post:
    """The world's mail: what the desk sends lands in mailboxes, what customers send in the desk's."""

    desk: ImapServer
    customer: ImapServer
    smtp: MailServer
    delivered: list[str] = field(default_factory=list)

    def deliver(self, taken: Taken) -> None:
        to = taken.to[0]
        (self.customer if to == ADA else self.desk).append(taken.raw)
        self.delivered.append(to)

    def write(self, text: str, subject: str = "Printer", **fields: str) -> EmailMessage:
        made = letter(text, subject, **{"From": f"Ada Lovelace <{ADA}>", "To": _USER, **fields})
        self.desk.append(made.as_bytes())
        return made

    def got(self, wanted: Callable[[EmailMessage], bool], seconds: float = PATIENCE) -> EmailMessage:
        """Waits for a mail in the customer's mailbox."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for raw in self.customer.texts():
                mail = message_from_bytes(raw, policy=policy.default)
                assert isinstance(mail, EmailMessage)
                if wanted(mail):
                    return mail
            time.sleep(0.2)  # between two looks at a mailbox that another process fills
        raise AssertionError("the customer got no such mail")


@pytest.fixture(scope="module")
def post() -> Iterator[Post]:
    """One for all tests here: its mailboxes keep what came before, so each writes under Message-IDs of its own."""
    with ImapServer() as desk, ImapServer() as customer, mail_server() as smtp:
        made = Post(desk, customer, smtp)
        smtp.when_taken = made.deliver
        yield made


@pytest.fixture(scope="module")
def running(post: Post, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A product of this module's own, whose mail goes to these servers."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    environ = {
        "SMTP_URL": f"smtp://127.0.0.1:{post.smtp.port}?tls=none",
        "MAIL_FROM": "Fairlead <no-reply@fairlead.example>",
        "OUTBOUND_PRIVATE_HOSTS": f"127.0.0.1:{post.desk.port}",
    }
    with running_site(f"mail{worker}", tmp_path_factory.mktemp("logs"), **environ) as site:
        yield site


def test_a_customers_mail_is_answered_in_the_same_thread(post: Post, person: Callable[..., Person]) -> None:
    manager = person("manager")
    _set_up(post, manager)
    agent = person("agent")
    first = post.write("My printer is on fire.\n\nPlease help!", Message_ID="<first@customer.example>")
    _fetch(manager)

    confirmed = post.got(lambda mail: mail["In-Reply-To"] == first["Message-ID"])
    number = re.search(r"#(\d+)", str(confirmed["Subject"]))
    assert number, confirmed["Subject"]
    assert confirmed["Auto-Submitted"] == "auto-replied"

    page = agent.visit("/tickets/?q=ada")
    page.get_by_role("link", name="Printer").first.click()
    expect(page.get_by_text("My printer is on fire.").first).to_be_visible()
    page.locator("#reply_form textarea").fill("Have you tried **water**?")
    page.locator("#reply_form").get_by_role("button", name=re.compile("Send")).first.click()

    answer = post.got(lambda mail: "water" in mail.get_body(("plain",)).get_content())
    assert answer["From"].addresses[0].addr_spec == _USER, "the address was proved by the mail that set it up"
    assert answer["To"].addresses[0].addr_spec == ADA
    assert answer["Subject"] == f"Re: Printer [#{number[1]}]"
    assert answer["In-Reply-To"] == first["Message-ID"]
    assert str(first["Message-ID"]) in answer["References"]
    assert answer["Auto-Submitted"] is None
    assert read_message(answer.as_bytes()).reply_text.strip().startswith("Have you tried **water**?")

    post.write(
        "It worked.\n\nOn Sat, Acme wrote:\n> Have you tried **water**?",
        "Re: Printer",
        Message_ID="<second@customer.example>",
        To=answer["Reply-To"].addresses[0].addr_spec,
        In_Reply_To=str(answer["Message-ID"]),
        References=f"{first['Message-ID']} {answer['Message-ID']}",
    )
    _fetch(manager)
    expect(page.get_by_text("It worked.").first).to_be_visible(timeout=PATIENCE * 1000)
    page = agent.visit("/tickets/?q=ada")
    assert page.get_by_role("link", name="Printer").count() == 1, "one ticket, however many mails"


def test_claim_29_a_hostile_mail_runs_and_loads_nothing(post: Post, person: Callable[..., Person]) -> None:
    """In a real browser: no script, no request to anybody, and not a word of it on the console (which fails this)."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.5)
        there = f"http://127.0.0.1:{listener.getsockname()[1]}"
        manager = person("manager")
        _set_up(post, manager)
        made = letter("See the HTML", "<img src=x onerror=alert(1)>", From=f'"<script>alert(2)</script>" <{ADA}>')
        made.replace_header("To", _USER)
        made.add_alternative(
            f"<h1 onclick=alert(3)>Hello</h1><script src={there}/a.js></script><img src={there}/b.gif>"
            f"<img src=x onerror=alert(4)><svg onload=alert(5)></svg><style>@import url({there}/c.css)</style>"
            f"<div style='background:url({there}/d.png)'>x</div><iframe src={there}/e></iframe>"
            f"<video poster={there}/f autoplay></video><a href='javascript:alert(6)'>a link</a>"
            f"<form action={there}/g><button>Send</button></form><meta http-equiv=refresh content='0;url={there}/h'>",
            subtype="html",
        )
        made.add_attachment(b"<script>alert(7)</script>", maintype="text", subtype="html", filename="<b>.html")
        post.desk.append(made.as_bytes())
        _fetch(manager)
        agent = person("agent")
        shown: list[str] = []
        agent.page.on("dialog", lambda dialog: (shown.append(dialog.message), dialog.dismiss()))
        post.got(lambda mail: "onerror" in str(mail["Subject"]))
        page = agent.visit("/tickets/?q=ada")
        page.locator("[data-row-link]").first.click()
        expect(page.locator(".message-body").get_by_text("a link")).to_be_visible()
        page.get_by_text("a link").click()
        page.wait_for_timeout(500)  # for whatever would load late
        with pytest.raises(TimeoutError):
            listener.accept()
        assert shown == []
        assert "/tickets/" in page.url


def _set_up(post: Post, manager: Person) -> None:
    before = len(post.delivered)
    page = manager.visit("/settings/mailboxes/new")
    for name, value in {"name": "Support", "address": _USER, "host": "127.0.0.1", "port": str(post.desk.port)}.items():
        page.fill(f"[name={name}]", value)
    page.select_option("[name=tls]", "none")
    page.fill("[name=user_name]", _USER)
    page.fill("[name=password]", _PASSWORD)
    page.fill("[name=done_folder]", "Done")
    page.locator("#mailbox_form").get_by_role("button", name="Save").click()
    expect(page.locator("#secret_address")).to_contain_text("/mail/in/")
    page.get_by_role("link", name="Done").click()
    page.get_by_role("button", name="Check the connection").click()
    expect(page.get_by_text("The mail server lets us in").first).to_be_visible()
    until = time.monotonic() + 2 * PATIENCE
    while _USER not in post.delivered[before:]:
        assert time.monotonic() < until, "no mail left to prove the address"
        time.sleep(0.2)  # between two looks at what other processes do
    _fetch(manager)
    while not manager.visit("/settings/mailboxes/").get_by_text("Works").count():
        assert time.monotonic() < until, "the address was not proved"
        time.sleep(0.5)


def _fetch(manager: Person) -> None:
    """Mail is fetched once a minute; whoever does not want to wait presses the button."""
    page = manager.visit("/settings/mailboxes/")
    page.get_by_role("link", name="Support").first.click()
    page.get_by_role("button", name="Fetch mail now").click()
    page.wait_for_load_state()
