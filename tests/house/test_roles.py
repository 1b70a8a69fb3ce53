"""Every route × every role: what the table of permissions says, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from flask import Flask

from app.accounts.rules import ROLES, permissions_of
from tests.support.clients import PageClient
from tests.support.routes import ask, is_api, is_open, methods_of, need_of, rules_of, subject
from tests.support.world import World

# Beyond its permission, a person needs this one to touch what somebody else made.
OTHERS = {"leads.delete_note": "lead:share", "leads.delete_view": "lead:share"}


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
