"""Public collections of difficult mail, handed over one by one: every one becomes something, and none is lost.

They are never copied into the project; where they are absent these tests are skipped.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from app.config import ROOT
from app.tickets.actions import storing_mail
from app.tickets.models.mail import DUPLICATE, IGNORED, THREADED, TICKETED
from app.tickets.rules.mail_in import Fingerprint
from tests.support.desk_mail import DeskMail

_DATA = ROOT.parent / "shared" / "data"
_NAMES = ("email_ruby_mail", "email_cpython", "email_talon", "email_reply_parser_github")
_ENDS = {TICKETED, THREADED, IGNORED, DUPLICATE, "bounce"}


def _files(name: str) -> list[Path]:
    if not (_DATA / name).is_dir():
        pytest.skip(f"the collection {name} is not here")
    found = [file for file in sorted((_DATA / name).rglob("*")) if file.is_file() and file.name != "NOTE.txt"]
    assert found
    return found


@pytest.mark.parametrize("name", _NAMES)
def test_every_mail_of_a_collection_is_taken(client, acme, inside, name):
    desk = DeskMail(client, acme, inside)
    desk.mailbox()
    with inside(acme):
        _take_any_number(acme)
    given = [file for file in _files(name) if file.stat().st_size]
    for file in given:
        answer = desk.hand_over(file.read_bytes())
        assert answer.status_code == 202, (file, answer.text)
    desk.work()
    rows = desk.mails()
    # The same Message-ID and text stand in several files of some of them.
    assert len(rows) == len({_fingerprint(file.read_bytes()) for file in given})
    states = Counter(row.state for row in rows)
    assert set(states) <= _ENDS, states
    for row in rows:
        assert row.reason or row.state in (TICKETED, THREADED), row.subject
        assert row.ticket_id is not None or row.state != TICKETED
        assert row.attempts <= 1, row.reason
    assert len(desk.tickets()) == states[TICKETED]
    print(f"\n{name}: {len(given)} files, {dict(states)}")


def _fingerprint(raw: bytes) -> str:
    mark = Fingerprint()
    mark.feed(raw)
    return mark.of(storing_mail._message_id(mark.head))


def _take_any_number(scope) -> None:
    """Many of them are from one sender."""
    from app.core.clock import new_id
    from app.extensions import db
    from app.tickets.models import DeskRow

    settings = {"mail_per_hour": 10_000}
    db.session.add(
        DeskRow(tenant_id=scope.tenant_id, id=new_id(), settings=settings, created_at=scope.now, updated_at=scope.now)
    )
