"""The page of the log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.core import chain
from app.core.clock import now
from app.core.scope import Scope
from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.world import World


class TestLog(Battery):
    path = "/audit/"
    target = "audit_list"
    role = "admin"
    wrong_method = "PUT"


def _texts(client: PageClient, query: str = "") -> list[str]:
    return [" ".join(text.split()) for text in client.get(f"/audit/{query}").texts(".audit-log li > p:first-child")]


def test_each_entry_is_a_sentence_with_what_it_changed(
    owner: PageClient, world: World, acme: Scope, inside: Any
) -> None:
    lead = world.add(last_name="Doe", email="doe@example.com")
    world.change(lead, company="Initech")
    page = owner.get("/audit/")
    assert f"{acme.user_name} changed Doe" in " ".join(page.text_of(".audit-log").split())
    assert page.soup.select_one(f"a[href='/t/acme/leads/{lead}']")
    assert "Initech" in page.text_of(".audit-log details ins")
    assert "not sealed yet" in page.text_of(".audit-meta")
    with inside(acme):
        chain.extend(acme.tenant_id)
    assert "not sealed yet" not in owner.get("/audit/").text_of(".audit-log")


def test_filters(owner: PageClient, world: World, acme: Scope) -> None:
    lead, other = world.add(last_name="Doe"), world.add(last_name="Roe")
    world.move(lead, "contacted")
    assert len(_texts(owner, "?kind=lead")) == 3
    assert len(_texts(owner, f"?record={lead}")) == 2
    assert len(_texts(owner, f"?record=https://acme.example/leads/{other}/")) == 1
    assert len(_texts(owner, "?type=lead.moved")) == 1
    assert len(_texts(owner, f"?person={acme.user_id}&kind=lead")) == 3
    assert _texts(owner, f"?person={UUID(int=5)}") == []
    assert "signed in" in " ".join(_texts(owner, "?type=sign_in.started"))


def test_days_are_the_readers(owner: PageClient, world: World, admin: Any) -> None:
    """acme is in New York: its day begins at five in the morning, UTC."""
    world.add()
    today = now().astimezone(world.scope.zone_info).date()
    assert len(_texts(owner, f"?kind=lead&from={today}&to={today}")) == 1
    assert _texts(owner, f"?kind=lead&from={today + timedelta(days=1)}") == []
    assert _texts(owner, f"?kind=lead&to={today - timedelta(days=1)}") == []


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("?record=nonsense", "The record is named by its id"),
        ("?from=yesterday", "From: write the day as"),
        ("?to=0001-01-01", "To: write the day as"),
    ],
)
def test_what_makes_no_sense_is_told_and_kept(owner: PageClient, query: str, sentence: str) -> None:
    page = owner.get(f"/audit/{query}")
    assert page.status_code == 200
    assert sentence in page.text_of("#audit_list")
    assert _texts(owner, query)


def test_pages_lead_on_and_back(owner: PageClient, world: World) -> None:
    world.add_many([{"last_name": f"Doe {number}"} for number in range(60)])
    first = owner.get("/audit/?kind=lead")
    assert len(first.soup.select(".audit-log li[id]")) == 50
    older = first.soup.select_one("a[rel=next]")["href"]
    second = owner.get(older.removeprefix("/t/acme"))
    assert len(second.soup.select(".audit-log li[id]")) == 10
    assert second.soup.select_one("a[rel=next]") is None
    back = owner.get(second.soup.select_one("a[rel=prev]")["href"].removeprefix("/t/acme"))
    ids = [item["id"] for item in first.soup.select(".audit-log li[id]")]
    assert [item["id"] for item in back.soup.select(".audit-log li[id]")] == ids


def test_nobody_elses_log(owner: PageClient, stranger: PageClient, world: World) -> None:
    world.add()
    assert "lead.created" in owner.get("/audit/").text_of(".audit-log")
    assert "lead.created" not in stranger.get("/audit/").text_of(".audit-log")


def test_alerts_stand_on_top_until_somebody_has_seen_them(owner: PageClient, world: World, admin: Any) -> None:
    alert = world.alert()
    assert "Sign-in locked" in owner.get("/audit/").text_of("#alerts")
    assert len(_texts(owner, "?alerts=1")) == 1
    for _ in range(2):
        assert owner.submit(f"/audit/alerts/{alert}/confirm").status_code == 303
    assert owner.get("/audit/").soup.select_one("#alerts") is None
    assert admin.execute("select count(*) from events where type = 'alert.seen'").fetchone() == (1,)
    assert admin.execute("select seen_by is not null from alerts").fetchone() == (True,)


class TestSeen(Battery):
    path = "/audit/alerts/{id}/confirm"
    method = "POST"
    as_page = 303
    role = "admin"

    def ids(self, world: World) -> dict[str, Any]:
        return {"id": world.alert()}


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", "pk_events"),
        ("actor_id = gen_random_uuid() and", "ix_events_actor"),
        ("type = 'role.deleted' and", "ix_events_type"),
        ("subject_kind = 'team' and", "ix_events_kind"),
        ("subject_id = gen_random_uuid() and", "ix_events_subject"),
    ],
)
def test_every_filter_has_its_index(app: Any, settings: Any, acme: Scope, admin: Any, query: str, index: str) -> None:
    """Under the policy, as the application: also where the log is long."""
    import psycopg

    from app.core.db import libpq_url

    admin.execute(
        "insert into events (tenant_id, id, type, subject_kind, subject_id, actor_id, actor_name, data, at, digest, "
        "seal, seal_key) select %s, gen_random_uuid(), 'lead.created', 'lead', gen_random_uuid(), gen_random_uuid(), "
        "'', '{}', now(), '', '', '' from generate_series(1, 20000)",
        (acme.tenant_id,),
    )
    admin.execute("analyze events")
    with psycopg.connect(libpq_url(settings.database_url)) as connection:
        connection.execute("select set_config('app.tenant_id', %s, true)", (str(acme.tenant_id),))
        where = query.replace("gen_random_uuid()", f"'{UUID(int=7)}'")
        page = f"select * from events where {where} tenant_id = '{acme.tenant_id}' order by id desc limit 51"
        rows = connection.execute(f"explain {page}".encode()).fetchall()
    plan = "\n".join(row[0] for row in rows)
    assert index in plan, plan
    assert "Seq Scan" not in plan
