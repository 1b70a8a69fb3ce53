"""Tickets for programs: the shared resource (tests/leads/test_api.py asks all of it), and what tickets add."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.core.scope import Scope
from tests.support.programs import Program, personal_token, program_of
from tests.support.world import World

FULL = {
    "subject": "Cannot sign in",
    "description": "It says **wrong password**.",
    "requester_name": "Ida Jöns",
    "requester_email": "ida@example.com",
    "customer": "Café",
    "priority": "high",
    "channel": "api",
    "tags": ["login"],
}


@pytest.fixture
def program(app: Flask, inside: Any, acme: Scope) -> Program:
    """acme's owner's."""
    return program_of(app, "acme", personal_token(inside, acme))


def test_make_read_change_delete(program: Program, world: World) -> None:
    made = program.post("/api/tickets", json=FULL)
    assert made.status_code == 201, made.get_data(as_text=True)
    body = made.get_json()
    assert {name: body[name] for name in FULL} == FULL
    assert (body["status"], body["owner_id"], body["version"]) == ("new", None, 1)
    assert body["number"] == world.row(body["id"])["number"]
    address = made.headers["Location"]
    moved = program.patch(address, json={"status": "resolved", "version": 1})
    assert (moved.status_code, moved.get_json()["status"]) == (200, "resolved")
    assert moved.get_json()["resolved_at"].endswith("Z")
    assert program.delete(address).status_code == 204


def test_what_is_left_out_has_its_default(program: Program) -> None:
    body = program.post("/api/tickets", json={"subject": "Help"}).get_json()
    assert (body["priority"], body["channel"], body["category_id"]) == ("normal", "web", None)


def test_the_number_and_the_clocks_cannot_be_sent(program: Program) -> None:
    for name, value in (("number", 7), ("due_at", "2026-02-03T04:05:06Z"), ("csat", "good"), ("merged_into_id", None)):
        answer = program.post("/api/tickets", json={"subject": "Help", name: value})
        assert answer.status_code == 422, name
        assert name in answer.get_json()["errors"]


def test_a_category_is_named_by_its_id(program: Program, world: World) -> None:
    category = str(world.category("Billing"))
    body = program.post("/api/tickets", json={"subject": "Help", "category_id": category}).get_json()
    assert body["category_id"] == category
    found = program.get(f"/api/tickets?category_id={category}").get_json()
    assert [item["id"] for item in found["items"]] == [body["id"]]


def test_another_tenants_category_is_none(program: Program, globex_world: World) -> None:
    theirs = str(globex_world.category("Billing"))
    answer = program.post("/api/tickets", json={"subject": "Help", "category_id": theirs})
    assert answer.status_code == 422
    assert "there is no category" in answer.get_json()["errors"]["category_id"]
