"""`flask sla check`: a file of worked cases against the engine."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import Result
from flask import Flask

from app.config import ROOT
from app.tickets.rules.business_time import MINUTE, Calendar, Window
from app.tickets.rules.clock import Policy
from app.tickets.rules.sla import Happened, evaluate

SHARED = ROOT.parent / "shared" / "cases" / "sla_cases.json"
WEEKDAYS = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
# Friday 16:00, eight hours of work, an hour's pause on Monday at ten: due Monday at 17:00, warned at half.
CASE: dict[str, Any] = {
    "name": "over a weekend, with a pause",
    "calendar": {"tz": "UTC", "weekly": WEEKDAYS, "holidays": [{"yearly": "12-24", "yearly_end": "01-02"}]},
    "policy": {"first_response": 60, "resolution": 480, "escalation_after_breach": [0, 60]},
    "events": [
        {"at": "2026-01-16T16:00:00Z", "type": "created"},
        {"at": "2026-01-16T16:30:00Z", "type": "agent_public_reply"},
        {"at": "2026-01-19T10:00:00Z", "type": "status", "to": "pending"},
        {"at": "2026-01-19T11:00:00Z", "type": "status", "to": "open"},
    ],
    "as_of": "2026-01-20T12:00:00Z",
    "expected": {
        "timeline": [
            {
                "after": "2026-01-16T16:00:00Z",
                "first_response_due": "2026-01-16T17:00:00Z",
                "resolution_due": "2026-01-19T16:00:00Z",
            },
            {
                "after": "2026-01-16T16:30:00Z",
                "first_response_due": None,
                "resolution_due": "2026-01-19T16:00:00Z",
            },
            {"after": "2026-01-19T10:00:00Z", "resolution_due": None},
            {"after": "2026-01-19T11:00:00Z", "resolution_due": "2026-01-19T17:00:00Z"},
        ],
        "final": {
            "first_response": {"met_at": "2026-01-16T16:30:00Z", "breached_at": None},
            "resolution": {"due": "2026-01-19T17:00:00Z", "breached_at": "2026-01-19T17:00:00Z"},
        },
        "escalations": [
            {"level": 1, "target": "resolution", "at": "2026-01-19T17:00:00Z"},
            {"level": 2, "target": "resolution", "at": "2026-01-20T10:00:00Z"},
        ],
    },
}


def check(app: Flask, file: Path) -> Result:
    return app.test_cli_runner().invoke(args=["sla", "check", str(file)])


def written(tmp_path: Path, *cases: Any) -> Path:
    file = tmp_path / "cases.json"
    file.write_text(json.dumps({"cases": cases}))
    return file


def test_a_case_that_agrees(app: Flask, tmp_path: Path) -> None:
    answer = check(app, written(tmp_path, CASE))
    assert answer.exit_code == 0, answer.output
    assert "1 of 1 cases agree." in answer.output


def test_what_differs_is_said_and_the_exit_is_one(app: Flask, tmp_path: Path) -> None:
    wrong = deepcopy(CASE)
    wrong["expected"]["timeline"][3]["resolution_due"] = "2026-01-19T16:59:00Z"
    answer = check(app, written(tmp_path, CASE, wrong))
    assert answer.exit_code == 1
    said = "after 2026-01-19T11:00:00Z: resolution_due should be 2026-01-19T16:59:00Z and is 2026-01-19T17:00:00Z"
    assert said in answer.output
    assert "1 of 2 cases agree." in answer.output


@pytest.mark.parametrize(
    "broken",
    [{}, {"calendar": {"tz": "Mars/Base"}}, {"as_of": "2026-01-20T12:00:00"}, {"events": [{"type": "created"}]}],
)
def test_a_case_that_cannot_be_read_says_so(app: Flask, tmp_path: Path, broken: dict[str, Any]) -> None:
    case = {**CASE, **broken} if broken else {"name": "empty"}
    if "calendar" in broken:
        case["calendar"] = {**CASE["calendar"], **broken["calendar"]}
    answer = check(app, written(tmp_path, case))
    assert answer.exit_code == 1
    assert "cannot be read" in answer.output


def test_a_file_that_holds_no_cases(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    file.write_text("[]")
    answer = check(app, file)
    assert answer.exit_code == 1
    assert "is no file of cases" in answer.output


@pytest.mark.skipif(not SHARED.exists(), reason="the worked cases are not here")
def test_all_worked_cases_agree(app: Flask) -> None:
    answer = check(app, SHARED)
    assert answer.exit_code == 0, answer.output[-3_000:]


def test_a_target_lowered_while_the_clock_stands_breaches_when_it_runs_again() -> None:
    """An hour used, then pending; meanwhile the target becomes half an hour: it is overdue from when it goes on."""
    always = Calendar(ZoneInfo("UTC"), [[Window(0, 1440)]] * 7)
    hour, policy = 60 * MINUTE, Policy({"resolution": 240})
    history = [
        Happened(0, "created", "new"),
        Happened(hour, "status", "pending"),
        Happened(2 * hour, "priority", {"resolution": 30}),
        Happened(3 * hour, "status", "open"),
    ]
    standing = evaluate(policy, always, history[:3], 10 * hour).latest("resolution")
    assert standing is not None
    assert standing.breached_at is None
    going = evaluate(policy, always, history, 4 * hour).latest("resolution")
    assert going is not None
    assert going.breached_at == 3 * hour
