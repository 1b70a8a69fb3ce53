"""What a classifier does to a ticket, and what people do to that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.core import cache
from app.core.errors import Invalid
from app.core.scope import Scope
from app.extensions import db
from app.tickets.actions import classifying
from app.tickets.actions.offline import forget_models
from app.tickets.classifier.offering import CATEGORY, PRIORITY, Labels, Suggestion
from app.tickets.models.classification import ACCEPTED, CHANGED, UNDONE
from tests.tickets.classifier.corpus import BILLING, SHIPPING
from tests.tickets.classifier.desk import Desk

REFUND = "Please refund the invoice, my card was charged twice"


class Says:
    """A classifier of a provider, as one may join later."""

    provider = "elsewhere"

    def __init__(self, *said: Suggestion, error: BaseException | None = None) -> None:
        self.said, self.error = said, error

    def suggest(self, scope: Scope, subject: str, description: str, labels: Labels) -> Sequence[Suggestion]:
        if self.error:
            raise self.error
        return self.said


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`only(classifier)`: nobody else is asked."""

    def use(*classifiers: Any) -> None:
        monkeypatch.setattr(classifying, "CLASSIFIERS", list(classifiers))

    return use


def urgent(confidence: float = 0.95) -> Suggestion:
    return Suggestion(PRIORITY, "urgent", confidence, "Because.", "elsewhere", "m-1")


def test_before_anything_was_learned_nothing_is_suggested(desk: Desk) -> None:
    ticket = desk.new(REFUND)
    assert ticket["category_id"] is None
    assert desk.suggestions(ticket["id"]) == {}


def test_what_it_is_sure_of_is_written_where_nobody_chose(desk: Desk) -> None:
    desk.teach()
    ticket = desk.new(REFUND)
    assert ticket["category_id"] == desk.categories[BILLING]
    row = desk.suggestions(ticket["id"])[CATEGORY]
    assert (row.provider, row.model, row.label) == ("offline", "category 1", str(desk.categories[BILLING]))
    assert (row.applied, row.abstained, row.outcome) == (True, False, None)
    assert row.confidence >= 0.8
    assert row.reasoning.startswith("Words such as “")
    assert row.reasoning.endswith(
        f"point to Billing; {round(row.confidence * 100)} % sure. 60 of your tickets taught this."
    )
    assert desk.world.event_types(ticket["id"]) == ["created", "classified"]


def test_what_a_person_chose_is_never_written_over(desk: Desk) -> None:
    desk.teach()
    ticket = desk.new(REFUND, category_id=desk.categories[SHIPPING])
    assert ticket["category_id"] == desk.categories[SHIPPING]
    row = desk.suggestions(ticket["id"])[CATEGORY]
    assert (row.applied, row.outcome, row.final_label) == (False, CHANGED, str(desk.categories[SHIPPING]))


def test_below_the_threshold_nothing_is_written(desk: Desk) -> None:
    desk.teach()
    desk.settings(classify_threshold=1.0)
    ticket = desk.new(REFUND)
    assert ticket["category_id"] is None
    row = desk.suggestions(ticket["id"])[CATEGORY]
    assert (row.applied, row.abstained, row.label) == (False, True, str(desk.categories[BILLING]))


def test_switched_off_nobody_is_asked(desk: Desk) -> None:
    desk.teach()
    desk.settings(classify=False)
    assert desk.suggestions(desk.new(REFUND)["id"]) == {}


@pytest.mark.parametrize("subject", ["🙂🙂🙂", "zzqx vvkw", "退款"])
def test_a_text_it_knows_nothing_of_is_stored_without(desk: Desk, subject: str) -> None:
    desk.teach()
    ticket = desk.new(subject)
    assert ticket["category_id"] is None
    row = desk.suggestions(ticket["id"])[CATEGORY]
    assert (row.label, row.abstained, row.confidence) == (None, True, 0.0)


def test_a_huge_text_is_classified_by_its_beginning(desk: Desk) -> None:
    desk.teach()
    ticket = desk.new("Question", description=f"{REFUND}. " * 9_000)
    assert ticket["category_id"] == desk.categories[BILLING]


def test_an_archived_category_is_not_given_any_more(desk: Desk) -> None:
    desk.teach()
    desk.archive(BILLING)
    ticket = desk.new(REFUND)
    assert ticket["category_id"] is None
    assert desk.suggestions(ticket["id"])[CATEGORY].label is None


