"""Who can own a record: the tenant's people, as the storeys above know them.

`core` may not import `accounts`, so accounts says at start where people come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from app.core.records.text import fold
from app.core.scope import Scope

Provider = Callable[[Scope], "list[Person]"]
_provider: list[Provider] = []


@dataclass(frozen=True, slots=True)
class Person:
    id: UUID
    name: str
    email: str
    active: bool = True


def provided_by(provider: Provider) -> None:
    """Said once by the storey that keeps people."""
    _provider[:] = [provider]


def list_people(scope: Scope) -> list[Person]:
    """The tenant's people by name, those who left included (they may still own records)."""
    return _provider[0](scope) if _provider else []


def names_of(scope: Scope) -> dict[UUID, str]:
    return {person.id: person.name for person in list_people(scope)}


class ByAnyName(Mapping[str, UUID]):
    """People as a form or a file may refer to them; read when somebody is first looked up, which is seldom."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __getitem__(self, key: str) -> UUID:
        return self._found[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    @cached_property
    def _found(self) -> Mapping[str, UUID]:
        return by_any_name(self._scope)


def by_any_name(scope: Scope) -> Mapping[str, UUID]:
    """People by id, address and name, folded: how a form or a file may refer to one.

    Those who left are known by id only, so that what they own can still be edited and filtered.
    """
    crowd = list_people(scope)
    found = {str(person.id): person.id for person in crowd}
    for person in crowd:
        if person.active:
            for key in (person.email, person.name):
                found.setdefault(fold(key), person.id)
    return found
