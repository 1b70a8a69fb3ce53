"""`flask mail receive`, as a mail server calls it."""

from __future__ import annotations

import pytest

from tests.support.desk_mail import ADDRESS, DeskMail
from tests.support.letters import letter


@pytest.fixture
def desk(client, acme, inside) -> DeskMail:
    made = DeskMail(client, acme, inside)
    made.mailbox()
    return made


def run(app, raw: bytes, tenant: str = "acme", mailbox: str = ADDRESS):
    return app.test_cli_runner().invoke(args=["mail", "receive", "--tenant", tenant, "--mailbox", mailbox], input=raw)


def test_what_is_piped_is_kept_once(desk, app):
    raw = letter("Hello").as_bytes()
    assert [(run(app, raw).exit_code, len(desk.mails())) for _ in range(2)] == [(0, 1), (0, 1)]
    assert desk.hand_over(raw).text == "It came before and is kept.\n"
    desk.work()
    assert [row.state for row in desk.mails()] == ["ticketed"]
    assert len(desk.tickets()) == 1


@pytest.mark.parametrize(
    ("tenant", "mailbox"), [("nobody", ADDRESS), ("acme", "other@acme.example"), ("globex", ADDRESS)]
)
def test_an_unknown_mailbox_is_67(desk, app, tenant, mailbox):
    answer = run(app, b"Subject: x\r\n\r\nx", tenant, mailbox)
    assert answer.exit_code == 67
    assert desk.mails() == []


def test_nothing_and_too_much_are_65(desk, app):
    assert run(app, b"").exit_code == 65
    assert run(app, b"Subject: x\r\n\r\n" + b"x" * (41 * 2**20)).exit_code == 65
    assert desk.mails() == []


def test_trouble_that_may_pass_is_75(desk, app, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "no room left")

    monkeypatch.setattr("app.tickets.mail_commands.store_mail", full)
    assert run(app, b"Subject: x\r\n\r\nx").exit_code == 75
