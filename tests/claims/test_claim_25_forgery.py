"""Claim 25: a write comes from our own pages, and a GET writes nothing. Both over every route there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask

from tests.support.clients import PageClient
from tests.support.routes import ask, asks_by_secret, is_api, methods_of, rules_of, subject
from tests.support.world import World

# What a GET may leave behind, and why.
ALLOWED = {
    "/audit/export.csv": "the event log says who took the audit log out of the house",
    "/sign-in/sso/<uuid:provider_id>/start": "remembers what the provider was asked, for ten minutes",
    "/privacy/requests/<uuid:request_id>/data.zip": "the event log says who took a person's data out of the house",
    "/leads/export.csv": "the event log says who took which rows out of the house",
    "/tickets/export.csv": "the event log says who took which rows out of the house",
}
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "div#dialog"}


def state_of(admin: Any) -> dict[str, Any]:
    """A mark of every row of every table; a session's or token's last use may change by itself."""
    tables = admin.execute(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1"
    ).fetchall()
    kept = "to_jsonb(t) - 'last_seen_at' - 'last_used_at'"
    return {
        name: admin.execute(
            f"select md5(string_agg(({kept})::text, '|' order by ({kept})::text)) from {name} t"
        ).fetchone()
        for (name,) in tables
    }


def test_claim_25_no_get_changes_anything(app: Flask, owner: PageClient, world: World, admin: Any) -> None:
    asked = 0
    assert owner.program
    owner.program()
    for rule in rules_of(app):
        if "GET" not in methods_of(rule) or rule.rule in ALLOWED:
            continue
        values = subject(rule, world)
        before = state_of(admin)
        for method, headers in (("GET", {}), ("GET", HTMX), ("HEAD", {})):
            ask(owner, rule, method, values, headers=headers, check=False)
            assert state_of(admin) == before, f"{method} {rule.rule} wrote"
        asked += 1
    assert asked > 15


def test_claim_25_the_token_of_another_session_is_refused_everywhere(
    app: Flask, as_role: Callable[..., PageClient], world: World, admin: Any
) -> None:
    owner, foreign = as_role("owner"), as_role("owner").csrf()
    for rule in rules_of(app):
        if "POST" not in methods_of(rule) or is_api(rule) or asks_by_secret(rule):
            continue
        values = subject(rule, world)
        before = state_of(admin)
        for headers in ({}, HTMX):
            answer = ask(owner, rule, "POST", values, data={"csrf_token": foreign}, headers=headers)
            assert answer.status_code == 400, f"{rule.rule}: {answer.status_code}"
            answer = ask(
                owner, rule, "POST", values, data={"csrf_token": ""}, headers={**headers, "X-CSRFToken": foreign}
            )
            assert answer.status_code == 400, f"{rule.rule} by header: {answer.status_code}"
        assert state_of(admin) == before, rule.rule


def test_claim_25_methods_are_not_overridden(owner: PageClient, world: World) -> None:
    lead = world.add()
    for how in ({"headers": {"X-HTTP-Method-Override": "POST"}}, {"query_string": {"_method": "POST"}}):
        assert owner.get(f"/leads/{lead}/delete", **how).status_code == 200
    assert len(world.rows()) == 1
