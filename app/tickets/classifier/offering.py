"""What every classifier offers, whether it runs here or at a provider of models.

A classifier is given the labels it may choose from and suggests; what it says is checked, since a model's words are
data: a label outside the set is dropped, however it got there. Standard library only.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from app.core.scope import Scope

log = logging.getLogger(__name__)

CATEGORY, PRIORITY = FIELDS = ("category", "priority")
Labels = Mapping[str, Mapping[str, str]]
"""For each field its labels, by what is stored (a category's id, a priority's name): what people call them."""
_LONGEST_REASONING = 500


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a classifier makes of one field. `label` is None where it knows nothing; `confidence` is 0 to 1."""

    field: str
    label: str | None
    confidence: float
    reasoning: str
    provider: str
    model: str


class Classifier(Protocol):
    """Suggests labels for a ticket that is about to be stored, within a second or two at most.

    It answers for as many fields as it can, and may raise anything: whoever asks goes on without it. One that asks
    over a network brings its own time-outs.
    """

    provider: str

    def suggest(self, scope: Scope, subject: str, description: str, labels: Labels) -> Sequence[Suggestion]: ...


def ask(
    classifiers: Sequence[Classifier], scope: Scope, subject: str, description: str, labels: Labels
) -> list[Suggestion]:
    """At most one suggestion a field, each from the first classifier that has one. Never raises.

    A field whose labels are not given is not asked about.
    """
    found: dict[str, Suggestion] = {}
    for classifier in classifiers:
        open_fields = {name: options for name, options in labels.items() if options and name not in found}
        if not open_fields:
            break
        try:
            for suggestion in classifier.suggest(scope, subject, description, open_fields):
                checked = _checked(suggestion, open_fields)
                if checked is not None:
                    found.setdefault(checked.field, checked)
        except Exception as error:
            # A ticket is stored with or without: what failed stands in the log, by name only, never with the text.
            log.warning(
                "classifier_failed",
                extra={
                    "provider": classifier.provider,
                    "error": type(error).__name__,
                    "tenant_id": str(scope.tenant_id),
                },
            )
    return list(found.values())


def _checked(suggestion: Suggestion, labels: Labels) -> Suggestion | None:
    """The suggestion if it keeps to what was asked, else None."""
    if suggestion.field not in labels:
        return None
    if suggestion.label is not None and suggestion.label not in labels[suggestion.field]:
        log.warning("classifier_left_the_set", extra={"provider": suggestion.provider, "field": suggestion.field})
        return None
    if not math.isfinite(suggestion.confidence):
        return None
    return replace(
        suggestion,
        confidence=min(max(suggestion.confidence, 0.0), 1.0),
        reasoning=" ".join(suggestion.reasoning.replace("\x00", " ").split())[:_LONGEST_REASONING],
    )
