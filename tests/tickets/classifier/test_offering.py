"""Asking classifiers: whatever one of them does, a ticket is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from app.core.scope import Scope
from app.tickets.classifier.offering import CATEGORY, PRIORITY, Labels, Suggestion, ask

LABELS = {CATEGORY: {"c1": "Billing", "c2": "Shipping"}, PRIORITY: {"low": "Low", "high": "High"}}
SCOPE = Scope(uuid4(), "Acme", "acme")


class Says:
    """A classifier that says this."""

    provider = "test"

    def __init__(self, *said: Suggestion, error: Exception | None = None) -> None:
        self.said, self.error, self.asked = said, error, 0

    def suggest(self, scope: Scope, subject: str, description: str, labels: Labels) -> Sequence[Suggestion]:
        self.asked += 1
        if self.error:
            raise self.error
        return [one for one in self.said if one.field in labels or one.field not in LABELS]


def said(field: str = CATEGORY, label: Any = "c1", confidence: float = 0.9, reasoning: str = "Words.") -> Suggestion:
    return Suggestion(field, label, confidence, reasoning, "test", "1")


def test_the_first_that_knows_a_field_is_believed() -> None:
    first, second = Says(said()), Says(said(label="c2"), said(PRIORITY, "high"))
    found = ask([first, second], SCOPE, "s", "d", LABELS)
    assert [(one.field, one.label) for one in found] == [(CATEGORY, "c1"), (PRIORITY, "high")]


def test_nobody_is_asked_when_all_is_answered() -> None:
    second = Says(said())
    ask([Says(said(), said(PRIORITY, "low")), second], SCOPE, "s", "d", LABELS)
    assert second.asked == 0


@pytest.mark.parametrize("error", [ValueError("secret text"), TimeoutError(), MemoryError(), RecursionError()])
def test_one_that_fails_is_passed_over_and_its_words_are_not_logged(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    found = ask([Says(error=error), Says(said(label="c2"))], SCOPE, "s", "d", LABELS)
    assert [one.label for one in found] == ["c2"]
    assert type(error).__name__ in str([record.__dict__ for record in caplog.records])
    assert "secret text" not in caplog.text


@pytest.mark.parametrize("label", ["c3", "", "Billing", "C1", "c1 ", "low"])
def test_a_label_outside_the_set_is_dropped(label: str) -> None:
    assert ask([Says(said(label=label))], SCOPE, "s", "d", LABELS) == []


def test_a_field_nobody_asked_about_is_dropped() -> None:
    assert ask([Says(said(field="owner_id", label="c1"))], SCOPE, "s", "d", {CATEGORY: LABELS[CATEGORY]}) == []


@pytest.mark.parametrize(("given", "kept"), [(7.0, 1.0), (-1.0, 0.0), (0.5, 0.5)])
def test_confidence_is_kept_between_nothing_and_certainty(given: float, kept: float) -> None:
    assert ask([Says(said(confidence=given))], SCOPE, "s", "d", LABELS)[0].confidence == kept


def test_confidence_that_is_no_number_is_dropped() -> None:
    assert ask([Says(said(confidence=float("nan")))], SCOPE, "s", "d", LABELS) == []


def test_reasoning_is_one_short_line() -> None:
    (found,) = ask([Says(said(reasoning="a\n\x00b\r\nc" + "x" * 9_000))], SCOPE, "s", "d", LABELS)
    assert found.reasoning.startswith("a b c")
    assert len(found.reasoning) == 500


def test_without_labels_nobody_is_asked() -> None:
    one = Says(said())
    assert ask([one], SCOPE, "s", "d", {CATEGORY: {}, PRIORITY: {}}) == []
    assert one.asked == 0
