"""What a list shows: the search, filters, sort, columns and cursor that stand in its address. Pure.

The address is the whole state, so a view can be bookmarked, shared and saved. Anything malformed in it is
left out and said in `problems`, never an error page.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from app.core.records.fields import Field, FieldError, ParseContext
from app.core.records.kind import Queue, RecordKind, Sort
from app.core.records.text import clean
from app.core.scope import Scope

PAGE_SIZE = 20
MAX_QUERY = 200


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: after (or before) the row with this sort value and id."""

    value: str | int | datetime
    id: UUID
    backwards: bool = False

    def encode(self) -> str:
        value = self.value.isoformat() if isinstance(self.value, datetime) else self.value
        text = json.dumps([value, str(self.id), int(self.backwards)])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Cursor | None:
        """The cursor of an address, or None if it is not one of ours."""
        try:
            padded = text.encode() + b"=" * (-len(text) % 4)
            value, row, backwards = json.loads(base64.urlsafe_b64decode(padded))
            if not isinstance(value, str | int) or isinstance(value, bool) or b"\x00" in str(value).encode():
                return None
            if isinstance(value, int) and not -(2**63) <= value < 2**63:
                return None
            return cls(value, UUID(row), bool(backwards))
        except (ValueError, TypeError, AttributeError, binascii.Error, RecursionError):
            return None


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition: a field, an operator of its type, and a value; `label` is how people read it, but for people,
    whose names only the page knows.
    """

    field: str
    operator: str
    value: Any
    label: str
    key: str
    raw: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A list's state, read from its address by `read`; what was wrong with that as sentences for people (`problems`)
    and by parameter (`errors`).

    `standing` are the filters of its built-in `queue`, which people cannot take away one by one. `by` is what makes
    the columns of a board, if not the usual. `basis` is what the state depends on beside the address: who asks, or
    when.
    """

    kind: RecordKind
    query: str = ""
    filters: tuple[Filter, ...] = ()
    sort: Sort = field(default_factory=lambda: Sort("created", "", "id", True))
    columns: tuple[str, ...] = ()
    cursor: Cursor | None = None
    view_id: UUID | None = None
    problems: tuple[str, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    limit: int = PAGE_SIZE
    queue: Queue | None = None
    standing: tuple[Filter, ...] = ()
    by: str = ""
    basis: str = ""

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(item.value for item in (*self.standing, *self.filters) if item.operator == "tagged")

    @property
    def conditions(self) -> tuple[Filter, ...]:
        return tuple(item for item in (*self.standing, *self.filters) if item.operator != "tagged")

    @property
    def usual_sort(self) -> Sort:
        """The order unless the address asks for another."""
        return self.kind.sort(self.queue.sort if self.queue else None)

    @property
    def searches(self) -> bool:
        return bool(self.query or self.tags)

    def params(self, **changes: Any) -> list[tuple[str, str]]:
        """The address's parameters, without the cursor unless given; a change of None leaves one out."""
        pairs: list[tuple[str, str]] = [("q", self.query)] if self.query else []
        pairs += [(item.key, raw) for item in self.filters for raw in item.raw]
        if self.queue:
            pairs.insert(0, ("queue", self.queue.name))
        if self.sort != self.usual_sort:
            pairs.append(("sort", self.sort.name))
        if self.columns != self.kind.columns:
            pairs.append(("columns", ",".join(self.columns)))
        if self.by:
            pairs.append(("by", self.by))
        if self.view_id:
            pairs.append(("view", str(self.view_id)))
        kept = [pair for pair in pairs if pair[0] not in changes]
        return kept + [(key, str(value)) for key, value in changes.items() if value is not None]

    def search_string(self, **changes: Any) -> str:
        """The address's query string, with its question mark if there is anything in it."""
        text = urlencode(self.params(**changes))
        return f"?{text}" if text else ""

    def cleared(self) -> str:
        """The address without search and filters: the queue, the order and the columns stay."""
        return replace(self, query="", filters=(), view_id=None).search_string()

    def cache_key(self) -> str:
        """What tells the rows of this state from those of others, for whoever sees the same."""
        return f"{self.search_string()}:{self.basis}"

    def without(self, item: Filter) -> str:
        rest = replace(self, filters=tuple(other for other in self.filters if other is not item))
        return rest.search_string()

    def stored(self) -> dict[str, list[str]]:
        """The state as a saved view keeps it."""
        kept: dict[str, list[str]] = {}
        for key, value in self.params(view=None):
            kept.setdefault(key, []).append(value)
        return kept


def read(kind: RecordKind, args: Mapping[str, Sequence[str]], context: ParseContext) -> ListRequest:
    """The list's state from its address; `args` maps each parameter to all of its values."""
    problems: list[str] = []
    errors: dict[str, str] = {}
    query = clean((args.get("q") or [""])[0])
    if len(query) > MAX_QUERY:
        problems.append(f"Only the first {MAX_QUERY} characters of the search are used.")
    cursor_text = (args.get("cursor") or [""])[0]
    cursor = Cursor.decode(cursor_text) if cursor_text else None
    queue = kind.queue((args.get("queue") or [""])[0])
    wanted = (args.get("sort") or [""])[0] or (queue.sort if queue else None)
    sort = kind.sort(wanted)
    filters = _filters(kind, args, context, problems, errors)
    standing = _filters(kind, queue.filters if queue else {}, context, problems, errors)
    if cursor is not None:
        cursor = _of_sort(cursor, kind, sort)
    if cursor_text and cursor is None:
        errors["cursor"] = "That page of the list is no longer there; this is the first."
        problems.append(errors["cursor"])
    return ListRequest(
        kind=kind,
        query=query[:MAX_QUERY],
        filters=filters,
        sort=sort,
        columns=_columns(kind, args),
        cursor=cursor,
        view_id=_uuid((args.get("view") or [""])[0]),
        problems=tuple(problems),
        errors=errors,
        limit=PAGE_SIZE,
        queue=queue,
        standing=standing,
        by=_by(kind, (args.get("by") or [""])[0]),
        basis=basis_of(kind, context.scope, args),
    )


def basis_of(kind: RecordKind, scope: Scope, *asked: Mapping[str, Sequence[str]]) -> str:
    """What the lists of these addresses depend on beside them: who asks, or when. Part of their keys in the cache."""
    found: set[str] = set()
    for args in asked:
        queue = kind.queue((args.get("queue") or [""])[0])
        for filters in (args, queue.filters if queue else {}):
            for key, raws in _asked(kind, filters):
                found |= {kind.filter_keys[key][0].type.basis(raw, scope) for raw in raws}
    return ",".join(sorted(found - {""}))


def _of_sort(cursor: Cursor, kind: RecordKind, sort: Sort) -> Cursor | None:
    """The cursor with its value as the sort's column has it, or None if it is of another sort."""
    if sort.column == "id":
        return cursor
    wanted = kind.model.__table__.columns[sort.column].type.python_type  # type: ignore[attr-defined]
    if wanted is datetime:
        moment = _instant(cursor.value)
        return replace(cursor, value=moment) if moment else None
    return cursor if isinstance(cursor.value, wanted) else None


def _instant(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, TypeError, OverflowError):
        return None


def _filters(
    kind: RecordKind,
    args: Mapping[str, Sequence[str]],
    context: ParseContext,
    problems: list[str],
    errors: dict[str, str],
) -> tuple[Filter, ...]:
    """The filters these parameters ask for."""
    found: list[Filter] = []
    for key, raws in _asked(kind, args):
        spec, operator = kind.filter_keys[key]
        try:
            found += _filter(key, spec, operator, raws, context)
        except FieldError as wrong:
            problems.append(f"That filter was left out. {wrong}")
            errors[key] = str(wrong)
    return tuple(found)


def _asked(kind: RecordKind, args: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The parameters that filter, with their values: twenty of each at most."""
    for key in kind.filter_keys:
        if key in args:
            yield key, tuple(filter(None, map(clean, args[key][:20])))


def _filter(key: str, spec: Field, operator: str, raws: tuple[str, ...], context: ParseContext) -> list[Filter]:
    """The filters of one parameter: one for all of its values, but a filter each for tags, which must all match."""
    if not raws:
        return []
    if operator == "tagged":
        tags = [tag for raw in raws for tag in spec.type.parse(raw, spec, context)]
        return [Filter(spec.name, operator, tag, tag, key, (tag,)) for tag in tags]
    if operator == "in":
        values = _values(raws, spec, context)
        shown = " or ".join(spec.type.show(value, context.scope) if value else "none" for value in values)
        return [Filter(spec.name, operator, values, shown, key, raws)]
    value = spec.type.sought(raws[0], spec, context)
    if operator == "holds":
        return [Filter(spec.name, operator, value, spec.type.show(value, context.scope), key, raws[:1])]
    words = {"min": "at least", "max": "at most", "from": "from", "to": "until", "is": "is"}[operator]
    label = f"{words} {spec.type.show(value, context.scope)}"
    return [Filter(spec.name, operator, value, label, key, raws[:1])]


def _values(raws: tuple[str, ...], spec: Field, context: ParseContext) -> list[Any]:
    """What these ask for; one word may stand for several, and `none` for nothing."""
    found: list[Any] = []
    for raw in raws:
        value = None if raw == "none" else spec.type.sought(raw, spec, context)
        found += value if isinstance(value, tuple) else (value,)
    return found


def _by(kind: RecordKind, name: str) -> str:
    """What makes the columns of the board, if it is not what does so anyway."""
    return name if kind.board and name in kind.board.columns[1:] else ""


def _columns(kind: RecordKind, args: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The chosen columns: one comma-separated parameter, or (from the chooser's checkboxes) many."""
    names = [name for part in args.get("columns", ()) for name in part.split(",")]
    chosen = tuple(dict.fromkeys(name for name in names if kind.has_field(name)))
    return chosen or kind.columns


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
