"""Claim 35: whatever is done to the log below the application, `flask audit verify` names it (Done when 5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.core import chain, chain_check, secrets
from app.core.clock import now
from app.core.events import EventRow, event_columns
from app.core.records.events import RecordDeleted
from app.core.scope import Scope
from app.core.seals import seal_columns
from app.extensions import db
from app.leads.definition import LEADS
from tests.support.servers import KEYS
from tests.support.world import World

Log = list[UUID]


@pytest.fixture
def log(world: World, inside: Callable[..., Any], acme: Scope) -> Log:
    """Nine events in acme's log, all of them in the chain; their ids in its order."""
    world.add_many([{"last_name": f"Doe {number}", "email": f"doe{number}@example.com"} for number in range(9)])
    return _chained(inside, acme)


@pytest.fixture
def check(inside: Callable[..., Any], acme: Scope) -> Callable[..., chain_check.Report]:
    def run(*, later: timedelta = timedelta(0), expect: chain.Head | None = None) -> chain_check.Report:
        with inside(acme):
            return chain_check.verify(acme.tenant_id, now() + later, expect=expect)

    return run


@pytest.fixture
def superuser(admin: Any) -> Callable[..., None]:
    """Someone who has the database, with every right in it."""

    def do(statement: str, *values: Any) -> None:
        assert admin.execute(statement, values).rowcount, "the attack touched nothing"

    return do


def _chained(inside: Callable[..., Any], scope: Scope) -> Log:
    with inside(scope):
        chain.extend(scope.tenant_id)
        return list(db.session.scalars(select(chain.ChainLink.event_id).order_by(chain.ChainLink.position)))


def _told(report: chain_check.Report) -> list[tuple[str, UUID | None, int | None]]:
    return [(item.what, item.event_id, item.position) for item in report.findings]


def test_claim_35_an_untouched_log_is_sound(log: Log, check: Callable[..., chain_check.Report]) -> None:
    report = check()
    assert (report.sound, report.events, report.links, report.waiting) == (True, 9, 9, 0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("data = jsonb_set(data, '{title}', '\"Dof 4\"')", "its data"),
        ("data = data || '{\"more\": 1}'", "its data"),
        ("data = '{\"erased\": true}'", "its data was blanked, and no erasure names it"),
        ("actor_name = 'Somebody else'", "the name of who did it"),
        ("actor_name = 'Erased person'", "the name of who did it was blanked"),
        ("actor_id = gen_random_uuid()", "who did it"),
        ("actor_id = null", "who did it"),
        ("at = at + interval '1 microsecond'", "its time"),
        ("type = 'lead.deleted'", "its type or its record"),
        ("subject_kind = 'gadget'", "its type or its record"),
        ("subject_id = gen_random_uuid()", "its type or its record"),
    ],
)
def test_claim_35_a_changed_row_is_named(
    log: Log, check: Callable[..., chain_check.Report], superuser: Callable[..., None], change: str, said: str
) -> None:
    superuser(f"update events set {change} where id = %s", log[3])
    report = check()
    assert _told(report) == [("changed", log[3], 4)]
    assert said in report.findings[0].sentence
    assert str(log[3]) in report.findings[0].sentence


def test_claim_35_before_the_chain_a_changed_row_is_named_as_well(
    world: World, check: Callable[..., chain_check.Report], superuser: Callable[..., None]
) -> None:
    world.add()
    superuser('update events set data = data || \'{"title": "Roe"}\'')
    report = check()
    assert [item.what for item in report.findings] == ["changed"]
    assert (report.links, report.waiting) == (0, 1)


@pytest.mark.parametrize("column", ["seal", "digest"])
def test_claim_35_a_changed_seal_is_found(
    log: Log, check: Callable[..., chain_check.Report], superuser: Callable[..., None], column: str
) -> None:
    superuser(f"update events set {column} = set_byte({column}, 5, get_byte({column}, 5) # 1) where id = %s", log[3])
    assert log[3] in {item.event_id for item in check().findings}


def test_claim_35_a_removed_row_is_named(
    log: Log, check: Callable[..., chain_check.Report], superuser: Callable[..., None]
) -> None:
    superuser("delete from outbox where id = %s", log[3])
    superuser("delete from events where id = %s", log[3])
    assert _told(check()) == [("removed", log[3], 4)]


def test_claim_35_a_row_removed_with_its_link_leaves_a_gap(
    log: Log, check: Callable[..., chain_check.Report], superuser: Callable[..., None]
) -> None:
    superuser("delete from outbox where id = %s", log[3])
    superuser("delete from events where id = %s", log[3])
    superuser("delete from event_chain where event_id = %s", log[3])
    assert _told(check()) == [("removed", None, 4)]


def test_claim_35_an_inserted_row_is_named(
    log: Log, check: Callable[..., chain_check.Report], superuser: Callable[..., None]
) -> None:
    columns = "tenant_id, type, subject_kind, subject_id, actor_id, actor_name, data, at"
    copied = f"insert into events (id, {columns}, digest, seal, seal_key) select %s, {columns}"
    bare, forged = chain.id_floor(now()), UUID(int=chain.id_floor(now()).int + 1)
    superuser(f"{copied}, '', '', '' from events where id = %s", bare, log[3])
    superuser(f"{copied}, digest, seal, seal_key from events where id = %s", forged, log[3])
    assert _told(check()) == [("inserted", bare, None), ("inserted", forged, None)]


def test_claim_35_rows_that_changed_places_are_named(
    log: Log, check: Callable[..., chain_check.Report], superuser: Callable[..., None]
) -> None:
    superuser("update event_chain set position = -1 where position = 4")
    superuser("update event_chain set position = 4 where position = 6")
    superuser("update event_chain set position = 6 where position = -1")
    report = check()
    assert {("reordered", log[3], 6), ("reordered", log[5], 4)} <= set(_told(report))
    assert "changed places with 6" in report.findings[0].sentence


