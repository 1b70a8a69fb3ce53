"""What each page of a record kind needs, gathered from queries into dataclasses that templates print."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core import people
from app.core.errors import Conflict, NotFound
from app.core.people import Person
from app.core.records import queries
from app.core.records.actions import values_of
from app.core.records.fields import Choice, Currency, Field, Money, ParseContext, currencies
from app.core.records.forms import NONE, MoveForm, RecordForm
from app.core.records.kind import RecordKind, Sort
from app.core.records.listing import Filter, ListRequest, read
from app.core.records.models import Record, SavedView
from app.core.records.presenting import (
    Cell,
    Row,
    TimelineItem,
    exact_time,
    present_cell,
    present_row,
    present_timeline,
    show,
)
from app.core.records.queries import Count, ListPage
from app.core.scope import Scope

NAMED = 5
_TIMELINE = 30


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading; `sort` is the address's sort that a click asks for, `direction` the present one."""

    name: str
    label: str
    sort: str | None = None
    direction: str = ""
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class ListTable:
    """What `records/table.html` prints; `next` and `previous` are query strings or None."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    next: str | None
    previous: str | None
    count: Count
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListPageView:
    """What surrounds the table: saved views, filters with their choices, chips, column choices, bulk choices.

    `beside_filters` is what of the address the form of filters has no control for.
    """

    views: list[dict[str, Any]]
    filters: list[FilterInput]
    beside_filters: list[tuple[str, str]]
    chips: list[tuple[str, str, str]]
    column_choices: list[dict[str, Any]]
    sorts: tuple[Sort, ...]
    people: list[Person]
    statuses: tuple[tuple[str, str, str], ...]
    bulk_fields: list[Field]

    def chip_links(self, url: str) -> list[dict[str, str]]:
        return [{"label": label, "value": value, "remove_url": url + rest} for label, value, rest in self.chips]

    @property
    def status_choices(self) -> list[tuple[str, str]]:
        return [(value, label) for value, label, _ in self.statuses]

    def bulk_options(self, spec: Field) -> tuple[tuple[str, str], ...]:
        """What a field of many records can be set to, emptying it included."""
        options = _options(spec, self.people)
        return (*options, _none_option(spec)) if options and not spec.required else options


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


@dataclass(frozen=True, slots=True)
class RecordPage:
    record_id: UUID
    title: str
    version: int
    status: Cell | None
    moves: list[tuple[str, str, bool]]
    groups: list[tuple[str, list[tuple[Cell, bool]]]]
    timeline: list[TimelineItem]
    older: UUID | None
    created: datetime
    updated: datetime
    item_time: Callable[[TimelineItem], str]
    note: str = ""
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FieldPage:
    """One field in place: shown, or being edited; `theirs` is set when somebody else changed it meanwhile."""

    record_id: UUID
    cell: Cell
    spec: Field
    version: int
    can_edit: bool
    input: FormInput | None = None
    message: str = ""
    theirs: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class ConflictPage:
    """Both versions of what differs, as the conflict macro takes them."""

    by: str
    at: datetime
    rows: list[dict[str, str]]
    version: int
    record_id: UUID
    action: str


@dataclass(frozen=True, slots=True)
class DeletePage:
    names: list[str]
    count: int
    ids: tuple[UUID, ...]
    action: str

    @property
    def id_texts(self) -> list[str]:
        return [str(record_id) for record_id in self.ids]


@dataclass(frozen=True, slots=True)
class MovePage:
    record_id: UUID
    title: str
    version: int
    to: str
    to_label: str
    reason: str
    needs_reason: bool
    errors: Mapping[str, str]


def list_table(scope: Scope, kind: RecordKind, state: ListRequest, page: ListPage) -> ListTable:
    names = people.names_of(scope)
    notices = page.notices + _cap_notice(kind, state, page)
    return ListTable(
        columns=tuple(_column(kind, state, name) for name in ("", *state.columns)),
        rows=tuple(present_row(scope, kind, row, state.columns, names) for row in page.rows),
        next=state.search_string(cursor=page.next.encode()) if page.next else None,
        previous=state.search_string(cursor=page.previous.encode()) if page.previous else None,
        count=page.count,
        notices=notices,
    )


def list_page(scope: Scope, kind: RecordKind, state: ListRequest, views: list[dict[str, Any]]) -> ListPageView:
    crowd = people.list_people(scope)
    lifecycle_type = kind.status_type
    filters = [
        replace(item, quick=spec.name in kind.quick_filters)
        for spec in kind.filterable
        for item in _filter_inputs(kind, spec, state, crowd)
    ]
    return ListPageView(
        views=[view | {"active": view["id"] == str(state.view_id)} for view in views],
        filters=filters,
        beside_filters=_beside_filters(state, filters),
        chips=[_chip(kind.field(item.field), item, crowd, state) for item in state.filters],
        column_choices=[
            {"key": spec.name, "label": spec.label, "shown": spec.name in state.columns} for spec in kind.listable
        ],
        sorts=kind.sorts,
        people=[person for person in crowd if person.active],
        statuses=lifecycle_type.options if lifecycle_type else (),
        bulk_fields=[kind.field(name) for name in kind.bulk_fields],
    )


def sample_listing(scope: Scope, kind: RecordKind) -> ListRequest:
    """The list of the kind's sample records: those with its sample tag."""
    return read(kind, {"tags": [kind.sample_tag]}, ParseContext(scope))


