"""How long notices are kept; exports and erasures of a person's data cover them."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.clock import now
from app.notifications.actions import forget_old
from app.privacy import retention
from app.privacy.actions import ask_erasure
from app.privacy.running import run_request


@pytest.fixture
def left(admin):
    return lambda: [row[0] for row in admin.execute("select subject from notices order by id").fetchall()]


def test_what_was_read_goes_after_three_months_and_the_rest_after_a_year(agents, agent, inside, acme, left):
    read = agents.notice("Read")
    agents.notice("Unread")
    agent.submit(f"/notices/{read}/confirm")
    for days, gone in ((89, 0), (91, 1), (364, 0), (366, 1)):
        with inside(acme):
            assert forget_old(replace(acme, now=now() + timedelta(days=days)), 1000) == gone
    assert left() == []


def test_every_night(agents, agent, app, acme, inside, left, admin):
    agent.submit(f"/notices/{agents.notice('Read')}/confirm")
    admin.execute("update notices set read_at = now() - interval '91 days'")
    with inside(acme):
        assert retention.apply_retention(replace(acme, now=now()))["notices"] == 1
    assert left() == []


def test_they_are_in_an_export(owner, agents, world):
    agents.notice("For the agent")
    world.notice("For the owner")
    answer = owner.get(f"/privacy/requests/{world.privacy_request('agent@acme.example')}/data.zip")
    data = json.loads(zipfile.ZipFile(io.BytesIO(answer.get_data())).read("data.json"))
    assert [row["subject"] for row in data["notices"]] == ["For the agent"]


def test_an_erasure_takes_theirs_and_those_that_name_them(agents, world, inside, acme, left):
    agents.notice("For the agent")
    world.notice("AGENT@acme.example wrote")
    world.notice("Two", body="from agent@acme.example")
    world.notice("For the owner")
    with inside(acme):
        asked = ask_erasure(acme, "agent@acme.example", "agent@acme.example")
    with inside(acme):
        run_request(replace(acme, now=now()), asked)
    assert left() == ["For the owner"]
