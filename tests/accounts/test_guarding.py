"""Lock-out by account and source: the rules as arithmetic, and the actions on a real database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.accounts import actions, queries
from app.accounts.actions import Origin
from app.accounts.rules.guarding import (
    EVERYWHERE,
    LONGEST_LOCK,
    Standing,
    after_quiet,
    after_success,
    after_try,
    limit_of,
    lock_length,
    masked,
    source_of_address,
)
from app.core.clock import now
from app.core.errors import Invalid
from tests.support.servers import PASSWORD

AT = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HERE, ELSEWHERE = Origin("192.0.2.1", "A browser"), Origin("198.51.100.7", "Another")
EMAIL = "agent@acme.example"


def failed(times: int, limit: int = 5, at: datetime = AT, standing: Standing | None = None) -> Standing:
    found = standing or Standing()
    for _ in range(times):
        found = after_try(found, at, limit)
    return found


def test_the_last_try_allowed_locks():
    assert not failed(4).is_locked(AT)
    locked = failed(5)
    assert locked.is_locked(AT)
    assert locked.locked_until == AT + timedelta(minutes=1)
    assert not locked.is_locked(AT + timedelta(minutes=1)), "a lock ends by itself"


def test_locks_grow_and_end_at_a_day():
    assert [lock_length(rounds).total_seconds() / 60 for rounds in range(5)] == [1, 2, 4, 8, 16]
    assert lock_length(11) == lock_length(500) == LONGEST_LOCK
    at, standing = AT, Standing()
    for minutes in (1, 2, 4):
        standing = failed(5, at=at, standing=standing)
        assert standing.locked_until == at + timedelta(minutes=minutes)
        at = standing.locked_until


def test_tries_while_locked_do_not_lengthen_the_lock():
    locked = failed(5)
    again = failed(50, at=AT + timedelta(seconds=30), standing=locked)
    assert (again.locked_until, again.rounds) == (locked.locked_until, 1)


def test_a_quiet_day_forgets_everything():
    locked = failed(5)
    assert after_quiet(locked, AT + timedelta(hours=23)) == locked
    assert after_quiet(locked, locked.locked_until + timedelta(days=1)) == Standing()
    assert after_quiet(Standing(), AT) == Standing()


def test_success_takes_back_what_it_counted_everywhere():
    everywhere = Standing(7, 1, AT, None)
    assert after_success(everywhere, 3) == Standing(4, 1, AT, None)
    locked = failed(50, limit=50)
    assert after_success(locked, 1, locked_by_it=True) == Standing(0, 0, AT, None)
    assert after_success(locked, 1) == locked, "what others locked stays locked"


def test_sources():
    assert limit_of(EVERYWHERE, 5) == 50
    assert limit_of("192.0.2.1", 5) == 5
    assert source_of_address("2001:db8:1:2:3:4:5:6") == source_of_address("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert source_of_address("::ffff:192.0.2.1") == "192.0.2.1"
    assert source_of_address(None) == source_of_address("nonsense") == "unknown"


@pytest.mark.parametrize(
    ("address", "shown"), [("jane@example.com", "j***@example.com"), ("@x", "***@x"), ("nonsense", "***"), ("", "***")]
)
def test_addresses_of_nobody_are_masked(address, shown):
    assert masked(address) == shown


class Door:
    """`door.knock("wrong")`: whether somebody gets in, at this instant and from there."""

    def __init__(self, inside, scope):
        self.inside, self.scope, self.at = inside, scope, now()
        self.devices = ()

    def knock(self, password=PASSWORD, *, origin=HERE, email=EMAIL, devices=()):
        where = Origin(origin.ip, origin.user_agent, devices)
        with self.inside(self.scope):
            try:
                made = actions.sign_in(queries.find_tenant("acme"), where, email=email, password=password, at=self.at)
            except Invalid:
                return None
        return made

    def lock(self, **more):
        for _ in range(5):
            assert self.knock("wrong", **more) is None


@pytest.fixture
def door(inside, acme):
    return Door(inside, acme)


def test_locked_here_is_not_locked_elsewhere(door):
    door.lock()
    assert door.knock() is None, "the right password does not help"
    assert door.knock(origin=ELSEWHERE) is not None
    door.at += timedelta(minutes=1)
    assert door.knock() is not None


def test_success_resets_the_count(door):
    for _ in range(4):
        door.knock("wrong")
    assert door.knock() is not None
    for _ in range(4):
        door.knock("wrong")
    assert door.knock() is not None


def test_many_addresses_lock_all_but_known_devices(door, inside, acme):
    token = door.knock().device_token
    for number in range(50):
        door.knock("wrong", origin=Origin(f"203.0.113.{number}", None))
    assert door.knock(origin=ELSEWHERE) is None, "from an address that never failed"
    assert door.knock(origin=ELSEWHERE, devices=(token,)) is not None
    with inside(acme):
        user_id = queries.find_user_by_email(EMAIL).id
        lock = queries.lock_of(acme, user_id)
        assert lock.sources == (EVERYWHERE,)


def test_a_known_device_is_locked_by_its_own_failures(door):
    token = door.knock().device_token
    door.lock(devices=(token,))
    assert door.knock(devices=(token,)) is None
    assert door.knock() is not None, "its address without the cookie is another source"


def test_the_device_of_somebody_else_is_no_known_one(door):
    theirs = door.knock(email="owner@acme.example").device_token
    door.lock(devices=(theirs,))
    assert door.knock(devices=(theirs,)) is None
    assert door.knock() is None, "both count for the address"


def test_an_administrator_unlocks(door, inside, acme, admin):
    door.lock()
    with inside(acme):
        user_id = queries.find_user_by_email(EMAIL).id
        assert queries.lock_of(acme, user_id).until > acme.now
        actions.unlock(acme, user_id)
        actions.unlock(acme, user_id)
        assert queries.lock_of(acme, user_id) is None
    assert door.knock() is not None
    told = admin.execute("select actor_name, subject_id from events where type = 'sign_in.unlocked'").fetchall()
    assert told == [("Olivia Acme", user_id)]


def test_the_unlock_button(door, owner, agent, client, admin, inside, acme):
    door.lock()
    with inside(acme):
        user_id = queries.find_user_by_email(EMAIL).id
    assert agent.submit(f"/people/{user_id}/unlock").status_code == 403
    assert door.knock() is None
    assert owner.submit(f"/people/{user_id}/unlock").status_code == 303
    assert door.knock() is not None


def test_the_table_names_nobody(door, admin):
    door.knock("wrong")
    door.knock("wrong", email="nobody@else.example")
    rows = admin.execute("select account_key, source from sign_in_guards").fetchall()
    assert len(rows) == 4
    assert not [row for row in rows if "@" in str(row)]


def test_old_counts_are_purged(door, inside, acme, admin):
    door.knock("wrong")
    with inside(acme):
        assert actions.purge_guards(acme.tenant_id, door.at + timedelta(hours=30)) == 0
        assert actions.purge_guards(acme.tenant_id, door.at + timedelta(days=3)) == 2


def test_unlocking_on_the_command_line(door, app):
    door.lock()
    run = app.test_cli_runner().invoke
    assert "There is no organisation nope" in run(args=["unlock", "nope", EMAIL]).output
    assert "Nobody in Acme has the address x@y.z" in run(args=["unlock", "acme", "x@y.z"]).output
    assert run(args=["unlock", "acme", EMAIL]).output == f"{EMAIL} can sign in again.\n"
    assert door.knock() is not None
    assert "was not locked" in run(args=["unlock", "acme", EMAIL]).output
