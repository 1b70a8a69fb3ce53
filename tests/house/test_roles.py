"""Every route × every role: what the table of permissions says, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from flask import Flask

from app.accounts.rules import ROLES, permissions_of, rights_of_custom
from app.core.access import ACTIONS
from tests.support.clients import PageClient
from tests.support.people import Crowd
from tests.support.routes import ask, is_api, is_open, methods_of, need_of, rules_of, subject
from tests.support.world import World

# Beyond its permission, a person needs this one to touch what somebody else made.
OTHERS = {f"{kind}s.delete_{what}": f"{kind}:share" for kind in ("lead", "ticket") for what in ("note", "view")}
OTHERS["canned.delete"] = "desk:manage"


@pytest.mark.parametrize("role", ROLES)
def test_what_the_table_says(app: Flask, as_role: Callable[..., PageClient], world: World, role: str) -> None:
    client, held = as_role(role), permissions_of(role)
    client.get("/leads/")
    asked = 0
    for rule in rules_of(app):
        need = need_of(app, rule)
        if is_open(need) or rule.endpoint == "static":
            continue
        may = need in held and OTHERS.get(rule.endpoint, need) in held
        for method in methods_of(rule):
            status = ask(client, rule, method, subject(rule, world)).status_code
            where = f"{method} {rule.rule} ({need}) as {role}: {status}"
            assert (status == 403) is not may, f"{where}; say @requires({need!r}) or change accounts.rules"
            assert status < 500, where
            asked += 1
    assert asked > 30


CUSTOM = {
    # permissions, reach, teams
    "own only": ({f"lead:{one}" for one in ACTIONS if one != "share"}, {"lead": ("own", "own")}, []),
    "team sees, own changes": (
        {"lead:read", "lead:create", "lead:update", "lead:export"},
        {"lead": ("team", "own")},
        ["North"],
    ),
    "audit only": ({"audit:read"}, {}, []),
    "reads all": ({"lead:read"}, {"lead": ("all", "none")}, []),
    "permissions without sight": ({f"lead:{one}" for one in ACTIONS} | {"audit:read"}, {"lead": ("none", "none")}, []),
}


@pytest.mark.parametrize("name", CUSTOM)
def test_what_a_role_of_the_tenants_own_says(
    app: Flask, as_custom_role: Callable[..., PageClient], world: World, crowd: Crowd, name: str
) -> None:
    """By permission as for the built-in ones, with what is the person's own and with what is somebody else's."""
    permissions, reach, teams = CUSTOM[name]
    client = as_custom_role(permissions, reach, teams=teams)
    stored = {kind: {"sees": sees, "changes": changes} for kind, (sees, changes) in reach.items()}
    held = rights_of_custom(permissions, stored).permissions
    assert client.user_id is not None
    own = World(crowd.scope_of(client.user_id), crowd.inside, world.kind)
    asked = 0
    for rule in rules_of(app):
        need = need_of(app, rule)
        if is_open(need) or rule.endpoint == "static":
            continue
        may = need in held
        for method in methods_of(rule):
            status = ask(client, rule, method, subject(rule, own if may else world)).status_code
            where = f"{method} {rule.rule} ({need}) as {name}: {status}"
            assert (status == 403) is not may, f"{where}; say @requires({need!r})"
            assert status < 500, where
            if may and rule.arguments and reach:
                theirs = ask(client, rule, method, subject(rule, world)).status_code
                also = {403} if rule.endpoint in OTHERS else set()
                assert theirs in {404, status} | also, f"{where}, but of somebody else's: {theirs}"
            asked += 1
    assert asked > 30


def test_nobody_signed_in_gets_nowhere(app: Flask, client: PageClient, world: World) -> None:
    for rule in rules_of(app):
        if need_of(app, rule) == "public":
            continue
        for method in methods_of(rule):
            answer = ask(client, rule, method, subject(rule, world))
            if is_api(rule):
                assert answer.status_code == 401, f"{method} {rule.rule}: {answer.status_code}"
                assert answer.headers["WWW-Authenticate"].startswith("Bearer"), f"{method} {rule.rule}"
                continue
            assert answer.status_code == 303, f"{method} {rule.rule}: {answer.status_code}"
            assert "/sign-in" in answer.headers["Location"], f"{method} {rule.rule}"


def test_higher_roles_may_all_that_lower_ones_may() -> None:
    for higher, lower in pairwise(ROLES):
        assert permissions_of(higher) >= permissions_of(lower)
    assert permissions_of("nobody") == frozenset()
