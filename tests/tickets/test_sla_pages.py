"""Calendars and policies as pages: what is typed, what is refused and how, and what comes of it."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from flask import Flask

from app.core.errors import Invalid
from app.tickets.actions import spreading
from app.tickets.queries.calendars import list_calendars
from app.tickets.queries.changes import find_latest_change
from app.tickets.queries.policies import list_policies
from app.tickets.rules.business_time import MINUTE, NoOpenTime, micros
from app.tickets.rules.definitions import calendar_of
from app.tickets.rules.durations import LONGEST
from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.world import World
from tests.tickets.sla import NINE, Desk

OFFICE = {"name": "Office", "zone": "Berlin", **dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "9:00-17:00")}
POLICY = {
    "name": "Standard",
    "first_response": "1 h",
    "resolution": "2 days",
    "warn_percent": "50, 80 %",
    "pause_on": "pending",
    "pause_targets": "resolution",
    "reopen": "resume",
}


class Settings(Battery):
    role = "manager"
    path = "/settings/calendars"

    def ids(self, world: World) -> dict[str, Any]:
        if "{calendar_id}" in self.path:
            return {"calendar_id": world.calendar()}
        return {"policy_id": world.policy()} if "{policy_id}" in self.path else {}

    def typed(self, world: World, ids: Any) -> dict[str, Any]:
        form = dict(self.form)
        if form.get("calendar_id") == "":
            form["calendar_id"] = str(world.calendar())
        return form | ({"version": 1} if ids else {})


class TestCalendars(Settings):
    path = "/settings/calendars"
    wrong_method = "PUT"


class TestNewCalendar(Settings):
    path = "/settings/calendars/new"


class TestCreateCalendar(Settings):
    path, method, form, as_page = "/settings/calendars", "POST", OFFICE, 303
    invalid: ClassVar = {"name": "My calendar", "mon": "9-25"}


class TestEditCalendar(Settings):
    path = "/settings/calendars/{calendar_id}"


class TestUpdateCalendar(Settings):
    path, method, form, as_page = "/settings/calendars/{calendar_id}", "POST", OFFICE, 303
    invalid: ClassVar = {"zone": "Atlantis"}


class TestDeleteCalendar(Settings):
    path, method, as_page, wrong_method = "/settings/calendars/{calendar_id}/delete", "POST", 303, "GET"


class TestPolicies(Settings):
    path = "/settings/policies"
    wrong_method = "PUT"


class TestNewPolicy(Settings):
    path = "/settings/policies/new"


class TestCreatePolicy(Settings):
    path, method, as_page = "/settings/policies", "POST", 303
    form: ClassVar = {**POLICY, "calendar_id": ""}
    invalid: ClassVar = {"first_response": "a while"}


class TestEditPolicy(Settings):
    path = "/settings/policies/{policy_id}"


class TestUpdatePolicy(Settings):
    path, method, as_page = "/settings/policies/{policy_id}", "POST", 303
    form: ClassVar = {**POLICY, "calendar_id": ""}
    invalid: ClassVar = {"warn_percent": "120"}


class TestMovePolicy(Settings):
    path, method, as_page, wrong_method = "/settings/policies/{policy_id}/move", "POST", 303, "GET"
    form: ClassVar = {"to": "up"}


class TestSwitchOff(Settings):
    path, method, as_page, wrong_method = "/settings/policies/{policy_id}/disable", "POST", 303, "GET"


class TestSwitchOn(Settings):
    path, method, as_page, wrong_method = "/settings/policies/{policy_id}/enable", "POST", 303, "GET"


class TestDeletePolicy(Settings):
    path, method, as_page, wrong_method = "/settings/policies/{policy_id}/delete", "POST", 303, "GET"


class TestStart(Settings):
    path, method, as_page, wrong_method = "/settings/policies/start", "POST", 303, "PUT"


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ""), "Office has no open time at all"),
        ({"holiday_first": "2026-01-01", "holiday_last": "2036-01-01"}, "no open time at all"),
        ({"mon": "9:00-9:00"}, "no time at all"),
        ({"mon": "nine to five"}, "no time from–to"),
        ({"tue": "25:00-26:00"}, "no time of day"),
        ({"zone": "Mars/Olympus"}, "no such time zone"),
        ({"name": ""}, "Enter a name"),
        ({"name": "x" * 61}, "60 characters"),
        ({"country": "XX"}, "Choose a country"),
        ({"holiday_first": "2026-12-24", "holiday_last": "2026-12-20"}, "before it begins"),
        ({"holiday_first": "24.12.2026"}, "is no date"),
        ({"holiday_name": "Eve"}, "give its date"),
        ({"holiday_first": "2026-12-24", "holiday_from": "14:00", "holiday_to": "9:00"}, "which is no time"),
        ({"holiday_first": "2026-12-24", "holiday_from": "noon"}, "is no time of day"),
    ],
)
def test_what_a_calendar_cannot_be_is_said_and_nothing_typed_is_lost(
    owner: PageClient, world: World, typed: dict[str, str], says: str
) -> None:
    answer = owner.submit("/settings/calendars", {**OFFICE, **typed})
    assert answer.status_code == 422
    assert says in " ".join(answer.problems)
    values = {str(control.get("value")) for control in answer.soup.select("input")}
    assert {value for value in typed.values() if value and value != "XX"} <= values


def test_overlapping_hours_are_merged_and_said(owner: PageClient, inside: Any, acme: Any) -> None:
    form: ClassVar = {**OFFICE, "mon": "13:00–18:00, 9:00-13:30", "sat": "22:00-6:00", "sun": "0:00-24:00"}
    assert owner.submit("/settings/calendars", form).status_code == 303
    assert "Monday: overlapping hours became 09:00–18:00" in owner.get("/settings/calendars").text_of("#toasts")
    with inside(acme):
        (made,) = list_calendars(acme)
    assert made.definition["tz"] == "Europe/Berlin"
    assert made.definition["weekly"]["sat"] == [["22:00", "06:00"]]
    assert made.definition["weekly"]["sun"] == [["00:00", "24:00"]]


def test_the_preview_says_what_it_means_and_stores_nothing(owner: PageClient, inside: Any, acme: Any) -> None:
    form: ClassVar = {**OFFICE, "country": "DE", "subdivision": "BY", "preview": "1"}
    form |= {
        "holiday_name": "Inventory",
        "holiday_first": "2026-12-30",
        "holiday_from": "12:00",
        "holiday_repeats": "yearly",
    }
    answer = owner.submit("/settings/calendars", form)
    assert answer.status_code == 200
    text = answer.text_of("#preview")
    assert "A 4-hour target begun now is due" in text
    assert "Epiphany" in text
    assert "Inventory 12:00–24:00" in text
    with inside(acme):
        assert list_calendars(acme) == []


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"first_response": "0"}, "no length of time"),
        ({"first_response": "0 min"}, "at least one minute"),
        ({"first_response": "-5 min"}, "at least one minute"),
        ({"resolution": "36500 days"}, "more than a year"),
        ({"first_response": "", "resolution": ""}, "at least one target"),
        ({"warn_percent": "0"}, "no percentage"),
        ({"level_after_0": "10 min"}, "choose what is done"),
        ({"level_managers_0": "1"}, "how long after"),
        ({"level_after_0": "10 min", "level_assign_to_0": "0190"}, "somebody of the list"),
        ({"calendar_id": "0190"}, "Choose the calendar"),
        ({"customer": ", ".join(f"c{number}" for number in range(51))}, "At most 50 customers"),
    ],
)
def test_what_a_policy_cannot_be_is_said(owner: PageClient, world: World, typed: dict[str, str], says: str) -> None:
    form: ClassVar = {**POLICY, "calendar_id": str(world.calendar()), **typed}
    answer = owner.submit("/settings/policies", form)
    assert answer.status_code == 422
    assert says in " ".join(answer.problems)


def test_one_click_sets_up_service_levels(owner: PageClient, inside: Any, acme: Any) -> None:
    assert "Set up service levels" in owner.get("/settings/policies").text_of("main")
    owner.submit("/settings/policies/start")
    page = owner.get("/settings/policies")
    assert len(page.texts("tbody tr")) == 3
    owner.submit("/settings/policies/start")
    with inside(acme):
        first, second, third = list_policies(acme)
    owner.submit(f"/settings/policies/{third.id}/move", {"to": "up"})
    with inside(acme):
        assert [one.id for one in list_policies(acme)] == [first.id, third.id, second.id]


def test_a_stale_save_is_said_and_keeps_what_was_typed(owner: PageClient, world: World) -> None:
    calendar = world.calendar()
    assert owner.submit(f"/settings/calendars/{calendar}", {**OFFICE, "version": "1"}).status_code == 303
    answer = owner.submit(f"/settings/calendars/{calendar}", {**OFFICE, "mon": "8:00-9:00", "version": "1"})
    assert answer.status_code == 409
    assert answer.soup.select_one("#mon")["value"] == "8:00-9:00"


def test_a_policy_in_use_is_deleted_and_says_how_many_it_ends(owner: PageClient, desk: Desk, run_jobs: Any) -> None:
    policy = desk.policy(desk.calendar(), first_response=10_000)
    tickets = [desk.ticket() for _ in range(3)]
    page = owner.get(f"/settings/policies/{policy}")
    assert "3 open tickets run on it" in page.text_of("#end-policy")
    owner.submit(f"/settings/policies/{policy}/delete")
    assert "clocks of 3 open tickets end without a breach" in owner.get("/settings/policies").text_of("#toasts")
    run_jobs()
    for ticket in tickets:
        assert desk.row(ticket).sla_state == "none"
        clock = desk.clock(ticket, "first_response")
        assert clock.cancelled_at is not None
        assert clock.breached_at is None


def test_a_calendar_in_use_cannot_be_put_away(owner: PageClient, desk: Desk) -> None:
    calendar = desk.calendar()
    desk.policy(calendar, "Gold")
    answer = owner.submit(f"/settings/calendars/{calendar}/delete")
    assert answer.status_code == 422
    assert "Gold count by it" in " ".join(answer.problems)


def test_a_change_reaches_the_open_tickets_and_a_crash_repeats_nothing(desk: Desk, app: Flask, run_jobs: Any) -> None:
    """Rule 11: what was used stays; the change holds from the instant the job comes to the ticket."""
    from app.tickets.actions import calendars, policies
    from tests.tickets.sla import WEEKDAYS, promise

    calendar = desk.calendar()
    policy = desk.policy(calendar)
    tickets = [desk.ticket(0) for _ in range(3)]
    done = desk.ticket(0)
    desk.note(done, 5, "agent_public_reply")
    desk.move(done, 5, "resolved")
    with desk.inside(desk.scope):
        policies.update_policy(desk.at(10), policy, 1, "Standard", calendar, promise(resolution=600, warn_percent=[]))
        calendars.update_calendar(
            desk.at(11),
            calendar,
            1,
            "Office",
            {"tz": "UTC", "weekly": {**WEEKDAYS, "mon": [["09:00", "16:00"]]}, "holidays": []},
        )
    run_jobs()
    with desk.inside(desk.scope):
        change = find_latest_change(desk.scope, policy)
        assert change is not None
        assert (change.total, change.done) == (3, 3)
        assert spreading.JOB == "jobs.sla.spread"
    for ticket in tickets:
        assert desk.clock(ticket, "resolution").target == 600
        # Seven hours on Monday, three on Tuesday: but all of it is long past by the time the job comes to it.
        assert desk.clock(ticket, "resolution").started_at == NINE
    assert desk.clock(done, "resolution").target == 480


def test_a_target_that_a_rare_calendar_never_reaches_is_refused(desk: Desk) -> None:
    """Five minutes a week, and a year of working days: that would be due in six hundred years."""
    rare = desk.calendar("Rarely", weekly={"mon": [["09:00", "09:05"]]})
    with pytest.raises(Invalid, match="Rarely is open so rarely"):
        desk.policy(rare, resolution=LONGEST)
    assert desk.policy(rare, resolution=60)


def test_a_calendar_put_right_to_open_rarely_makes_nothing_due_and_breaks_nothing() -> None:
    rare = calendar_of({"tz": "UTC", "weekly": {"mon": [["09:00", "09:01"]]}})
    with pytest.raises(NoOpenTime):
        rare.after(micros(NINE), LONGEST * MINUTE)
    assert rare.after(micros(NINE), 2 * MINUTE) > micros(NINE)