def view_tab(scope: Scope, kind: RecordKind, view: SavedView) -> dict[str, Any]:
    """A saved view as the list's tabs show it; `params` is its part of the address."""
    pairs = [(key, value) for key, values in view.query.items() for value in values]
    return {
        "id": str(view.id),
        "name": view.name,
        "shared": view.shared,
        "pinned": view.pinned,
        "own": view.owner_id == scope.user_id,
        "params": [*pairs, ("view", str(view.id))],
    }


def blank_form(scope: Scope, kind: RecordKind) -> RecordForm:
    """A new record's form: the asker owns it, and money is in the tenant's currency."""
    raw = {spec.name: scope.currency for spec in kind.fields if isinstance(spec.type, Currency)}
    if kind.has_field("owner_id"):
        raw["owner_id"] = str(scope.user_id)
    return RecordForm(raw=raw)


def filled_form(scope: Scope, kind: RecordKind, record: Record) -> RecordForm:
    raw = {spec.name: spec.type.text(getattr(record, spec.name), scope) for spec in kind.editable}
    return RecordForm(raw=raw, version=record.version)


def form_page(scope: Scope, kind: RecordKind, form: RecordForm, record_id: UUID | None) -> FormPage:
    groups: dict[str, list[FormInput]] = {}
    for spec in kind.facts(kind.editable):
        groups.setdefault(spec.group, []).append(form_input(scope, kind, spec, form))
    title = f"Edit {kind.label.lower()}" if record_id else f"New {kind.label.lower()}"
    return FormPage(list(groups.items()), form.errors, form.version, record_id, title)


def form_input(scope: Scope, kind: RecordKind, spec: Field, form: RecordForm) -> FormInput:
    raw, error = form.raw.get(spec.name, ""), form.errors.get(spec.name, "")
    if spec.name not in kind.currency_of:
        return FormInput(spec, raw, error, _options(spec, people.list_people(scope), raw))
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


def record_page(
    scope: Scope,
    kind: RecordKind,
    record: Record,
    *,
    before: UUID | None = None,
    note: str = "",
    errors: dict[str, str] | None = None,
) -> RecordPage:
    values, names = values_of(kind, record), people.names_of(scope)
    subjects = [record.id, *([record.import_id] if record.import_id else [])]
    events = queries.list_events(scope, subjects, before=before, limit=_TIMELINE + 1)
    note_ids = [UUID(event.data["note_id"]) for event in events if event.type == f"{kind.name}.noted"]
    notes = queries.list_notes(scope, kind, record.id, note_ids)
    older = events[_TIMELINE - 1].id if len(events) > _TIMELINE else None
    return RecordPage(
        record_id=record.id,
        title=kind.title(values),
        version=record.version,
        status=_status_cell(scope, kind, values),
        moves=_moves(kind, values),
        groups=_groups(scope, kind, values, names),
        timeline=present_timeline(scope, kind, events[:_TIMELINE], notes, names, row=record.import_row),
        older=older,
        created=record.created_at,
        updated=record.updated_at,
        item_time=lambda item: exact_time(scope, item.at),
        note=note,
        errors=errors or {},
    )


