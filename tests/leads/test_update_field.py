from __future__ import annotations

import threading
from uuid import UUID

import pytest

from app.core.scope import Scope
from app.leads.definition import LEADS
from tests.leads.test_update import fields_of
from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.world import World


class TestEditField(Battery):
    path = "/leads/{id}/fields/email/edit"
    target = "field--email"


class TestUpdateField(Battery):
    path = "/leads/{id}/fields/email"
    method = "POST"
    form = {"email": "new@example.com", "version": 0}  # noqa: RUF012
    target = "field--email"
    as_page = 303
    invalid = {"email": "not an address"}  # noqa: RUF012


@pytest.mark.parametrize(
    ("field", "typed", "stored"),
    [
        ("phone", "(212) 555-0199", "+12125550199"),
        ("company", "  New   Co ", "New Co"),
        ("website", "new.example", "https://new.example"),
        ("rating", "hot", "hot"),
        ("do_not_contact", "1", True),
        ("tags", "one, Two, ONE", ["one", "Two"]),
        ("description", "a\r\nb", "a\nb"),
        ("company", "", None),
    ],
)
def test_changes_one_field_only(owner: PageClient, world: World, field: str, typed: str, stored: object) -> None:
    lead = world.add(last_name="Doe", company="Old Co", estimated_value="5", currency="EUR")
    before = world.row(lead)
    answer = owner.fragment(
        f"/leads/{lead}/fields/{field}", target=f"field--{field}", method="POST", data={field: typed, "version": "1"}
    )
    assert answer.status_code == 200
    assert "lead-changed" in answer.headers["HX-Trigger"]
    after = world.row(lead)
    assert after[field] == stored
    others = {spec.name for spec in LEADS.fields} - {field}
    assert {name: after[name] for name in others} == {name: before[name] for name in others}
    assert world.event_types(lead) == ["created", "changed"]


def test_an_amount_and_its_currency_are_one_fact(owner: PageClient, world: World) -> None:
    lead = world.add(last_name="Doe", estimated_value="5", currency="EUR")
    assert "Currency" not in owner.get(f"/leads/{lead}").texts(".facts dt")
    form = owner.get(f"/leads/{lead}/fields/estimated_value/edit").soup.select_one("form.inline-edit")
    assert form.select_one("select[name=currency] option[selected]")["value"] == "EUR"
    path = f"/leads/{lead}/fields/estimated_value"
    owner.submit(path, {"estimated_value": "7", "currency": "GBP", "version": "1"})
    assert owner.get(path).text_of(".inline-value") == "£7.00"
    owner.submit(path, {"estimated_value": "8", "version": "2"})
    assert owner.get(path).text_of(".inline-value") == "£8.00", "a form without the currency leaves it"
    answer = owner.submit(path, {"estimated_value": "9", "currency": "XXL", "version": "3"})
    assert (answer.status_code, answer.texts(".field-error")) == (
        422,
        ["“XXL” is not a currency code such as USD or EUR."],
    )


def test_a_stamp_is_shown_and_never_edited(owner: PageClient, world: World) -> None:
    lead = world.add()
    assert owner.get(f"/leads/{lead}/fields/created_at").texts("time")
    assert not owner.get(f"/leads/{lead}/fields/created_at").soup.select(".inline-pencil")
    assert owner.get(f"/leads/{lead}/fields/created_at/edit").status_code == 404
    assert owner.submit(f"/leads/{lead}/fields/created_at", {"created_at": "2020-01-01"}).status_code == 404


def test_an_unticked_box_means_no(owner: PageClient, world: World) -> None:
    lead = world.add(last_name="Doe", do_not_contact="yes")
    form = owner.get(f"/leads/{lead}/fields/do_not_contact/edit").soup.select_one("form.inline-edit")
    assert form.find("input", type="checkbox").has_attr("checked")
    owner.submit(f"/leads/{lead}/fields/do_not_contact", {"version": "1"})
    assert world.row(lead)["do_not_contact"] is False
    form = owner.get(f"/leads/{lead}/fields/do_not_contact/edit").soup.select_one("form.inline-edit")
    assert not form.find("input", type="checkbox").has_attr("checked")


def test_the_amount_keeps_its_currency(owner: PageClient, world: World) -> None:
    lead = world.add(last_name="Doe", estimated_value="5", currency="EUR")
    owner.submit(f"/leads/{lead}/fields/estimated_value", {"estimated_value": "7", "version": "1"})
    assert world.row(lead)["currency"] == "EUR"
    assert owner.get(f"/leads/{lead}/fields/estimated_value").text_of(".inline-value") == "€7.00"


def test_a_field_without_change_makes_no_event(owner: PageClient, world: World) -> None:
    lead = world.add(last_name="Doe", company="Co")
    owner.submit(f"/leads/{lead}/fields/company", {"company": "Co", "version": "1"})
    assert world.row(lead)["version"] == 1
    assert world.event_types(lead) == ["created"]