@pytest.mark.parametrize(
    "columns", [{"content": b"broken"}, {"content": None}, {"content": b""}, {"checksum": "0" * 64}]
)
def test_a_damaged_model_abstains_and_is_logged(
    desk: Desk, columns: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    desk.teach()
    desk.damage(**columns)
    with desk.world.inside(desk.scope):
        cache.bump(desk.scope.tenant_id, "classifier")
    ticket = desk.new(REFUND)
    assert ticket["category_id"] is None
    assert desk.suggestions(ticket["id"]) == {}
    assert any(record.message.startswith("classifier_model_") for record in caplog.records)


@pytest.mark.parametrize("error", [ValueError("x"), TimeoutError(), MemoryError(), RecursionError()])
def test_a_classifier_that_fails_never_stops_a_ticket(desk: Desk, only: Any, error: Exception) -> None:
    only(Says(error=error))
    assert desk.new(REFUND)["category_id"] is None


def test_a_failing_statement_in_a_classifier_never_stops_a_ticket(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement that fails spoils its transaction; behind a savepoint it does not spoil the ticket's."""
    desk.teach()
    forget_models()

    def broken(scope: Scope, version_id: Any) -> bytes:
        with db.session.begin_nested():
            db.session.execute(text("select no_such_function()"))
        raise AssertionError

    monkeypatch.setattr("app.tickets.queries.find_content", broken)
    ticket = desk.new(REFUND)
    assert ticket["category_id"] is None


def test_a_label_outside_the_set_is_not_written(desk: Desk, only: Any) -> None:
    only(
        Says(
            Suggestion(CATEGORY, str(uuid4()), 1.0, "x", "elsewhere", "m"),
            Suggestion(PRIORITY, "apocalyptic", 1.0, "x", "elsewhere", "m"),
            Suggestion("owner_id", str(desk.scope.user_id), 1.0, "x", "elsewhere", "m"),
        )
    )
    ticket = desk.new(REFUND)
    assert (ticket["category_id"], ticket["priority"], ticket["owner_id"]) == (None, "normal", None)
    assert desk.suggestions(ticket["id"]) == {}


def test_a_priority_is_only_set_where_nobody_was_asked_for_one(desk: Desk, only: Any) -> None:
    only(Says(urgent()))
    typed, mailed = desk.new(REFUND), desk.new(REFUND, by_mail=True)
    assert (typed["priority"], mailed["priority"]) == ("normal", "urgent")
    assert mailed["priority_order"] == 3
    assert desk.new(REFUND, by_mail=True, priority="high")["priority"] == "high"


def test_another_tenants_model_answers_nobody_here(desk: Desk, globex_world: Any) -> None:
    desk.teach()
    other = Desk(globex_world)
    assert other.new(REFUND)["category_id"] is None


def test_a_new_version_answers_at_once(desk: Desk) -> None:
    desk.teach()
    assert desk.suggestions(desk.new(REFUND)["id"])[CATEGORY].model == "category 1"
    desk.train()
    assert desk.suggestions(desk.new(REFUND)["id"])[CATEGORY].model == "category 2"


def test_somebody_changes_it_and_that_is_remembered(desk: Desk) -> None:
    desk.teach()
    ticket = desk.new(REFUND)
    desk.world.change(ticket["id"], category_id=desk.categories[SHIPPING])
    row = desk.suggestions(ticket["id"])[CATEGORY]
    assert (row.outcome, row.final_label) == (CHANGED, str(desk.categories[SHIPPING]))
    assert row.decided_by == desk.scope.user_id
    assert row.decided_at is not None


def test_a_change_elsewhere_decides_nothing(desk: Desk) -> None:
    desk.teach()
    ticket = desk.new(REFUND)
    desk.world.change(ticket["id"], subject="Refund")
    assert desk.suggestions(ticket["id"])[CATEGORY].outcome is None


def test_accepting_says_that_it_is_right(desk: Desk) -> None:
    desk.teach()
    ticket = desk.new(REFUND)
    with desk.world.inside(desk.scope):
        classifying.accept(desk.scope, ticket["id"], CATEGORY)
    assert desk.suggestions(ticket["id"])[CATEGORY].outcome == ACCEPTED
    assert desk.world.row(ticket["id"])["version"] == 1


def test_accepting_what_was_not_sure_writes_it(desk: Desk) -> None:
    desk.teach()
    desk.settings(classify_threshold=1.0)
    ticket = desk.new(REFUND)
    with desk.world.inside(desk.scope):
        classifying.accept(desk.scope, ticket["id"], CATEGORY)
    assert desk.world.row(ticket["id"])["category_id"] == desk.categories[BILLING]
    assert desk.suggestions(ticket["id"])[CATEGORY].outcome == ACCEPTED


def test_taking_it_back_empties_the_field(desk: Desk) -> None:
    desk.teach()
    ticket = desk.new(REFUND)
    for _ in range(2):
        with desk.world.inside(desk.scope):
            classifying.undo(desk.scope, ticket["id"], CATEGORY)
        assert desk.world.row(ticket["id"])["category_id"] is None
        row = desk.suggestions(ticket["id"])[CATEGORY]
        assert (row.outcome, row.final_label) == (UNDONE, None)


def test_taking_back_a_priority_makes_it_normal(desk: Desk, only: Any) -> None:
    only(Says(urgent()))
    ticket = desk.new(REFUND, by_mail=True)
    with desk.world.inside(desk.scope):
        classifying.undo(desk.scope, ticket["id"], PRIORITY)
    assert desk.world.row(ticket["id"])["priority"] == "normal"


def test_taking_back_leaves_what_a_person_chose_meanwhile(desk: Desk) -> None:
    desk.teach()
    ticket = desk.new(REFUND)
    desk.world.change(ticket["id"], category_id=desk.categories[SHIPPING])
    with desk.world.inside(desk.scope):
        classifying.undo(desk.scope, ticket["id"], CATEGORY)
    assert desk.world.row(ticket["id"])["category_id"] == desk.categories[SHIPPING]
    assert desk.suggestions(ticket["id"])[CATEGORY].outcome == CHANGED


def test_what_was_not_suggested_can_be_neither_accepted_nor_taken_back(desk: Desk) -> None:
    ticket = desk.new(REFUND)
    for act in (classifying.accept, classifying.undo):
        for field in (CATEGORY, PRIORITY, "owner_id"):
            with pytest.raises(Invalid), desk.world.inside(desk.scope):
                act(desk.scope, ticket["id"], field)


def test_a_category_that_was_archived_meanwhile_cannot_be_accepted(desk: Desk) -> None:
    desk.teach()
    desk.settings(classify_threshold=1.0)
    ticket = desk.new(REFUND)
    desk.archive(BILLING)
    with pytest.raises(Invalid), desk.world.inside(desk.scope):
        classifying.accept(desk.scope, ticket["id"], CATEGORY)
