"""How the service desk is set up: every setting within its bounds, never over somebody else's change."""

from __future__ import annotations

from typing import ClassVar

import pytest

from app.tickets.forms.desk import SETTINGS, bounds, filled, read, shown, written
from app.tickets.queries import get_desk_settings
from app.tickets.rules.settings import DeskSettings, stored_settings
from tests.support.battery import Battery

PATH = "/settings/desk"
FORM = {name: written(value) for name, value in stored_settings(DeskSettings()).items()} | {"version": "0"}


class TestShow(Battery):
    path = PATH
    role = "manager"
    wrong_method = "PUT"


class TestUpdate(Battery):
    path = PATH
    method = "POST"
    role = "manager"
    form = FORM | {"reopen_days": "14"}
    as_page = 303
    invalid: ClassVar[dict[str, str]] = FORM | {"reopen_days": "a fortnight", "attachment_mb": "0"}
    wrong_method = "PUT"


@pytest.fixture
def stored(admin):
    def read_row():
        row = admin.execute("select settings, version from desk_settings").fetchone()
        return row or ({}, 0)

    return read_row


def _changes(admin):
    rows = admin.execute("select data from events where type = 'desk.changed' order by id").fetchall()
    return [row[0]["changes"] for row in rows]


def test_an_agent_may_not(agent):
    assert agent.get(PATH).status_code == 403
    assert agent.submit(PATH, FORM).status_code == 403


def test_every_setting_is_on_the_page_with_what_it_is(owner):
    page = owner.get(PATH)
    for name, spec in SETTINGS.items():
        assert page.soup.select_one(f"[name={name}]"), name
        assert spec.metadata["line"] in page.get_data(as_text=True).replace("&#39;", "'"), name
    assert page.soup.select_one("#reopen_days")["value"] == "7"
    assert page.soup.select_one("#csat").has_attr("checked")


def test_what_is_chosen_is_stored_and_the_rest_follows_the_defaults(owner, admin, stored, acme, inside):
    typed = FORM | {"reopen_days": " 14 ", "classify_threshold": "0,95", "assignment": "least_loaded"}
    del typed["csat"]
    assert owner.submit(PATH, typed).status_code == 303
    assert stored() == (
        {"reopen_days": 14, "classify_threshold": 0.95, "assignment": "least_loaded", "csat": False}, 1,
    )  # fmt: skip
    with inside(acme):
        settings = get_desk_settings(acme)
    assert (settings.reopen_days, settings.csat, settings.close_days) == (14, False, 7)
    assert _changes(admin) == [
        {"reopen_days": [7, 14], "assignment": ["manual", "least_loaded"], "classify_threshold": ["0.8", "0.95"],
         "csat": [True, False]}
    ]  # fmt: skip
    page = owner.get(PATH)
    assert page.soup.select_one("#reopen_days")["value"] == "14"
    assert not page.soup.select_one("#csat").has_attr("checked")


def test_saving_the_same_changes_nothing(owner, admin, stored):
    assert owner.submit(PATH, FORM).status_code == 303
    assert owner.get(PATH).toasts == ["Nothing was changed."]
    assert stored()[1] == 0
    assert _changes(admin) == []


_NUMBERS = [name for name in SETTINGS if bounds(name)]


@pytest.mark.parametrize("name", _NUMBERS)
def test_the_bounds_are_kept(owner, stored, name):
    told = SETTINGS[name].metadata
    for bad in (told["least"] - 1, told["most"] + 1, -1, 36_500, "1e99"):
        answer = owner.submit(PATH, FORM | {name: str(bad)})
        assert answer.status_code == 422, bad
        (problem,) = answer.problems
        assert problem.startswith("Enter a ")
        assert answer.soup.select_one(f".error-summary a[href='#{name}']")
        assert answer.soup.select_one(f"#{name}")["value"] == str(bad), "what was typed stays"
    assert stored() == ({}, 0)
    for good in (told["least"], told["most"]):
        assert not read_form(**{name: written(good)}).errors


