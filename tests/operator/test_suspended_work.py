"""What a suspended organisation has planned waits, and goes on when it is resumed."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask

from app.core.scope import Scope
from app.core.transfer import running
from app.gateways.mail import send_mail
from tests.support.clients import PageClient
from tests.support.world import World
from tests.transfer.importing import Upload, send

Flag = Callable[[str], Any]


@pytest.fixture
def flask(app: Flask) -> Flag:
    return lambda words: app.test_cli_runner().invoke(args=words.split())


def _suspend(flask: Flag) -> None:
    assert flask("suspend-tenant acme --reason Asked-for-it").exit_code == 0


def test_mail_waits_and_the_operators_does_not(
    flask: Flag, acme: Scope, inside: Any, sent_mails: Callable[[], list[EmailMessage]]
) -> None:
    with inside(acme):
        send_mail(acme, to="ada@example.com", template="mail/test", context={"name": "Ada", "at": acme.now})
    _suspend(flask)
    assert [mail["Subject"] for mail in sent_mails()] == ["Acme is suspended"]
    flask("resume-tenant acme")
    assert "Test mail from Acme" in {mail["Subject"] for mail in sent_mails()}


def test_an_import_does_not_begin_until_it_is_resumed(
    flask: Flag, owner: PageClient, run_jobs: Callable[[], int], app: Flask, admin: Any
) -> None:
    from jobs import imports

    answer = send(owner, b"last name,email\nDoe,doe@example.com\n")
    upload = Upload(owner, answer.headers["Location"])
    upload.check()
    _suspend(flask)
    for _ in range(2):
        admin.execute("update imports set lease_until = now() - interval '1 second'")
        with app.app_context():
            imports.sweep()
        run_jobs()
    assert admin.execute("select state, attempts from imports").fetchone() == ("checking", 0)
    flask("resume-tenant acme")
    with app.app_context():
        imports.sweep()
    run_jobs()
    assert admin.execute("select state from imports").fetchone() == ("checked",)


def test_an_import_stops_between_two_chunks_and_goes_on(
    flask: Flag, owner: PageClient, run_jobs: Callable[[], int], app: Flask, acme: Scope, admin: Any, inside: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from app.core.transfer.running import lease
    from jobs import imports

    monkeypatch.setattr(lease, "CHUNK", 10)
    lines = "".join(f"Doe{number},doe{number}@example.com\n" for number in range(30))
    upload = Upload(owner, send(owner, f"last name,email\n{lines}".encode()).headers["Location"])
    upload.check()
    run_jobs()
    upload.start()
    (import_id,) = admin.execute("select id from imports").fetchone()
    with inside(acme):
        running.run_import(acme, import_id, chunks=1)
    assert admin.execute("select next_row from imports").fetchone() == (10,)
    admin.execute("update imports set worker = null, lease_until = now()")
    _suspend(flask)
    with inside(acme):
        running.run_import(acme, import_id)
    assert admin.execute("select next_row, worker from imports").fetchone() == (10, None)
    flask("resume-tenant acme")
    with app.app_context():
        imports.sweep()
    run_jobs()
    assert admin.execute("select state, created from imports").fetchone() == ("imported", 30)


def test_sweeps_pass_it_by(flask: Flag, world: World, app: Flask, admin: Any) -> None:
    from jobs import retention

    world.delete(world.add())
    admin.execute("update leads set deleted_at = now() - interval '90 days'")
    _suspend(flask)
    with app.app_context():
        retention.apply()
    assert admin.execute("select count(*) from leads").fetchone() == (1,)
    flask("resume-tenant acme")
    with app.app_context():
        retention.apply()
    assert admin.execute("select count(*) from leads").fetchone() == (0,)