def test_a_conflict_shows_both_and_saving_again_keeps_ones_own(owner: PageClient, world: World) -> None:
    lead = world.add(last_name="Doe", company="Base")
    world.change(lead, company="Theirs")
    path = f"/leads/{lead}/fields/company"
    answer = owner.fragment(path, target="field--company", method="POST", data={"company": "Mine", "version": "1"})
    assert answer.status_code == 409
    assert "Theirs" in answer.text_of(".notice")
    form = fields_of(answer.soup.form)
    assert form["company"] == "Mine"
    assert world.row(lead)["company"] == "Theirs"
    again = owner.fragment(path, target="field--company", method="POST", data=form)
    assert again.status_code == 200
    assert world.row(lead)["company"] == "Mine"


def test_another_field_changed_meanwhile_is_no_conflict(owner: PageClient, world: World) -> None:
    lead = world.add(last_name="Doe", company="Base")
    world.change(lead, city="Oslo")
    world.move(lead, "contacted")
    assert owner.submit(f"/leads/{lead}/fields/company", {"company": "Mine", "version": "1"}).status_code == 303
    assert (world.row(lead)["company"], world.row(lead)["city"]) == ("Mine", "Oslo")


def test_a_change_without_an_event_of_its_version_is_a_conflict(owner: PageClient, world: World, admin) -> None:
    """As after an import, which counts versions up without saying what made them."""
    lead = world.add(last_name="Doe", company="Base")
    world.change(lead, city="Oslo")
    admin.execute("update leads set version = 3, company = 'Imported' where id = %s", (lead,))
    assert owner.submit(f"/leads/{lead}/fields/company", {"company": "Mine", "version": "2"}).status_code == 409


def test_a_rule_across_fields_is_said_in_place(owner: PageClient, world: World) -> None:
    lead = world.add(last_name="Doe")
    answer = owner.submit(f"/leads/{lead}/fields/last_name", {"last_name": "", "version": "1"})
    assert answer.status_code == 422
    assert "Give at least a name" in answer.get_data(as_text=True)
    assert world.row(lead)["last_name"] == "Doe"


@pytest.mark.parametrize("name", ["status", "tenant_id", "version", "owner", "search_text", "nothing", "__class__"])
def test_what_is_no_editable_field_is_not_there(owner: PageClient, world: World, name: str) -> None:
    lead = world.add()
    assert owner.submit(f"/leads/{lead}/fields/{name}", {name: "lost", "version": "1"}).status_code == 404
    assert owner.get(f"/leads/{lead}/fields/{name}/edit").status_code == 404
    assert world.row(lead)["version"] == 1


def test_of_two_at_the_same_instant_the_second_is_told(world: World, app, as_role) -> None:
    """Two connections, two threads, the same version: one is saved, the other hears of it; nothing is overwritten."""
    lead = world.add(last_name="Doe", company="Base")
    clients = [as_role("owner"), as_role("agent")]
    for client in clients:
        client.csrf()
    start = threading.Barrier(2)
    answers: list[int] = []

    def save(client: PageClient, typed: str) -> None:
        start.wait()
        form = {"company": typed, "version": "1"}
        answers.append(client.submit(f"/leads/{lead}/fields/company", form).status_code)

    for _ in range(3):
        answers.clear()
        world_version = world.row(lead)["version"]
        assert world_version == 1
        threads = [threading.Thread(target=save, args=pair) for pair in zip(clients, ("One", "Two"), strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [303, 409]
        assert world.event_types(lead) == ["created", "changed"]
        lead = world.add(last_name="Doe", company="Base")


def test_the_second_reads_the_row_as_the_first_left_it(
    world: World, app, inside, acme: Scope, scope_in, as_role
) -> None:
    """The first holds the row's lock while the second, who has read version 1 already, waits for it."""
    from app.core.records import actions

    lead = world.add(last_name="Doe", company="Base")
    client = as_role("agent")
    client.csrf()
    answers: list[int] = []

    def second() -> None:
        answers.append(client.submit(f"/leads/{lead}/fields/company", {"company": "Two", "version": "1"}).status_code)

    waiting = threading.Thread(target=second)
    with inside(acme):
        actions.update_record(acme, LEADS, lead, 1, {"company": "One"})
        waiting.start()
        _until_somebody_waits(app, lead)
    waiting.join()
    assert answers == [409]
    assert world.row(lead)["company"] == "One"


def _until_somebody_waits(app, lead: UUID) -> None:
    from sqlalchemy import text

    from app.core.scope import no_tenant
    from app.extensions import db

    for _ in range(2_000):
        with db.engine.connect() as connection, no_tenant():
            query = text(
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
            )
            if connection.execute(query).scalar_one():
                return
    raise AssertionError("nobody waited for the lock")
