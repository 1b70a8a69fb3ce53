"""The organisation's settings: seen at once by everybody, never over someone else's change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from flask import Flask

from app import create_app
from app.accounts import queries
from app.config import Settings
from app.core.scope import Scope
from tests.conftest import client_of
from tests.support.battery import Battery
from tests.support.clients import PageClient, PageResponse
from tests.support.servers import PASSWORD

PATH = "/settings/organisation"
FORM: dict[str, Any] = {
    "version": "1",
    "name": "Acme",
    "zone": "America/New_York",
    "locale": "en",
    "region": "US",
    "currency": "USD",
    "lockout_tries": "5",
    "session_hours": "24",
    "idle_minutes": "480",
    "second_factor_for": [],
    "keep_deleted_days": "30",
    "keep_imports_days": "90",
    "keep_sign_ins_days": "90",
    "keep_closed_leads_days": "",
}


class TestShow(Battery):
    path = PATH
    role = "admin"
    wrong_method = "PUT"


class TestUpdate(Battery):
    path = PATH
    method = "POST"
    role = "admin"
    form = FORM | {"name": "Acme Ltd"}
    as_page = 303
    invalid: ClassVar[dict[str, str]] = {"name": "", "zone": "Mars/Base", "lockout_tries": "2", "idle_minutes": "soon"}
    wrong_method = "PUT"


def stored(admin: Any) -> dict[str, Any]:
    row = admin.execute(
        "select name, zone, locale, region, currency, policy, version from tenants where slug = 'acme'"
    ).fetchone()
    names = ("name", "zone", "locale", "region", "currency", "policy", "version")
    return dict(zip(names, row, strict=True))


def changes(admin: Any) -> list[dict[str, Any]]:
    return [row[0] for row in admin.execute("select data from events where type = 'tenant.changed' order by id")]


def test_everything_is_stored_as_one_event(owner: PageClient, admin: Any) -> None:
    typed = FORM | {
        "name": "  Acme   Works ",
        "zone": "berlin",
        "locale": "de_DE",
        "region": "DE",
        "currency": "EUR",
        "lockout_tries": "3",
        "session_hours": "1",
        "idle_minutes": "5",
        "keep_deleted_days": "365",
        "keep_imports_days": "",
        "keep_closed_leads_days": "30",
    }
    assert owner.submit(PATH, typed).status_code == 303
    row = stored(admin)
    assert (row["name"], row["zone"], row["locale"]) == ("Acme Works", "Europe/Berlin", "de_DE")
    assert (row["region"], row["currency"], row["version"]) == ("DE", "EUR", 2)
    assert row["policy"]["idle_minutes"] == 5
    assert row["policy"]["keep_imports_days"] is None
    (event,) = changes(admin)
    assert event["before"]["zone"] == "America/New_York"
    assert event["after"]["zone"] == "Europe/Berlin"
    assert set(event["before"]) == set(event["after"])
    assert "keep_sign_ins_days" not in event["after"]
    page = owner.get(PATH)
    assert page.soup.select_one("#zone")["value"] == "Europe/Berlin"
    assert page.soup.select_one("#locale option[selected]")["value"] == "de_DE"
    assert "Acme Works" in page.text_of(".sidebar-foot")


def test_saving_the_same_changes_nothing(owner: PageClient, admin: Any) -> None:
    assert owner.submit(PATH, FORM).status_code == 303
    assert stored(admin)["version"] == 1
    assert changes(admin) == []


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("name", "   "),
        ("name", "x" * 101),
        ("zone", ""),
        ("zone", "Springfield"),
        ("zone", "../../etc/passwd"),
        ("locale", "xx_YY"),
        ("region", "ZZ"),
        ("currency", "XXX"),
        ("lockout_tries", "21"),
        ("lockout_tries", ""),
        ("session_hours", "25"),
        ("session_hours", "-1"),
        ("idle_minutes", "4"),
        ("idle_minutes", "1441"),
        ("idle_minutes", "９"),
        ("keep_deleted_days", "0"),
        ("keep_deleted_days", ""),
        ("keep_closed_leads_days", "29"),
        ("keep_sign_ins_days", "99999999999"),
    ],
)
def test_what_cannot_be_gets_a_sentence(owner: PageClient, admin: Any, field: str, bad: str) -> None:
    answer = owner.submit(PATH, FORM | {field: bad})
    assert answer.status_code == 422
    assert len(answer.problems) == 1
    assert answer.soup.select_one(f".error-summary a[href='#{field}']")
    assert stored(admin)["version"] == 1


def test_two_who_change_different_things_both_win(as_role: Callable[..., PageClient], admin: Any) -> None:
    assert as_role("owner").submit(PATH, FORM | {"name": "Acme One"}).status_code == 303
    assert as_role("admin").submit(PATH, FORM | {"zone": "Asia/Tokyo"}).status_code == 303
    row = stored(admin)
    assert (row["name"], row["zone"], row["version"]) == ("Acme One", "Asia/Tokyo", 3)


def test_two_who_change_the_same_see_both(as_role: Callable[..., PageClient], admin: Any) -> None:
    owner, other = as_role("owner"), as_role("admin")
    assert owner.submit(PATH, FORM | {"name": "First", "region": "FR"}).status_code == 303
    answer = other.submit(PATH, FORM | {"name": "Second", "currency": "JPY"})
    assert answer.status_code == 409
    assert answer.texts(".conflict-row legend") == ["Name"]
    assert {"Yours Second", "Olivia Acme First"} <= set(answer.texts(".conflict-side"))
    fields = {
        str(one["name"]): str(one.get("value", "")) for one in answer.soup.select("form.conflict input[type=hidden]")
    }
    fields.pop("csrf_token")
    assert other.submit(PATH, fields | {"choice-name": "mine"}).status_code == 303
    row = stored(admin)
    assert (row["name"], row["currency"], row["region"]) == ("Second", "JPY", "FR")
    assert len(changes(admin)) == 2


def test_theirs_can_be_taken(as_role: Callable[..., PageClient], admin: Any) -> None:
    owner, other = as_role("owner"), as_role("admin")
    owner.submit(PATH, FORM | {"name": "First"})
    answer = other.submit(PATH, FORM | {"name": "Second"})
    fields = {
        str(one["name"]): str(one.get("value", "")) for one in answer.soup.select("form.conflict input[type=hidden]")
    }
    fields.pop("csrf_token")
    assert other.submit(PATH, fields | {"choice-name": "theirs"}).status_code == 303
    assert stored(admin)["name"] == "First"


def test_another_process_sees_it_at_its_next_request(app: Flask, settings: Settings, owner: PageClient) -> None:
    elsewhere = client_of(create_app(settings), "acme")
    elsewhere.sign_in("viewer@acme.example", PASSWORD)
    assert elsewhere.get("/leads/").text_of(".sidebar-foot") == "Acme"
    owner.submit(PATH, FORM | {"name": "Renamed"})
    assert elsewhere.get("/leads/").text_of(".sidebar-foot") == "Renamed"


def test_a_writer_that_dies_before_it_tells_is_caught_by_the_dispatcher(
    app: Flask, settings: Settings, acme: Scope, admin: Any
) -> None:
    from app.core import db as database
    from app.core import dispatcher
    from app.core.scope import tenant_context

    with app.app_context():
        queries.find_tenant("acme")
        with tenant_context(acme.tenant_id):
            from app.accounts import actions
            from app.extensions import db

            actions.change_organisation(acme, 1, {"name": "Died"})
            db.session.commit()  # and nothing of what waits for it
            db.session().info.pop("after_commit")
        found = queries.find_tenant("acme")
        assert found is not None
        assert found.name == "Acme"
        dispatcher.dispatch(acme.tenant_id)
        database.rollback()
    with app.app_context():
        found = queries.find_tenant("acme")
        assert found is not None
        assert found.name == "Died"


def test_the_app_role_changes_its_own_only(inside: Any, acme: Scope, globex: Scope, admin: Any) -> None:
    from sqlalchemy import text

    from app.extensions import db

    with inside(acme):
        changed = db.session.execute(text("update tenants set name = 'Mine'"))
        assert changed.rowcount == 1  # type: ignore[attr-defined]
    assert admin.execute("select name from tenants where slug = 'globex'").fetchone() == ("Globex",)


@pytest.mark.parametrize("column", ["slug = 'other'", "suspended_at = now()", "id = gen_random_uuid()"])
def test_the_app_role_cannot_change_what_is_the_operators(inside: Any, acme: Scope, column: str) -> None:
    from sqlalchemy import text
    from sqlalchemy.exc import ProgrammingError

    from app.extensions import db

    with pytest.raises(ProgrammingError, match="permission denied"), inside(acme):
        db.session.execute(text(f"update tenants set {column}"))


def _asks_to_confirm(answer: PageResponse) -> bool:
    return bool(answer.soup.select_one("#affected"))


def test_a_second_factor_names_who_has_none(owner: PageClient, admin: Any) -> None:
    answer = owner.submit(PATH, FORM | {"second_factor_for": ["owner", "viewer"], "name": "Kept"})
    assert answer.status_code == 200
    assert _asks_to_confirm(answer)
    assert "Olivia Acme" in answer.text_of("#affected")
    assert "Victor Acme" in answer.text_of("#affected")
    assert "Adam" not in answer.text_of("#affected")
    assert "you can do so right away" in answer.text_of("#affected")
    assert answer.soup.select_one("#name")["value"] == "Kept"
    assert stored(admin)["version"] == 1
    saved = owner.submit(PATH, FORM | {"second_factor_for": ["owner", "viewer"], "confirmed": "1"})
    assert saved.status_code == 303
    assert saved.location.endswith("/account/security"), "the asker is led to set up their own"
    assert stored(admin)["policy"]["second_factor_for"] == ["owner", "viewer"]
    assert owner.get("/leads/").status_code == 200


def test_roles_nobody_has_need_no_question(owner: PageClient, admin: Any) -> None:
    admin.execute("delete from users where role = 'viewer'")
    assert owner.submit(PATH, FORM | {"second_factor_for": ["viewer", "nonsense"]}).status_code == 303
    assert stored(admin)["policy"]["second_factor_for"] == ["viewer"]


def test_settings_lead_to_the_first_place_one_may_open(as_role: Callable[..., PageClient]) -> None:
    assert as_role("owner").get("/settings").location == "/t/acme/settings/organisation"
    refused = as_role("viewer").get("/settings")
    assert refused.status_code == 403
    assert "does not open any settings" in refused.text
