"""The classifier that needs no key and no network: the tenant's own model, kept in this process once it was used."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from cachetools import LRUCache

from app.core.scope import Scope
from app.tickets import queries
from app.tickets.classifier.offering import Labels, Suggestion
from app.tickets.queries import ActiveVersion

if TYPE_CHECKING:
    from app.tickets.classifier.model import Guess, Model

log = logging.getLogger(__name__)
PROVIDER = "offline"
_MOST_BYTES = 48 * 2**20
_LEAST_BYTES = 64 * 2**10


class OfflineClassifier:
    """Predicts with the active versions of the tenant's own classifiers."""

    provider = PROVIDER

    def suggest(self, scope: Scope, subject: str, description: str, labels: Labels) -> Sequence[Suggestion]:
        """One suggestion for each field that has a trained version, if it can be read."""
        from app.tickets.classifier.text import ticket_text

        active = queries.list_active_versions(scope)
        text = ticket_text(subject, description)
        found = []
        for field, options in labels.items():
            version = active.get(field)
            model = load_model(scope, version) if version else None
            if version and model:
                found.append(_suggestion(version, model.guess(text, options), options))
        return found


def load_model(scope: Scope, version: ActiveVersion) -> Model | None:
    """The version's model, from this process's memory or the database; None if it is damaged, which is logged."""
    key = (scope.tenant_id, version.id, version.checksum)
    with _lock:
        kept = _models.get(key)
    if kept is None:
        kept = _read(scope, version)
        with _lock:
            _models[key] = kept
    return kept.model


def forget_models() -> None:
    """Empties this process's memory of models."""
    with _lock:
        _models.clear()


class _Kept:
    """A model in memory, or that it cannot be read: then nobody reads it again until it is replaced."""

    def __init__(self, model: Model | None) -> None:
        self.model = model
        self.size = max(model.size if model else 0, _LEAST_BYTES)


_models: LRUCache[tuple[UUID, UUID, str], _Kept] = LRUCache(_MOST_BYTES, getsizeof=lambda kept: kept.size)
_lock = threading.Lock()


def _read(scope: Scope, version: ActiveVersion) -> _Kept:
    from app.tickets.classifier.model import DamagedModel, from_bytes

    told: dict[str, Any] = {"tenant_id": str(scope.tenant_id), "field": version.field, "number": version.number}
    content = queries.find_content(scope, version.id)
    if content is None:
        log.error("classifier_model_missing", extra=told)
        return _Kept(None)
    try:
        return _Kept(from_bytes(content, version.checksum))
    except DamagedModel as damaged:
        log.error("classifier_model_damaged", extra={**told, "problem": str(damaged)})
        return _Kept(None)


def _suggestion(version: ActiveVersion, guess: Guess | None, options: Any) -> Suggestion:
    model = f"{version.field} {version.number}"
    if guess is None:
        reason = "Nothing in it is known from tickets whose labels people chose."
        return Suggestion(version.field, None, 0.0, reason, PROVIDER, model)
    reason = _reason(guess, options[guess.label], version.examples)
    return Suggestion(version.field, guess.label, guess.confidence, reason, PROVIDER, model)


def _reason(guess: Guess, name: str, examples: int) -> str:
    """“Words such as “refund” and “card” point to Billing; 87 % sure. 1,240 of your tickets taught this.”"""
    quoted = [f"“{word}”" for word in guess.words]
    words = " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
    begin = f"Words such as {words} point to {name}" if words else f"Its wording as a whole points to {name}"
    return f"{begin}; {guess.confidence:.0%} sure. {examples:,} of your tickets taught this.".replace(
        "% sure", " % sure"
    )
