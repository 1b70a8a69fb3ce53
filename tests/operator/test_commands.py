"""The operator's work from the command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask

from app.core.scope import Scope
from tests.conftest import client_of
from tests.support.clients import PageClient
from tests.support.world import World


@pytest.fixture
def flask(app: Flask) -> Callable[..., Any]:
    return lambda *words: app.test_cli_runner().invoke(args=list(words))


def test_a_tenant_with_its_owner(
    flask: Callable[..., Any], sent_mails: Callable[[], list[EmailMessage]], admin: Any
) -> None:
    made = flask(
        *("create-tenant", "initech", "--name", "Initech", "--zone", "Europe/Berlin"),
        *("--owner-email", "ada@initech.example", "--owner-name", "Ada"),
    )
    assert made.exit_code == 0, made.output
    assert "ada@initech.example is on its way" in made.output
    (mail,) = sent_mails()
    assert mail["To"] == "Ada <ada@initech.example>"
    event = admin.execute("select type, operator_name from operator_events").fetchone()
    assert event == ("tenant.created", "the command line")


def test_the_list(flask: Callable[..., Any], world: World) -> None:
    world.add()
    lines = flask("tenants").output.splitlines()
    assert lines[0].startswith("acme")
    # Files of earlier tests stay in this worker's folder.
    assert re.search(r"5 people, 1 records, \d+ bytes", lines[0])
    assert flask("tenants", "--status", "suspended").output == ""


def test_suspended_and_resumed(flask: Callable[..., Any], owner: PageClient, app: Flask, acme: Scope) -> None:
    assert "acme is suspended" in flask("suspend-tenant", "acme", "--reason", "Asked for it.").output
    assert owner.get("/leads/").status_code == 403
    assert "already" in flask("suspend-tenant", "acme", "--reason", "Asked for it.").output
    assert "open again" in flask("resume-tenant", "acme").output
    assert owner.get("/leads/").status_code == 200
    refused = flask("suspend-tenant", "nobody", "--reason", "x")
    assert refused.exit_code == 1
    assert "There is no organisation nobody." in refused.output


def test_the_first_operator(flask: Callable[..., Any], app: Flask) -> None:
    made = flask("create-operator", "opal@fairlead.example", "--name", "Opal")
    assert made.exit_code == 0, made.output
    path = "/operator/enrol" + made.output.partition("/operator/enrol")[2].split()[0]
    bare = client_of(app, "acme")
    bare.root = ""
    assert bare.get(path).status_code == 200
    twice = flask("create-operator", "opal@fairlead.example")
    assert twice.exit_code == 1
    assert "already" in twice.output
    assert "/operator/enrol" in flask("create-operator", "opal@fairlead.example", "--again").output
    assert bare.get(path).status_code == 404
    assert "opal@fairlead.example" in flask("operators").output


def test_samples_are_for_workstations(flask: Callable[..., Any], admin: Any) -> None:
    for name in ("demo-operator", "operator-code"):
        refused = flask(name)
        assert refused.exit_code == 1
        assert "workstation" in refused.output
    assert admin.execute("select count(*) from operators").fetchone() == (0,)
