"""After an erasure the person is nowhere, what is not theirs is untouched, and the log still proves itself."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from app.core import chain, chain_check
from app.core.clock import now
from app.core.db import libpq_url
from app.core.scope import Scope
from app.privacy import erasing, running
from app.privacy.actions import ask_erasure
from tests.support.clients import PageClient
from tests.support.servers import PASSWORD
from tests.support.world import World

ADDRESS = "agent@acme.example"
NAME = "Gloria Gone"


@pytest.fixture
def life(world: World, as_role: Any, admin: Any, acme: Scope, inside: Any) -> dict[str, UUID]:
    """Everything a person leaves behind: an account that worked, a lead about them, and mentions."""
    admin.execute("update users set name = %s where email_key = %s", (NAME, ADDRESS))
    client = as_role("agent")
    made = client.submit("/leads/", {"last_name": "Client", "email": "client@example.com"})
    theirs = UUID(made.headers["Location"].rpartition("/")[2])
    about = world.add(last_name="Gone", email="Agent@ACME.example")
    moved = world.add(last_name="Moved", email=ADDRESS)
    world.change(moved, email="new@example.com")
    world.note(theirs, "Asked Agent@acme.example about it.")
    world.note(about, "A note about them.")
    world.view("Theirs", q=[ADDRESS])
    upload(world, inside, f"last name,email\nGone,{ADDRESS}\n".encode())
    with inside(acme):
        chain.extend(acme.tenant_id)
    return {"theirs": theirs, "about": about, "moved": moved}


def upload(world: World, inside: Any, content: bytes) -> None:
    from app.core.transfer import actions

    with inside(world.scope):
        actions.upload(world.scope, world.kind, BytesIO(content), "some.csv", uuid4(), 1_000_000)


def _asked(inside: Any, acme: Scope, address: str = ADDRESS) -> UUID:
    with inside(acme):
        return ask_erasure(acme, address, address)


def _run(inside: Any, acme: Scope, request: UUID) -> None:
    with inside(acme):
        running.run_request(acme, request)


def _places(admin: Any, needle: str) -> set[str]:
    """The tables in which the text stands anywhere, however it is written."""
    tables = admin.execute("select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'")
    return {
        name
        for (name,) in tables.fetchall()
        if admin.execute(
            f"select 1 from public.{name} as t where t::text ilike %s limit 1".encode(), (f"%{needle}%",)
        ).fetchone()
    }


def _check(inside: Any, acme: Scope) -> chain_check.Report:
    with inside(acme):
        chain.extend(acme.tenant_id)
        return chain_check.verify(acme.tenant_id, now())


def test_the_person_is_nowhere(life: dict[str, UUID], inside: Any, acme: Scope, admin: Any, world: World) -> None:
    assert {"users", "leads", "events", "notes", "imports", "saved_views"} <= _places(admin, ADDRESS)
    _run(inside, acme, _asked(inside, acme))
    assert _places(admin, ADDRESS) == set()
    assert _places(admin, NAME) == set()
    assert {row["id"] for row in world.rows()} == {life["theirs"], life["moved"]}
    assert world.notes() == ["Asked [erased] about it."]


def test_the_account_is_a_stone(
    life: dict[str, UUID], inside: Any, acme: Scope, admin: Any, client: PageClient, as_role: Any
) -> None:
    theirs = as_role("agent")
    _run(inside, acme, _asked(inside, acme))
    assert theirs.get("/leads/").status_code == 303
    assert client.sign_in(ADDRESS, PASSWORD).status_code != 303
    user = admin.execute("select name, password_hash, disabled_at is not null from users where name = 'Erased person'")
    assert user.fetchone() == ("Erased person", None, True)
    assert admin.execute("select count(*) from users where email_key = %s", (ADDRESS,)).fetchone() == (0,)


def test_the_log_still_proves_itself(life: dict[str, UUID], inside: Any, acme: Scope, admin: Any) -> None:
    before = _check(inside, acme)
    assert before.sound
    _run(inside, acme, _asked(inside, acme))
    report = _check(inside, acme)
    assert report.sound, report.findings
    assert report.erased > 3
    assert report.events > before.events
    (data,) = admin.execute("select data from events where type = 'person.erased'").fetchone()
    assert data["counts"]["leads"] == 1
    assert data["counts"]["accounts"] == 1


def test_what_no_erasure_names_is_found(life: dict[str, UUID], inside: Any, acme: Scope, admin: Any) -> None:
    _run(inside, acme, _asked(inside, acme))
    victim = admin.execute(
        "select id from events where type = 'lead.created' and data <> '{\"erased\": true}'"
    ).fetchone()
    admin.execute("update events set data = '{\"erased\": true}' where id = %s", victim)
    report = _check(inside, acme)
    assert [(item.what, item.event_id) for item in report.findings] == [("changed", victim[0])]


def test_killed_in_the_middle_it_is_finished_later(
    life: dict[str, UUID], inside: Any, acme: Scope, admin: Any, monkeypatch: Any
) -> None:
    request = _asked(inside, acme)
    places = dict(erasing.PLACES)

    def die(task: Any) -> Any:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(erasing, "PLACES", tuple({**places, "account": die}.items()))
    with pytest.raises(KeyboardInterrupt):
        _run(inside, acme, request)
    monkeypatch.setattr(erasing, "PLACES", tuple(places.items()))
    assert "leads" not in _places(admin, ADDRESS)
    _run(inside, acme, request)
    assert "users" in _places(admin, ADDRESS), "its worker may still be alive"
    admin.execute("update privacy_requests set lease_until = now() - interval '1 hour'")
    _run(inside, acme, request)
    assert _places(admin, ADDRESS) == set()
    counts = admin.execute("select counts, state from privacy_requests").fetchone()
    assert (counts[0]["leads"], counts[1]) == (1, "done")
    _run(inside, acme, request)
    assert admin.execute("select count(*) from events where type = 'person.erased'").fetchone() == (1,)


def test_the_report_tells_numbers_and_what_stays(
    owner: PageClient, life: dict[str, UUID], inside: Any, acme: Scope
) -> None:
    request = _asked(inside, acme)
    _run(inside, acme, request)
    page = owner.get(f"/privacy/requests/{request}")
    assert "Backups" in page.text_of("main")
    report = owner.get(f"/privacy/requests/{request}/report.json").get_data(as_text=True)
    assert ADDRESS not in report
    assert '"leads":1' in report.replace(" ", "")


def test_without_an_erasure_the_application_cannot_blank_an_event(
    app: Any, settings: Any, acme: Scope, world: World
) -> None:
    world.add()
    (event,) = world.events(world.rows()[0]["id"])
    with psycopg.connect(libpq_url(settings.database_url)) as connection:
        connection.execute("select set_config('app.tenant_id', %s, true)", (str(acme.tenant_id),))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select erase_events(%s, %s, %s)", (uuid4(), [event.id], []))


def test_an_erasure_blanks_nothing_of_another_tenant(
    app: Any, settings: Any, acme: Scope, globex: Scope, world: World, inside: Any, admin: Any
) -> None:
    world.add()
    (event,) = world.events(world.rows()[0]["id"])
    with inside(globex):
        request = ask_erasure(globex, "x@example.com", "x@example.com")
    admin.execute("update privacy_requests set state = 'running'")
    admin.execute("insert into erasures select tenant_id, id, null, now() from privacy_requests")
    with psycopg.connect(libpq_url(settings.database_url)) as connection:
        connection.execute("select set_config('app.tenant_id', %s, true)", (str(globex.tenant_id),))
        assert connection.execute("select erase_events(%s, %s, %s)", (request, [event.id], [event.id])).fetchone() == (
            0,
        )