def inline_field(kind: RecordKind, name: str) -> Field:
    """Raises NotFound for a field that is not edited in place."""
    spec = kind.field(name)
    if not (spec.inline and spec.editable):
        raise NotFound(f"{spec.label} cannot be edited here.")
    return spec


def field_page(
    scope: Scope,
    kind: RecordKind,
    record: Record,
    spec: Field,
    *,
    editing: bool = False,
    form: RecordForm | None = None,
    conflict: Conflict | None = None,
) -> FieldPage:
    values, names = values_of(kind, record), people.names_of(scope)
    shown = filled_form(scope, kind, record) if form is None else form
    wants_input = editing or form is not None
    return FieldPage(
        record_id=record.id,
        cell=present_cell(scope, spec, getattr(record, spec.name), values, names),
        spec=spec,
        version=record.version,
        can_edit=spec.inline and spec.editable and scope.may(kind.permission("update")),
        input=form_input(scope, kind, spec, shown) if wants_input else None,
        message=conflict.message if conflict else "",
        theirs=show(scope, spec, conflict.theirs[spec.name], values, names) if conflict else "",
        title=kind.title(values),
    )


def conflict_page(
    scope: Scope, kind: RecordKind, record: Record, form: RecordForm, conflict: Conflict, action: str
) -> ConflictPage:
    names = people.names_of(scope)
    rows = []
    for name, mine in conflict.mine.items():
        spec, theirs = kind.field(name), conflict.theirs[name]
        raw_theirs = spec.type.text(theirs, scope)
        if spec.type.text(mine, scope) != raw_theirs:
            sides = {
                "mine": show(scope, spec, mine, conflict.mine, names),
                "mine_value": form.raw.get(name, ""),
                "theirs": show(scope, spec, theirs, conflict.theirs, names),
            }
            rows.append({"name": name, "label": spec.label, **sides})
    return ConflictPage(conflict.by or "Someone", record.updated_at, rows, record.version, record.id, action)


def delete_page(
    scope: Scope, kind: RecordKind, records: Sequence[Record], action: str, *, ids: Sequence[UUID] = ()
) -> DeletePage:
    names = [kind.title(values_of(kind, record)) for record in records[:NAMED]]
    return DeletePage(names, len(ids) or len(records), tuple(ids), action)


def move_page(scope: Scope, kind: RecordKind, record: Record, form: MoveForm, errors: Mapping[str, str]) -> MovePage:
    assert kind.lifecycle is not None
    assert kind.status_type is not None
    return MovePage(
        record_id=record.id,
        title=kind.title(values_of(kind, record)),
        version=record.version,
        to=form.to,
        to_label=kind.status_type.label(form.to),
        reason=form.reason,
        needs_reason=form.to in kind.lifecycle.reasoned,
        errors=errors,
    )


def _column(kind: RecordKind, state: ListRequest, name: str) -> Column:
    """The title's column has no name; a column sorts if the kind has the sort its field names, then the other way."""
    spec = kind.field(name) if name else None
    label = spec.label if spec else kind.label
    numeric = spec is not None and isinstance(spec.type, Money)
    first = next((sort for sort in kind.sorts if sort.name == (spec.sort if spec else "name")), None)
    if first is None:
        return Column(name, label, numeric=numeric)
    back = (sort for sort in kind.sorts if sort.column == first.column and sort.descending is not first.descending)
    asked = next(back, first) if state.sort == first else first
    direction = "descending" if state.sort.descending else "ascending"
    shown = direction if state.sort.column == first.column else ""
    return Column(name, label, state.search_string(sort=asked.name), shown, numeric)


def _cap_notice(kind: RecordKind, state: ListRequest, page: ListPage) -> tuple[str, ...]:
    narrowed = state.searches and (state.conditions or state.sort.column != "id")
    if not narrowed or len(page.rows) == 0:
        return ()
    found = queries.search_is_capped(kind, state)
    if not found:
        return ()
    return (f"Very many match; only the {queries.SEARCH_CAP:,} newest matches are looked at. Narrow the search.",)


