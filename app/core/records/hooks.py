"""What a kind does beyond the shared machinery when its records are made, changed and moved.

The shared actions call these in the transaction of the change, whatever way it came: page, API, bulk or import.
A kind registers its own where its routes are loaded, so that machinery never imports a feature.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from app.core.records.kind import RecordKind
    from app.core.records.models import Record
    from app.core.scope import Scope

Changes = Mapping[str, tuple[Any, Any]]


def _nothing(*_: Any) -> None:
    """Most kinds have nothing to add."""


def _no(*_: Any) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class BulkAction:
    """Something a kind does with several records at once; `run` says how it went, or raises Invalid."""

    label: str
    icon: str
    run: Callable[[Scope, Sequence[UUID]], str]


@dataclass(frozen=True, slots=True)
class Hooks:
    """`creating` may complete the values and raise Invalid; what it returns is given to `created`. `preparing` sees
    the record just before it is stored, and may write columns of it: then they are stored once, not corrected.

    `checking(scope, record, to)` may refuse a move with Invalid. `changed` and `moved` see the record as it is after,
    and may change it further: they write columns, the caller flushes. `importing` gets the columns of many records
    about to be inserted at once and completes them; nothing else is called for those. A file may name things its
    fields point at that are not there yet, if `may_name(scope, field)`: `naming(scope, field, names)` makes them.
    """

    creating: Callable[[Scope, dict[str, Any]], Any] = _nothing
    preparing: Callable[[Scope, Any], None] = _nothing
    created: Callable[[Scope, Any, Any], None] = _nothing
    changed: Callable[[Scope, Any, Changes], None] = _nothing
    checking: Callable[[Scope, Any, str], None] = _nothing
    moved: Callable[[Scope, Any, str, str], None] = _nothing
    deleted: Callable[[Scope, Sequence[Record]], None] = _nothing
    restored: Callable[[Scope, Sequence[Record]], None] = _nothing
    importing: Callable[[Scope, Sequence[dict[str, Any]]], None] = _nothing
    may_name: Callable[[Scope, str], bool] = _no
    naming: Callable[[Scope, str, Mapping[UUID, str]], None] = _nothing
    bulk: Mapping[str, BulkAction] = field(default_factory=dict)


_NONE = Hooks()
_hooks: dict[str, Hooks] = {}


def register_hooks(kind: RecordKind, hooks: Hooks) -> None:
    _hooks[kind.name] = hooks


def hooks_of(kind: RecordKind) -> Hooks:
    return _hooks.get(kind.name, _NONE)
