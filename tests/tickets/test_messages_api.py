"""Conversations for programs."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.core.scope import Scope
from tests.support.programs import Program, personal_token, program_of
from tests.support.talk import Talk
from tests.support.world import World


@pytest.fixture
def program(app: Flask, inside: Any, acme: Scope) -> Program:
    return program_of(app, "acme", personal_token(inside, acme))


def test_says_and_lists(program: Program, talk: Talk, world: World) -> None:
    ticket = world.add()
    made = program.post(
        f"/api/tickets/{ticket}/messages", json={"kind": "reply", "body": "Hello.", "cc": ["a@b.example"]}
    )
    assert made.status_code == 201
    told = made.get_json()
    assert (told["kind"], told["body"], told["copies"]) == ("reply", "Hello.", ["a@b.example"])
    assert told["state"] != "held"
    program.post(f"/api/tickets/{ticket}/messages", json={"kind": "note", "body": "Us."})
    program.post(f"/api/tickets/{ticket}/messages", json={"kind": "customer", "body": "Thanks."})
    talk.note(ticket, files=[talk.upload(ticket)])
    first = program.get(f"/api/tickets/{ticket}/messages?limit=3").get_json()
    assert [one["kind"] for one in first["items"]] == ["note", "customer", "note"]
    assert [file["name"] for file in first["items"][0]["files"]] == ["a.txt"]
    second = program.get(f"/api/tickets/{ticket}/messages", query_string={"before": first["next"]}).get_json()
    assert [one["kind"] for one in second["items"]] == ["reply"]
    assert second["next"] is None


def test_a_customers_words_open_the_ticket(program: Program, talk: Talk, world: World) -> None:
    ticket = world.add()
    program.post(f"/api/tickets/{ticket}/messages", json={"kind": "reply", "body": "Done.", "status": "resolved"})
    assert talk.ticket(ticket)["status"] == "resolved"
    program.post(f"/api/tickets/{ticket}/messages", json={"kind": "customer", "body": "No."})
    assert talk.ticket(ticket)["status"] == "open"


@pytest.mark.parametrize(
    "body", [{}, {"kind": "reply"}, {"kind": "x", "body": "x"}, {"kind": "reply", "body": "x", "tenant_id": "x"}]
)
def test_what_does_not_fit_is_refused(program: Program, talk: Talk, world: World, body: Any) -> None:
    ticket = world.add()
    assert program.post(f"/api/tickets/{ticket}/messages", json=body).status_code == 422
    assert talk.messages(ticket) == []


def test_what_its_person_is_writing_meanwhile_stays(program: Program, talk: Talk, world: World) -> None:
    ticket = world.add()
    talk.draft(ticket, "Dear Ann, I am still")
    for kind in ("reply", "note"):
        body = {"kind": kind, "body": "By a program."}
        assert program.post(f"/api/tickets/{ticket}/messages", json=body).status_code == 201
    assert [(draft["body"], draft["message_id"]) for draft in talk.drafts(ticket)] == [("Dear Ann, I am still", None)]
