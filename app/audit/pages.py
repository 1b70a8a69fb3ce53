"""What the page of the log shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.audit import queries
from app.audit.forms import LogForm
from app.audit.presenting import AlertLine, Entry, present_alerts, present_log
from app.core import people
from app.core.records.kind import all_kinds
from app.core.scope import Scope
from app.core.sentences import described_types

_RECORD_VERBS = ("created", "changed", "moved", "noted", "note-deleted", "deleted", "restored", "exported", "import")
Choices = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries and alerts, what can be chosen, and the ids that lead on."""

    entries: list[Entry]
    alerts: list[AlertLine]
    form: LogForm
    people: Choices
    kinds: Choices
    types: Choices
    older: UUID | None
    newer: UUID | None
    most_exported: int = queries.MOST_EXPORTED


def log_page(scope: Scope, form: LogForm) -> AuditPage:
    names = people.names_of(scope)
    found = queries.list_log(scope, form.wanted)
    return AuditPage(
        entries=present_log(scope, found, names),
        alerts=present_alerts(queries.list_alerts(scope), names),
        form=form,
        people=[(str(id_), name) for id_, name in names.items()],
        kinds=_kinds(),
        types=_types(),
        older=found.older,
        newer=found.newer,
    )


def _types() -> Choices:
    records = [f"{kind.name}.{verb}" for kind in all_kinds() for verb in _RECORD_VERBS]
    return [(name, name) for name in sorted({*records, *described_types()})]


def _kinds() -> Choices:
    records = [(kind.name, kind.label_plural) for kind in all_kinds()]
    named = {kind for kind, _ in records}
    others = sorted({name.rpartition(".")[0] for name in described_types()} - named)
    return [*records, *((name, name.replace("_", " ").capitalize()) for name in others)]
