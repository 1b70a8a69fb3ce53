"""The controls of forms and filters, and the form of a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.core import people
from app.core.people import Person
from app.core.records import queries
from app.core.records.actions import values_of
from app.core.records.fields import Choice, Currency, Field, Reference, currencies
from app.core.records.forms import NONE, RecordForm
from app.core.records.kind import RecordKind
from app.core.records.models import Record
from app.core.records.reach import may_assign
from app.core.scope import Scope


@dataclass(frozen=True, slots=True)
class FilterInput:
    """One control of the filter panel."""

    key: str
    label: str
    widget: str
    options: tuple[tuple[str, str], ...]
    chosen: tuple[str, ...]
    quick: bool = False


@dataclass(frozen=True, slots=True)
class FormInput:
    """One control of a form; an amount's brings its currency, whose choices are then `options`."""

    spec: Field
    raw: str
    error: str
    options: tuple[tuple[str, str], ...] = ()
    currency_name: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class FormPage:
    """A form by groups of inputs; `record_id` is None for a new record."""

    groups: list[tuple[str, list[FormInput]]]
    errors: dict[str, str]
    version: int
    record_id: UUID | None
    title: str


def offered(scope: Scope, kind: RecordKind) -> tuple[Field, ...]:
    """The fields the asker is offered to fill in: the owner only if they may decide who that is."""
    return tuple(spec for spec in kind.editable if spec.name != "owner_id" or may_assign(scope, kind))


def blank_form(scope: Scope, kind: RecordKind) -> RecordForm:
    """A new record's form: the asker owns it, and money is in the tenant's currency."""
    raw = {spec.name: spec.type.text(spec.default, scope) for spec in kind.editable if spec.default}
    raw |= {spec.name: scope.currency for spec in kind.fields if isinstance(spec.type, Currency)}
    if kind.has_field("owner_id") and kind.owned_by_maker:
        raw["owner_id"] = str(scope.user_id)
    return RecordForm(raw=raw)


def filled_form(scope: Scope, kind: RecordKind, record: Record) -> RecordForm:
    raw = {spec.name: spec.type.text(getattr(record, spec.name), scope) for spec in kind.editable}
    return RecordForm(raw=raw, version=record.version)


def form_page(scope: Scope, kind: RecordKind, form: RecordForm, record_id: UUID | None) -> FormPage:
    groups: dict[str, list[FormInput]] = {}
    for spec in kind.facts(offered(scope, kind)):
        groups.setdefault(spec.group, []).append(form_input(scope, kind, spec, form))
    title = f"Edit {kind.label.lower()}" if record_id else f"New {kind.label.lower()}"
    return FormPage(list(groups.items()), form.errors, form.version, record_id, title)


def form_input(scope: Scope, kind: RecordKind, spec: Field, form: RecordForm) -> FormInput:
    raw, error = form.raw.get(spec.name, ""), form.errors.get(spec.name, "")
    if spec.name not in kind.currency_of:
        return FormInput(spec, raw, error, options_of(scope, spec, people.list_people(scope), raw))
    name = kind.currency_of[spec.name]
    currency = form.raw.get(name, "")
    error = " ".join(filter(None, (error, form.errors.get(name))))
    codes = dict.fromkeys((currency, scope.currency, *sorted(currencies())))
    return FormInput(spec, raw, error, tuple((code, code or "–") for code in codes), name, currency)


def similar_records(
    scope: Scope, kind: RecordKind, form: RecordForm, *, beside: UUID | None
) -> list[tuple[UUID, str, str]]:
    """Records that what has been typed so far may repeat: (id, title, company or address)."""
    values = {spec.name: spec.type.empty for spec in kind.fields} | form.values
    if not any(form.values.get(name) for name in kind.title_fields):
        return []
    found = queries.list_similar(scope, kind, [kind.derive(values)["match_key"]], beside=beside)
    return [(row.id, *_name_and_more(kind, row)) for row in found]


def options_of(scope: Scope, spec: Field, crowd: Sequence[Person], chosen: str = "") -> tuple[tuple[str, str], ...]:
    """What a select offers: of people and named things those that are here, and whatever is chosen already."""
    if isinstance(spec.type, Reference):
        return tuple((str(one.id), one.name) for one in spec.type.load(scope) if one.active or str(one.id) == chosen)
    if isinstance(spec.type, Choice):
        return tuple((value, label) for value, label, _ in spec.type.options)
    if spec.type.widget == "person":
        return tuple((str(person.id), person.name) for person in crowd if person.active or str(person.id) == chosen)
    return ()


def none_option(spec: Field) -> tuple[str, str]:
    return NONE, "Nobody" if spec.type.widget == "person" else "None"


def _name_and_more(kind: RecordKind, record: Record) -> tuple[str, str]:
    values = values_of(kind, record)
    title = kind.title(values)
    more = [str(values[name]) for name in kind.title_fields if values.get(name) and str(values[name]) not in title]
    return title, " · ".join(more)
