"""Searching, exporting, erasing: the pages."""

from __future__ import annotations

from typing import Any, ClassVar

from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.world import World

ADDRESS = "doe@example.com"


class TestStart(Battery):
    path = "/privacy/"
    role = "admin"
    wrong_method = "PUT"


class TestSearch(Battery):
    path = "/privacy/search"
    method = "POST"
    form: ClassVar = {"address": ADDRESS}
    role = "admin"
    invalid: ClassVar = {"address": "no address"}


class TestAskExport(Battery):
    path = "/privacy/exports"
    method = "POST"
    form: ClassVar = {"address": ADDRESS}
    as_page = 303
    role = "admin"
    invalid: ClassVar = {"address": "no address"}


class TestAskErasure(Battery):
    path = "/privacy/erasures"
    method = "POST"
    form: ClassVar = {"address": ADDRESS, "again": ADDRESS}
    as_page = 303
    role = "admin"
    invalid: ClassVar = {"again": "other@example.com"}


class TestShow(Battery):
    path = "/privacy/requests/{id}"
    target = "request_state"
    role = "admin"

    def ids(self, world: World) -> dict[str, Any]:
        return {"id": world.privacy_request()}


class TestReport(Battery):
    path = "/privacy/requests/{id}/report.json"
    role = "admin"
    test_works_without_script = None  # type: ignore[assignment]

    def ids(self, world: World) -> dict[str, Any]:
        return {"id": world.privacy_request()}


class TestDownload(Battery):
    path = "/privacy/requests/{id}/data.zip"
    role = "admin"
    test_works_without_script = None  # type: ignore[assignment]

    def ids(self, world: World) -> dict[str, Any]:
        return {"id": world.privacy_request()}


def test_a_search_shows_account_records_and_notes(owner: PageClient, world: World) -> None:
    lead = world.add(last_name="Doe", email="Agent@Acme.Example")
    gone = world.add(last_name="Gone", email="agent@acme.example")
    world.delete(gone)
    world.note(world.add(last_name="Roe", email="roe@example.com"), "Knows AGENT@acme.example well.")
    page = owner.submit("/privacy/search", {"address": "agent@acme.example"})
    text = " ".join(page.text_of("main").split())
    assert "An account: " in text
    assert page.soup.select_one(f"a[href='/t/acme/leads/{lead}']")
    assert "Gone (deleted)" in text
    assert "Knows AGENT@acme.example well." in text
    assert "Roe" not in " ".join(item.get_text() for item in page.soup.select("main li") if "Lead:" in item.get_text())


def test_what_another_organisation_keeps_is_not_found(stranger: PageClient, world: World) -> None:
    world.add(last_name="Doe", email=ADDRESS)
    assert "No account, record or note" in stranger.submit("/privacy/search", {"address": ADDRESS}).text_of("main")


def test_the_last_owner_stays(owner: PageClient) -> None:
    form: ClassVar = {"address": "owner@acme.example", "again": "owner@acme.example"}
    answer = owner.submit("/privacy/erasures", form)
    assert answer.status_code == 409
    assert "only owner" in answer.text_of("main")


def test_an_admin_cannot_erase_who_may_do_more(as_role: Any, admin: Any, owner: PageClient) -> None:
    admin.execute("update users set role = 'owner' where email_key = 'manager@acme.example'")
    admin.execute(
        "insert into roles (tenant_id, id, name, name_key, description, permissions, reach, created_at, updated_at, "
        "version) select id, gen_random_uuid(), 'Privacy', 'privacy', '', '{privacy:manage}', '{}', now(), now(), 1 "
        "from tenants where slug = 'acme'"
    )
    admin.execute(
        "update users set role = 'custom', role_id = (select id from roles) where email_key = 'agent@acme.example'"
    )
    form: ClassVar = {"address": "manager@acme.example", "again": "manager@acme.example"}
    assert as_role("agent").submit("/privacy/erasures", form).status_code == 403


def test_no_address_in_the_log_of_events(owner: PageClient, world: World, admin: Any) -> None:
    world.privacy_request("someone@example.com")
    owner.submit("/privacy/search", {"address": "someone@example.com"})
    rows = admin.execute("select count(*) from events where data::text like '%someone@%'").fetchone()
    assert rows == (0,)
