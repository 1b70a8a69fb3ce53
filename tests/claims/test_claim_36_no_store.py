"""Claim 36: signed-in answers are kept by nobody, and say what they depend on; cached pages stay in their tenant."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from tests.support.clients import PageClient
from tests.support.routes import ask, is_open, methods_of, need_of, rules_of, subject
from tests.support.world import World


def test_claim_36_every_answer_is_no_store_and_varies(app: Flask, owner: PageClient, world: World) -> None:
    owner.get("/leads/")
    for rule in rules_of(app):
        if is_open(need_of(app, rule)):
            continue
        for method in methods_of(rule):
            answer = ask(owner, rule, method, subject(rule, world))
            where = f"{method} {rule.rule}: {answer.status_code}"
            assert answer.headers["Cache-Control"] == "no-store", where
            assert {"HX-Request", "HX-Target"} <= {part.strip() for part in answer.headers["Vary"].split(",")}, where


def test_claim_36_refusals_are_no_store_too(client: PageClient, viewer: PageClient, world: World) -> None:
    lead = world.add()
    answers = [client.get("/leads/"), viewer.get(f"/leads/{lead}/edit"), viewer.get("/leads/nothing")]
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert "HX-Request" in answer.headers["Vary"]


def test_claim_36_the_cache_never_crosses_tenants_roles_or_people(
    as_role: Callable[..., PageClient], world: World, globex_world: World
) -> None:
    world.add(last_name="Acme's")
    globex_world.add(last_name="Globex's")
    first = as_role("owner").get("/leads/")
    assert first.texts(".cell-title") == ["Acme's"]
    assert as_role("owner", "globex").get("/leads/").texts(".cell-title") == ["Globex's"]
    assert as_role("viewer").get("/leads/").soup.select("form.bulk") == []
    assert as_role("owner").get("/leads/").soup.select("form.bulk")


def test_claim_36_after_sign_out_nothing_is_shown(owner: PageClient, world: World) -> None:
    lead = world.add(last_name="Secret")
    assert owner.get(f"/leads/{lead}").status_code == 200
    out = owner.submit("/sign-out")
    assert '"cache"' in out.headers["Clear-Site-Data"]
    for path in (f"/leads/{lead}", "/leads/", "/leads/count"):
        answer = owner.get(path)
        assert answer.status_code == 303
        assert "Secret" not in answer.get_data(as_text=True)
