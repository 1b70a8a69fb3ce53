"""What a chunk of rows will do: which records it creates or updates, what it skips and refuses, and why. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.core.clock import new_id
from app.core.records.actions import stored
from app.core.records.fields import FieldError, Names
from app.core.records.kind import RecordKind
from app.core.transfer.mapping import CREATE, SKIP
from app.core.transfer.parsing import Composer, Parsed, RowParser
from app.core.transfer.reading import Row


@dataclass(slots=True)
class Draft:
    """A row that can be read: the record it would be, and the key by which it may be known already."""

    parsed: Parsed
    whole: dict[str, Any]
    columns: dict[str, Any]

    @property
    def key(self) -> str:
        return self.columns["match_key"]


@dataclass(frozen=True, slots=True)
class Existing:
    """A live record with one of the keys; `values` are its fields, loaded only where rows may update it."""

    id: UUID
    values: Mapping[str, Any] = field(default_factory=dict)
    changeable: bool = True


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row is refused: the first column that is wrong, and all of its sentences."""

    row: Row
    column: str
    message: str


@dataclass(slots=True)
class New:
    """A record to be created."""

    id: UUID
    row_number: int
    whole: dict[str, Any]
    columns: dict[str, Any]


@dataclass(slots=True)
class Changed:
    """A record to be updated: its fields before this chunk and after."""

    id: UUID
    before: Mapping[str, Any]
    whole: dict[str, Any]
    columns: dict[str, Any]


@dataclass(slots=True)
class Plan:
    """What one chunk does. `updated` and `skipped` count rows, several of which may be for one record."""

    new: list[New] = field(default_factory=list)
    changed: dict[UUID, Changed] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    updated: int = 0
    skipped: int = 0

    @property
    def created(self) -> int:
        return len(self.new)

    @property
    def refused(self) -> int:
        return len(self.problems)


class Planner:
    """Decides row after row, in the order of the file, as if each were written before the next is read."""

    def __init__(
        self,
        kind: RecordKind,
        parser: RowParser,
        composer: Composer,
        duplicates: str,
        names: Mapping[str, Names] | None = None,
    ) -> None:
        self._kind, self._parser, self._composer, self._duplicates = kind, parser, composer, duplicates
        self._names = names or {}

    def take_fresh(self) -> dict[str, dict[UUID, str]]:
        """What the rows read so far name that is not there, by field; asked again, only what came since."""
        taken: dict[str, dict[UUID, str]] = {}
        for field_name, names in self._names.items():
            for id_ in list(names.fresh):
                taken.setdefault(field_name, {})[id_] = names.fresh.pop(id_)
        return taken

    @property
    def looks_up(self) -> bool:
        """Whether rows are compared with the records that are there."""
        return self._duplicates != CREATE

    @property
    def updates(self) -> bool:
        return self.looks_up and self._duplicates != SKIP

    def draft(self, rows: Iterable[Row]) -> list[Draft | Problem]:
        """The part that needs no database: cells into values."""
        return [self._draft(row) for row in rows]

    def plan(
        self,
        drafts: Iterable[Draft | Problem],
        existing: Mapping[str, Existing],
        seen: Collection[str] = frozenset(),
    ) -> Plan:
        """What the rows do, given the records that share a key with one of them.

        `seen` are keys of earlier rows of this file that a dry run did not write.
        """
        plan = Plan()
        known: dict[str, Existing | New] = dict(existing) if self.looks_up else {}
        for draft in drafts:
            if isinstance(draft, Problem):
                plan.problems.append(draft)
                continue
            target = known.get(draft.key)
            if target is None and self.looks_up and draft.key in seen:
                plan.updated += self.updates
                plan.skipped += not self.updates
            elif target is None:
                self._create(plan, draft, known)
            elif self.updates:
                self._update(plan, draft, target)
            else:
                plan.skipped += 1
        return plan

    def _draft(self, row: Row) -> Draft | Problem:
        parsed = self._parser.parse(row)
        if parsed.problems:
            return _problem(parsed)
        try:
            whole = self._composer.new(parsed)
        except FieldError as wrong:
            return Problem(row, "", str(wrong))
        return Draft(parsed, whole, stored(self._kind, whole))

    def _create(self, plan: Plan, draft: Draft, known: dict[str, Existing | New]) -> None:
        if errors := self._composer.missing(draft.whole) or self._composer.refused(draft.whole):
            plan.problems.append(self._broken(draft, errors))
            return
        new = New(new_id(), draft.parsed.row.number, draft.whole, draft.columns)
        plan.new.append(new)
        if self.looks_up:
            known[draft.key] = new

    def _update(self, plan: Plan, draft: Draft, target: Existing | New) -> None:
        if isinstance(target, Existing) and not target.changeable:
            label = self._kind.label.lower()
            plan.problems.append(Problem(draft.parsed.row, "", f"This {label} is there, and not yours to change."))
            return
        earlier = plan.changed.get(target.id)
        before = target.whole if isinstance(target, New) else earlier.whole if earlier else target.values
        try:
            whole = self._composer.updated(before, draft.parsed)
        except FieldError as wrong:
            plan.problems.append(Problem(draft.parsed.row, "", str(wrong)))
            return
        if errors := self._composer.refused(whole, before):
            plan.problems.append(self._broken(draft, errors))
        elif not differing(before, whole):
            plan.skipped += 1
        else:
            plan.updated += 1
            self._keep(plan, target, whole)

    def _keep(self, plan: Plan, target: Existing | New, whole: dict[str, Any]) -> None:
        columns = stored(self._kind, whole)
        if isinstance(target, New):
            target.whole, target.columns = whole, columns
        elif target.id in plan.changed:
            plan.changed[target.id].whole, plan.changed[target.id].columns = whole, columns
        else:
            plan.changed[target.id] = Changed(target.id, target.values, whole, columns)

    def _broken(self, draft: Draft, errors: Mapping[str, str]) -> Problem:
        """A rule of the whole record: said at the column of the first field it names."""
        column = next((self._parser.column_of(name) for name in errors if self._parser.column_of(name)), "")
        return Problem(draft.parsed.row, column, " ".join(errors.values()))


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The fields that changed, each with its value before and after."""
    return {
        name: (before.get(name), value)
        for name, value in after.items()
        if _comparable(before.get(name)) != _comparable(value)
    }


def _comparable(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _problem(parsed: Parsed) -> Problem:
    """All that is wrong with a row in one: the first column, and the sentences, each with its column."""
    column = parsed.problems[0][0]
    if len(parsed.problems) == 1:
        return Problem(parsed.row, column, parsed.problems[0][1])
    sentences = " ".join(f"{name}: {message}" if name else message for name, message in parsed.problems)
    return Problem(parsed.row, column, sentences)