def read_form(**typed):
    from werkzeug.datastructures import MultiDict

    return read(MultiDict(FORM | typed), stored_settings(DeskSettings()))


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        *(("reopen_days", bad) for bad in ("", "7.5", "７", "1_0", "NaN", "seven", "0x7")),
        *(("classify_threshold", bad) for bad in ("inf", "0.8.1", "80%")),
        *(("assignment", bad) for bad in ("dice", "")),
    ],
)  # fmt: skip
def test_what_cannot_be_gets_a_sentence(owner, stored, name, bad):
    answer = owner.submit(PATH, FORM | {name: bad})
    assert answer.status_code == 422
    assert len(answer.problems) == 1
    assert stored() == ({}, 0)


def test_unknown_fields_persist_nowhere(owner, stored):
    owner.submit(PATH, FORM | {"reopen_days": "9", "tenant_id": "x", "secret": "1"})
    assert stored() == ({"reopen_days": 9}, 1)


def test_two_who_change_different_things_both_win(as_role, stored):
    assert as_role("owner").submit(PATH, FORM | {"reopen_days": "9"}).status_code == 303
    assert as_role("manager").submit(PATH, FORM | {"close_days": "30"}).status_code == 303
    assert stored() == ({"reopen_days": 9, "close_days": 30}, 2)


def test_two_who_change_the_same_see_both(as_role, stored):
    owner, other = as_role("owner"), as_role("manager")
    assert owner.submit(PATH, FORM | {"reopen_days": "9", "undo_seconds": "20"}).status_code == 303
    answer = other.submit(PATH, FORM | {"reopen_days": "21", "close_days": "30"})
    assert answer.status_code == 409
    assert answer.texts(".conflict-row legend") == ["Reopen within"]
    assert {"Yours 21 days", "Olivia Acme 9 days"} <= set(answer.texts(".conflict-side"))
    fields = {
        field["name"]: field.get("value", "")
        for field in answer.soup.select(".conflict input[type=hidden]")
        if field["name"] != "csrf_token"
    }
    assert other.submit(PATH, fields | {"choice-reopen_days": "mine"}).status_code == 303
    assert stored() == ({"reopen_days": 21, "undo_seconds": 20, "close_days": 30}, 2)


def test_a_fraction_somebody_changed_is_no_conflict_for_who_changed_another(as_role, stored):
    as_role("owner").submit(PATH, FORM | {"classify_threshold": "0.9"})
    assert as_role("manager").submit(PATH, FORM | {"close_days": "30"}).status_code == 303
    assert stored()[0] == {"classify_threshold": 0.9, "close_days": 30}


def test_theirs_can_be_taken(as_role, stored):
    owner, other = as_role("owner"), as_role("manager")
    owner.submit(PATH, FORM | {"csat": ""})
    answer = other.submit(PATH, FORM | {"csat": "", "reopen_days": "3"})
    assert answer.status_code == 303, "both wanted the same"
    assert stored()[0] == {"csat": False, "reopen_days": 3}


@pytest.mark.parametrize("version", ["", "x", "-5", "999", "99999999999999999999"])
def test_a_version_nobody_had_is_no_way_round(owner, stored, version):
    owner.submit(PATH, FORM | {"reopen_days": "9"})
    answer = owner.submit(PATH, FORM | {"reopen_days": "10", "version": version})
    assert answer.status_code == 409
    assert stored()[0]["reopen_days"] == 9


def test_the_log_says_what_was_changed(owner):
    owner.submit(PATH, FORM | {"reopen_days": "9", "csat": ""})
    text = owner.get("/audit/?kind=desk").text_of(".audit-log li > p")
    assert "changed the service desk's settings: Reopen within: 7 days → 9 days; Ask how we did: yes → no" in text


def test_nobody_elses(owner, stranger, inside, globex):
    owner.submit(PATH, FORM | {"reopen_days": "9"})
    assert stranger.get(PATH).soup.select_one("#reopen_days")["value"] == "7"
    with inside(globex):
        assert get_desk_settings(globex).reopen_days == 7


def test_words():
    assert shown("assignment", "round_robin") == "In turn"
    assert shown("classify_threshold", 0.8) == "0.8"
    assert filled(stored_settings(DeskSettings()), 3).raw["csat"] == "1"
