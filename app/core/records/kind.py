"""How a record kind describes itself to the shared lists, forms, filters, imports and exports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from app.core.errors import NotFound
from app.core.records.fields import Choice, DateTime, Field, Money, Reference

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from app.core.records.models import Record
    from app.core.scope import Scope

Values = Mapping[str, Any]

# What every kind can list and export, though nobody types it.
STAMPS = (
    Field("created_at", "Created", DateTime(), sort="created", inline=False, editable=False),
    Field("updated_at", "Changed", DateTime(), sort="updated", inline=False, editable=False),
)


@dataclass(frozen=True, slots=True)
class Sort:
    """An order a list can have: by an indexed column that is never null, then by id."""

    name: str
    label: str
    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Which moves a status allows. `moves` maps a status to those it may become; `reasoned` ask for a reason."""

    moves: Mapping[str, tuple[str, ...]]
    reasoned: frozenset[str] = frozenset()
    initial: str = "new"
    field: str = "status"

    def can_move(self, before: str, after: str) -> bool:
        return after in self.moves.get(before, ())


@dataclass(frozen=True, slots=True)
class Board:
    """How a kind stands on a board: in columns by a field of choices (the first of `columns` unless asked), with
    `facts` on each card. The kind's model is `Ranked`."""

    columns: tuple[str, ...] = ("status",)
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Queue:
    """A built-in view, known in addresses by its name: `filters` are parameters as an address has them, relative to
    whoever asks (`me`, `mine`, `-4h`), `sort` the order unless the address asks for another. `empty` says what it
    means that nothing is in it. Not `shown`: known in addresses, no tab."""

    name: str
    label: str
    filters: Mapping[str, tuple[str, ...]]
    sort: str | None = None
    empty: str = ""
    icon: str = ""
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Urgency:
    """Why a record is where it is in a list sorted by what is due: what is due, when, and how bad that is."""

    text: str
    at: datetime
    tone: str = "neutral"


@dataclass(frozen=True, slots=True)
class Facet:
    """A filter that stands in an address only, and is no field: other pages link to lists with it.

    `spec` reads its value and names it in the list's chips; `holds` is the condition of a value.
    """

    spec: Field
    holds: Callable[[Scope, Any], ColumnElement[bool]]


@dataclass(frozen=True)
class RecordKind:
    """A kind of record: its fields, how it is named, derived, checked and listed.

    `derive` computes the stored columns nobody types (sort keys, search text, match key) from a full set of
    values. `check` is the rule across fields: it maps field names to sentences, empty if all is well. `queues` are
    its built-in views, `first_queue` names the one whoever asks comes to first. `urgency` is shown beside a title,
    worked out from `urgency_fields`. `import_text` says before an import what is not done with its records.
    `owned_by_maker` fills in the asker as owner of a new record's form.
    """

    name: str
    plural: str
    label: str
    label_plural: str
    icon: str
    model: type[Record]
    fields: tuple[Field, ...]
    title: Callable[[Values], str]
    derive: Callable[[Values], dict[str, Any]]
    check: Callable[[Values], dict[str, str]] = lambda values: {}
    sorts: tuple[Sort, ...] = (Sort("created", "Newest first", "id", descending=True),)
    columns: tuple[str, ...] = ()
    title_fields: tuple[str, ...] = ()
    lifecycle: Lifecycle | None = None
    empty_text: str = ""
    import_text: str = ""
    sample: Callable[[Scope], int] | None = None
    sample_tag: str = "sample"
    bulk_fields: tuple[str, ...] = ("owner_id",)
    quick_filters: tuple[str, ...] = ()
    facets: tuple[Facet, ...] = ()
    owned_by_maker: bool = True
    board: Board | None = None
    queues: tuple[Queue, ...] = ()
    first_queue: Callable[[Scope], str] = lambda scope: ""
    urgency: Callable[[Values], Urgency | None] = lambda values: None
    urgency_fields: tuple[str, ...] = ()
    _by_name: dict[str, Field] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._by_name.update({spec.name: spec for spec in self.listable})

    def field(self, name: str) -> Field:
        """The field of that name, or the stamp.

        Raises:
            NotFound: there is none.
        """
        if name not in self._by_name:
            raise NotFound(f"{self.label_plural} have no field “{name[:40]}”.")
        return self._by_name[name]

    def filter_field(self, name: str) -> Field:
        """What a filter is of: a field, or a facet. Raises NotFound."""
        return next((facet.spec for facet in self.facets if facet.spec.name == name), None) or self.field(name)

    def has_field(self, name: str) -> bool:
        return name in self._by_name

    def sort(self, name: str | None) -> Sort:
        """The sort of that name, or the first."""
        return next((sort for sort in self.sorts if sort.name == name), self.sorts[0])

    def queue(self, name: str | None) -> Queue | None:
        return next((queue for queue in self.queues if queue.name == name), None)

    @property
    def listable(self) -> tuple[Field, ...]:
        """What can be a column: the fields, and when the record was created and changed."""
        return (*self.fields, *STAMPS)

    @property
    def editable(self) -> tuple[Field, ...]:
        return tuple(spec for spec in self.fields if spec.editable)

    @property
    def filterable(self) -> tuple[Field, ...]:
        return tuple(spec for spec in self.fields if spec.filterable)

    @property
    def filters(self) -> tuple[Field, ...]:
        """Everything an address can filter by, also what has no control on the page."""
        return (*self.filterable, *(facet.spec for facet in self.facets))

    @cached_property
    def filter_keys(self) -> Mapping[str, tuple[Field, str]]:
        """The parameters of an address that filter, each with its field and operator."""
        plain = {"in", "is", "tagged", "holds"}
        return {
            spec.name if operator in plain else f"{spec.name}_{operator}": (spec, operator)
            for spec in self.filters
            for operator in spec.type.operators
        }

    @property
    def status_type(self) -> Choice | None:
        kind = self._by_name[self.lifecycle.field].type if self.lifecycle else None
        return kind if isinstance(kind, Choice) else None

    @cached_property
    def currency_of(self) -> Mapping[str, str]:
        """The amounts, each with the field its currency stands in."""
        return {spec.name: spec.type.currency_field for spec in self.fields if isinstance(spec.type, Money)}

    @cached_property
    def cached_with(self) -> tuple[str, ...]:
        """What a list of this kind is made from besides its records: a write to any of these makes it stale."""
        return ("user", *dict.fromkeys(spec.type.kind for spec in self.fields if isinstance(spec.type, Reference)))

    def facts(self, fields: Iterable[Field]) -> list[Field]:
        """These fields as people see them: a currency is no fact of its own, it stands beside its amount."""
        beside = set(self.currency_of.values())
        return [spec for spec in fields if spec.name not in beside]

    def permission(self, action: str) -> str:
        return f"{self.name}:{action}"


_kinds: dict[str, RecordKind] = {}


def register(kind: RecordKind) -> RecordKind:
    """Makes the kind known to jobs, which carry its name only."""
    _kinds[kind.name] = kind
    return kind


def kind_named(name: str) -> RecordKind:
    """Raises NotFound for a name nobody registered."""
    if name not in _kinds:
        raise NotFound(f"There is no kind of record called “{name[:40]}”.")
    return _kinds[name]


def all_kinds() -> tuple[RecordKind, ...]:
    return tuple(_kinds.values())
