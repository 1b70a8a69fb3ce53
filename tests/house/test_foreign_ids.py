"""Claim 1, from the URL map: whoever asks for another tenant's id gets what an id of nothing gets."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.routing import Rule

from app.accounts.rules import ROLES
from tests.support.battery import same
from tests.support.clients import PageClient, PageResponse
from tests.support.routes import ask, methods_of, rules_of, subject
from tests.support.world import World, unknown_id


def _with_ids(app: Flask) -> list[Rule]:
    return [rule for rule in rules_of(app) if any(name.endswith("id") for name in rule.arguments)]


def test_there_are_routes_with_ids(app: Flask) -> None:
    assert len(_with_ids(app)) >= 15


@pytest.mark.parametrize("fragment", [False, True], ids=["page", "fragment"])
@pytest.mark.parametrize("role", ROLES)
def test_foreign_and_unknown_look_alike(
    app: Flask, as_role: Callable[..., PageClient], world: World, role: str, fragment: bool
) -> None:
    client = as_role(role, "globex")
    client.get("/leads/")
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "div#dialog"} if fragment else {}
    for rule in _with_ids(app):
        theirs = subject(rule, world)
        nothing = {name: unknown_id() if name.endswith("id") else value for name, value in theirs.items()}
        before = world.all_events()
        for method in methods_of(rule):
            foreign: PageResponse = ask(client, rule, method, theirs, headers=headers)
            unknown = ask(client, rule, method, nothing, headers=headers)
            where = f"{method} {rule.rule} as {role}"
            expected = {404} if role == "owner" else {403, 404}
            assert foreign.status_code in expected, (
                f"{where}: {foreign.status_code}; get the row by queries.get_… first"
            )
            assert foreign.status_code == unknown.status_code, where
            assert same(foreign) == same(unknown), f"{where}: the body tells foreign from unknown"
        assert world.all_events() == before, f"{rule.rule}: a stranger's request left an event"


def test_the_own_ones_are_there(app: Flask, owner: PageClient, world: World) -> None:
    """The subjects are real: their own owner reaches every one of them."""
    owner.get("/leads/")
    for rule in _with_ids(app):
        for method in methods_of(rule):
            status = ask(owner, rule, method, subject(rule, world)).status_code
            needs_more = rule.endpoint.endswith("download_refused")
            refused = {403, 405} if needs_more else {403, 404, 405}
            assert status not in refused, f"{method} {rule.rule}: {status}"
            assert status < 500, f"{method} {rule.rule}: {status}"
