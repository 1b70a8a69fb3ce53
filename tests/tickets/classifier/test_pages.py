"""The classifier's pages, and what a ticket's page says of a suggestion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from flask import Flask

from app.core import cache
from app.tickets.actions import training
from app.tickets.classifier.offering import CATEGORY
from app.tickets.models import ClassifierVersion
from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.world import World
from tests.tickets.classifier.corpus import BILLING, SHIPPING
from tests.tickets.classifier.desk import Desk

REFUND = "Please refund the invoice, my card was charged twice"


class Settings(Battery):
    role = "manager"
    path = "/settings/classifier"

    def ids(self, world: World) -> dict[str, Any]:
        return {"version_id": world.classifier_version()} if "{version_id}" in self.path else {}


class TestShow(Settings):
    target = "classifier_state"


class TestUpdate(Settings):
    method = "POST"
    form: ClassVar = {"classify": "1", "threshold": "70", "version": "0"}
    as_page = 303
    invalid: ClassVar = {"threshold": "49.5"}
    wrong_method = "PUT"


class TestStart(Settings):
    path, method, form, as_page = "/settings/classifier/versions", "POST", {"field": "category"}, 303


class TestVersion(Settings):
    path = "/settings/classifier/versions/{version_id}"


class TestChoose(Settings):
    path, method, as_page = "/settings/classifier/versions/{version_id}/choose", "POST", 303


class Decision(Battery):
    path = "/tickets/{id}/classification/accept"
    method = "POST"
    form: ClassVar = {"field": "category"}
    as_page = 303

    @pytest.fixture(autouse=True)
    def _sure(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """Billing is suggested for every ticket, by a classifier that is always sure."""
        from app.tickets.actions import classifying
        from tests.tickets.classifier.test_classifying import Says, Suggestion

        desk = Desk(world)
        said = Suggestion(CATEGORY, str(desk.categories[BILLING]), 0.9, "Because.", "elsewhere", "m")
        monkeypatch.setattr(classifying, "CLASSIFIERS", [Says(said)])


class TestAccept(Decision):
    pass


class TestUndo(Decision):
    path = "/tickets/{id}/classification/undo"


def text_of(client: PageClient, path: str, element: str = "main") -> str:
    return " ".join(client.get(path).text_of(element).split())


def test_before_anything_was_learned_it_says_what_is_needed(manager: PageClient) -> None:
    page = text_of(manager, "/settings/classifier")
    assert page.count("Nothing learned yet") == 2
    assert "It needs 50 tickets whose category people have chosen" in page


def test_train_now_shows_how_far_it_is_and_what_came_of_it(
    manager: PageClient, desk: Desk, run_jobs: Callable[[], int]
) -> None:
    desk.label()
    manager.submit("/settings/classifier/versions", {"field": "category"})
    waiting = manager.get("/settings/classifier")
    assert "Waiting for a worker" in waiting.text_of("main")
    assert waiting.soup.select_one("[hx-trigger^='every 1s']")
    run_jobs()
    done = manager.get("/settings/classifier")
    assert not done.soup.select_one("[hx-trigger^='every 1s']"), "polling stops with the work"
    page = " ".join(done.text_of("#classifier-category").split())
    assert "Version 1 answers, taught by 60 tickets. Of 12 tickets it had not seen it was right for" in page
    assert "a plain Naive Bayes for" in page
    assert "At 80 %," in page


def test_a_second_training_at_once_is_said_to_be_under_way(manager: PageClient, desk: Desk) -> None:
    for _ in range(2):
        manager.submit("/settings/classifier/versions", {"field": "category"})
    assert desk.count(ClassifierVersion) == 1
    assert any("being trained already" in toast for toast in manager.get("/settings/classifier").toasts)


def test_a_classifier_of_anything_else_does_not_exist(manager: PageClient) -> None:
    assert manager.submit("/settings/classifier/versions", {"field": "owner_id"}).status_code == 404


@pytest.mark.parametrize("typed", ["", "49", "101", "-80", "80.5", "eighty", "８０", "1e2", "9" * 400])
def test_a_threshold_that_cannot_be_is_refused(manager: PageClient, typed: str) -> None:
    form = {"classify": "1", "threshold": typed, "version": "0"}
    answer = manager.submit("/settings/classifier", form)
    assert answer.status_code == 422
    assert "Enter a whole number of percent from 50 to 100." in answer.text_of("main")


def test_the_threshold_counts_from_the_next_ticket_on(manager: PageClient, desk: Desk) -> None:
    desk.teach()
    manager.submit("/settings/classifier", {"classify": "1", "threshold": "100 %", "version": "0"})
    assert desk.new(REFUND)["category_id"] is None
    assert "yours" in text_of(manager, "/settings/classifier", "#classifier-category")
    manager.submit("/settings/classifier", {"threshold": "50", "version": "1"})
    assert desk.suggestions(desk.new(REFUND)["id"]) == {}
    assert "It is switched off" in text_of(manager, "/settings/classifier")


def test_somebody_elses_change_is_not_overwritten(manager: PageClient) -> None:
    manager.submit("/settings/classifier", {"classify": "1", "threshold": "70", "version": "0"})
    answer = manager.submit("/settings/classifier", {"classify": "1", "threshold": "90", "version": "0"})
    assert answer.status_code == 409
    assert "changed these settings while you were editing them" in answer.text_of("main")


def test_a_version_tells_label_by_label(manager: PageClient, desk: Desk) -> None:
    row = desk.teach()
    page = manager.get(f"/settings/classifier/versions/{row.id}")
    assert page.text_of("h1") == "Category classifier, version 1"
    assert {"Billing", "Shipping", "Technical", "Account"} <= set(page.texts("tbody td:first-child"))


def test_going_back_says_that_nights_teach_nothing_now(manager: PageClient, desk: Desk) -> None:
    first = desk.teach()
    desk.train()
    manager.submit(f"/settings/classifier/versions/{first.id}/choose", {})
    page = text_of(manager, "/settings/classifier", "#classifier-category")
    assert "Version 1 answers" in page
    assert "You went back to this version" in page


def test_a_damaged_model_is_shown_as_damaged(manager: PageClient, desk: Desk, app: Flask) -> None:
    desk.teach()
    desk.damage(content=b"broken")
    with app.app_context():
        cache.bump(desk.scope.tenant_id, "classifier")
    assert "The model of version 1 is damaged" in text_of(manager, "/settings/classifier")


def test_figures_an_older_release_wrote_do_no_harm(manager: PageClient, desk: Desk) -> None:
    row = desk.teach()
    desk.damage(report={"accuracy": 0.5})
    assert manager.get("/settings/classifier").status_code == 200
    assert manager.get(f"/settings/classifier/versions/{row.id}").status_code == 200


def test_the_page_of_a_ticket_says_what_how_sure_and_why(agent: PageClient, desk: Desk) -> None:
    desk.teach()
    ticket = desk.new(REFUND)
    page = agent.get(f"/tickets/{ticket['id']}")
    said = " ".join(page.text_of("#classification").split())
    assert said.startswith("Classification Category set to Billing")
    assert "% sure Words such as “" in said
    assert said.count("Keep it") == said.count("Take it back") == 1
    assert "By your own classifier, version 1." in said


def test_parts_of_the_page_that_are_asked_for_together_are_all_whole(agent: PageClient, desk: Desk) -> None:
    """As an open page does when it hears that something changed."""
    desk.teach()
    path = f"/tickets/{desk.new(REFUND)['id']}"
    headers = {"Fairlead-Live": "1", "Fairlead-Parts": "record_summary classification conversation"}
    answer = agent.fragment(path, target="record_summary", headers=headers)
    said = answer.get_data(as_text=True)
    assert "Category set to" in said
    assert 'id="conversation"' in said
    assert "created this ticket" in said


def test_taking_it_back_with_one_click(agent: PageClient, desk: Desk) -> None:
    desk.teach()
    ticket = desk.new(REFUND)
    answer = agent.submit(f"/tickets/{ticket['id']}/classification/undo", {"field": "category"})
    page = agent.get(answer.headers["Location"])
    assert desk.world.row(ticket["id"])["category_id"] is None
    assert "taken back by" in " ".join(page.text_of("#classification").split())
    assert "Take it back" not in page.text_of("#classification")


def test_what_was_not_sure_enough_is_offered(agent: PageClient, desk: Desk) -> None:
    desk.teach()
    desk.settings(classify_threshold=1.0)
    ticket = desk.new(REFUND)
    said = " ".join(agent.get(f"/tickets/{ticket['id']}").text_of("#classification").split())
    assert "Category: perhaps Billing" in said
    agent.submit(f"/tickets/{ticket['id']}/classification/accept", {"field": "category"})
    assert desk.world.row(ticket["id"])["category_id"] == desk.categories[BILLING]


def test_what_a_person_chose_themselves_needs_no_suggestion(agent: PageClient, desk: Desk) -> None:
    desk.teach()
    ticket = desk.new(REFUND, category_id=desk.categories[SHIPPING])
    assert agent.get(f"/tickets/{ticket['id']}").text_of("#classification").strip() == ""


def test_a_viewer_sees_the_suggestion_and_no_buttons(viewer: PageClient, desk: Desk) -> None:
    desk.teach()
    page = viewer.get(f"/tickets/{desk.new(REFUND)['id']}")
    assert "Category set to" in page.text_of("#classification")
    assert not page.soup.select("#classification form")


def test_reasons_show_a_tickets_words_as_text(agent: PageClient, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.tickets.actions import classifying
    from tests.tickets.classifier.test_classifying import Says, Suggestion

    evil = "<img src=x onerror=alert(1)> {{ 7*7 }}"
    said = Suggestion(CATEGORY, str(desk.categories[BILLING]), 0.9, evil, "<b>x</b>", "<i>m</i>")
    monkeypatch.setattr(classifying, "CLASSIFIERS", [Says(said)])
    page = agent.get(f"/tickets/{desk.new(REFUND)['id']}")
    assert evil in page.text_of("#classification")
    assert not page.soup.select("#classification img, #classification b, #classification i:not(.icon)")


def test_the_commands_train_and_measure(desk: Desk, app: Flask) -> None:
    run = app.test_cli_runner().invoke
    little = run(args=["classifier", "eval", "acme"])
    assert little.exit_code == 1
    assert "it needs 50" in little.output
    desk.label()
    measured = run(args=["classifier", "eval", "acme"])
    assert measured.exit_code == 0, measured.output
    assert "60 tickets, of which 12 were held out" in measured.output
    assert desk.count(ClassifierVersion) == 0
    trained = run(args=["classifier", "train", "acme"])
    assert "Version 1: ready." in trained.output
    assert "Billing" in trained.output
    assert run(args=["classifier", "train", "nobody"]).exit_code == 1
    with desk.world.inside(desk.scope):
        training.ask_training(replace(desk.scope), CATEGORY)
    assert "already" in run(args=["classifier", "train", "acme"]).output