def _filter_inputs(kind: RecordKind, spec: Field, state: ListRequest, crowd: Sequence[Person]) -> list[FilterInput]:
    chosen: dict[str, list[str]] = {}
    for item in state.filters:
        if item.field == spec.name:
            chosen.setdefault(item.key, []).extend(item.raw)
    words = {"min": "at least", "max": "at most", "from": "from", "to": "until"}
    inputs = []
    for operator in spec.type.operators:
        key = f"{spec.name}_{operator}" if operator in words else spec.name
        label = f"{spec.label} {words[operator]}" if operator in words else spec.label
        options = _options(spec, crowd) if operator != "is" else (("yes", "Yes"), ("no", "No"))
        if operator == "in" and not (kind.lifecycle and spec.name == kind.lifecycle.field):
            options = (*options, _none_option(spec))
        inputs.append(FilterInput(key, label, spec.type.widget, options, tuple(chosen.get(key, ()))))
    return inputs


def _options(spec: Field, crowd: Sequence[Person], chosen: str = "") -> tuple[tuple[str, str], ...]:
    """What a select offers: of people those who are here, and whoever is chosen already."""
    if isinstance(spec.type, Choice):
        return tuple((value, label) for value, label, _ in spec.type.options)
    if spec.type.widget == "person":
        return tuple((str(person.id), person.name) for person in crowd if person.active or str(person.id) == chosen)
    return ()


def _none_option(spec: Field) -> tuple[str, str]:
    return NONE, "Nobody" if spec.type.widget == "person" else "None"


def _beside_filters(state: ListRequest, filters: Sequence[FilterInput]) -> list[tuple[str, str]]:
    """The address without what the controls show: a select shows the first of several values, the rest is kept."""
    rest = [(item.key, value) for item in filters if item.options for value in item.chosen[1:]]
    shown = {item.key for item in filters} | {"sort"}
    return [pair for pair in state.params() if pair[0] not in shown] + rest


def _chip(spec: Field, item: Filter, crowd: Sequence[Person], state: ListRequest) -> tuple[str, str, str]:
    """An active filter: its field, what it asks for, and the address without it."""
    text = item.label
    if spec.type.widget == "person":
        names = {person.id: person.name for person in crowd}
        text = " or ".join(names.get(value, "someone") if value else "nobody" for value in item.value)
    return spec.label, text, state.without(item)


def _status_cell(scope: Scope, kind: RecordKind, values: Mapping[str, Any]) -> Cell | None:
    if kind.lifecycle is None:
        return None
    spec = kind.field(kind.lifecycle.field)
    return present_cell(scope, spec, values[spec.name], values, {})


def _moves(kind: RecordKind, values: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    """The moves allowed now: (status, label, whether a reason is asked)."""
    if kind.lifecycle is None or kind.status_type is None:
        return []
    allowed = kind.lifecycle.moves.get(values[kind.lifecycle.field], ())
    return [(to, kind.status_type.label(to), to in kind.lifecycle.reasoned) for to in allowed]


def _groups(
    scope: Scope, kind: RecordKind, values: Mapping[str, Any], names: Mapping[UUID, str]
) -> list[tuple[str, list[tuple[Cell, bool]]]]:
    """The fields by group, each with whether the asker may edit it in place."""
    may_update = scope.may(kind.permission("update"))
    groups: dict[str, list[tuple[Cell, bool]]] = {}
    for spec in kind.facts(kind.fields):
        if kind.lifecycle and spec.name == kind.lifecycle.field:
            continue
        cell = present_cell(scope, spec, values[spec.name], values, names)
        groups.setdefault(spec.group, []).append((cell, may_update and spec.inline and spec.editable))
    return list(groups.items())


def _name_and_more(kind: RecordKind, record: Record) -> tuple[str, str]:
    values = values_of(kind, record)
    title = kind.title(values)
    more = [str(values[name]) for name in kind.title_fields if values.get(name) and str(values[name]) not in title]
    return title, " · ".join(more)