def test_claim_35_links_cannot_be_written_anew_without_the_key(
    log: Log, check: Callable[..., chain_check.Report], superuser: Callable[..., None]
) -> None:
    superuser("update event_chain set hash = sha256(previous || 'guess') where position = 5")
    assert ("altered", log[4], 5) in _told(check())


def test_claim_35_a_cut_end_is_missed(
    log: Log, check: Callable[..., chain_check.Report], superuser: Callable[..., None], inside: Any, acme: Scope
) -> None:
    with inside(acme):
        kept = chain.find_head(acme.tenant_id)
    assert check(expect=kept).sound
    for table, column in (("outbox", "id"), ("events", "id"), ("event_chain", "event_id")):
        superuser(f"delete from {table} where {column} = any(%s)", log[7:])
    assert _told(check()) == [("cut", None, 8)], "the sealed head is further"
    superuser("delete from event_chain_heads")
    assert [item.what for item in check().findings] == ["cut"]
    report = check(expect=kept)
    assert ("cut", None, 8) in _told(report)
    assert "positions 8 to 9" in report.findings[0].sentence


def test_claim_35_a_chain_that_was_made_anew_is_not_the_one_that_was_kept(
    log: Log, check: Callable[..., chain_check.Report], superuser: Callable[..., None], inside: Any, acme: Scope
) -> None:
    """Whoever can run our code but has to live with a head on paper: the end is gone, and the log went on."""
    with inside(acme):
        kept = chain.find_head(acme.tenant_id)
    superuser("delete from outbox")
    superuser("delete from events where id = %s", log[8])
    superuser("delete from event_chain")
    superuser("delete from event_chain_heads")
    World(acme, inside, LEADS).add()
    _chained(inside, acme)
    assert check().sound
    assert _told(check(expect=kept)) == [("expected", None, 9)]


def test_claim_35_an_event_that_never_got_its_place_is_told_when_it_is_old(
    world: World, check: Callable[..., chain_check.Report]
) -> None:
    world.add()
    assert (check().sound, check().waiting) == (True, 1)
    assert [item.what for item in check(later=timedelta(minutes=11)).findings] == ["unchained"]


def test_claim_35_what_was_written_with_an_older_key_stays_provable(
    app: Any, world: World, inside: Any, acme: Scope, check: Callable[..., chain_check.Report]
) -> None:
    with app.app_context():
        old, new = secrets.key_ids()[1], secrets.key_ids()[0]
    settings = app.extensions["fairlead.settings"]
    ring_before = (KEYS[1],)
    app.extensions["fairlead.settings"] = replace(settings, encryption_keys=ring_before)
    try:
        world.add()
        _chained(inside, acme)
    finally:
        app.extensions["fairlead.settings"] = settings
    world.add()
    _chained(inside, acme)
    with inside(acme):
        assert list(db.session.scalars(select(EventRow.seal_key).order_by(EventRow.id))) == [old, new]
    assert check().sound
    app.extensions["fairlead.settings"] = replace(settings, encryption_keys=(KEYS[0],))
    try:
        assert {item.what for item in check().findings} == {"unknown-key"}
    finally:
        app.extensions["fairlead.settings"] = settings


def test_claim_35_the_application_can_add_links_and_nothing_else(admin: Any) -> None:
    for table, expected in (
        ("event_chain", {"select": True, "insert": True, "update": False, "delete": False}),
        ("event_chain_heads", {"select": True, "insert": True, "update": True, "delete": False}),
    ):
        for right, may in expected.items():
            has = admin.execute("select has_table_privilege('fairlead_app', %s, %s)", (table, right)).fetchone()
            assert has == (may,), f"{right} on {table}"


def test_claim_35_the_commands_print_and_fail(app: Any, log: Log, superuser: Callable[..., None]) -> None:
    flask = app.test_cli_runner()
    printed = flask.invoke(args=["audit", "head", "acme"]).output.strip()
    assert printed.startswith("acme 9:")
    sound = flask.invoke(args=["audit", "verify", "acme", "--expect", printed])
    assert (sound.exit_code, "acme: sound; 9 events" in sound.output) == (0, True), sound.output
    assert flask.invoke(args=["audit", "verify"]).exit_code == 0
    superuser('update events set data = data || \'{"title": "Roe"}\' where id = %s', log[3])
    broken = flask.invoke(args=["audit", "verify"])
    assert broken.exit_code == 1
    assert f"changed: Event {log[3]} (lead.created) was changed: its data is not what was written." in broken.output
    assert flask.invoke(args=["audit", "verify", "nobody"]).exit_code == 1
    assert flask.invoke(args=["audit", "verify", "acme", "--expect", "9:nonsense"]).exit_code == 2


def test_claim_35_an_event_that_came_very_late_gets_its_place_at_night(
    log: Log, inside: Callable[..., Any], acme: Scope, check: Callable[..., chain_check.Report]
) -> None:
    with inside(acme):
        chain.extend(acme.tenant_id, at=now() + timedelta(minutes=20))
        late = event_columns(acme, RecordDeleted("lead", log[0], title="", deletion_id=log[0]))
        late["id"] = chain.id_floor(now() - timedelta(hours=1))
        sealed = {name: value for name, value in late.items() if name not in ("digest", "seal", "seal_key")}
        db.session.add(EventRow(**sealed, **seal_columns(sealed)))
    with inside(acme):
        assert chain.extend(acme.tenant_id) == 0
    assert [item.what for item in check().findings] == ["unchained"]
    with inside(acme):
        assert chain.extend(acme.tenant_id, everything=True) == 1
    assert check().sound
