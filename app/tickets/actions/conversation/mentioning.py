"""Who may be named in a message, and what to write so that they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.accounts.queries import find_person, get_tenant, scope_of
from app.core import people
from app.core.records.reach import may_see
from app.core.records.text import fold
from app.core.scope import Scope
from app.tickets.definition import TICKETS
from app.tickets.models import Ticket
from app.tickets.rules import conversation as rules

_OFFERED = 8
_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Nameable:
    """A colleague, and the shortest word that names them and nobody else."""

    handle: str
    name: str
    email: str


def offer_names(scope: Scope, ticket: Ticket, q: str) -> list[Nameable]:
    """Colleagues who may see the ticket and of whose name a word, or whose address, begins with `q`; by name, not the
    asker, at most eight."""
    crowd = crowd_of(scope)
    handles = rules.shortest_handles(crowd)
    wanted = fold(q)
    found: list[Nameable] = []
    near = [one for one in crowd if one[0] in handles and one[0] != scope.user_id and _begins(one[1:], wanted)]
    for user_id, name, email in near[:_LOOKED_AT]:
        if len(found) < _OFFERED and sees(scope, user_id, ticket):
            found.append(Nameable(handles[user_id], name, email))
    return found


def crowd_of(scope: Scope) -> list[tuple[UUID, str, str]]:
    """Everybody who could be named: id, name and address."""
    return [(one.id, one.name, one.email) for one in people.list_people(scope) if one.active]


def sees(scope: Scope, user_id: UUID, ticket: Ticket) -> bool:
    """Whether the person may see the ticket, as of now."""
    who = find_person(scope.tenant_id, user_id)
    if who is None:
        return False
    theirs = scope_of(get_tenant(scope.tenant_id), who, scope.now)
    return theirs.may(TICKETS.permission("read")) and may_see(theirs, TICKETS, ticket.owner_id)


def _begins(names: Sequence[str], wanted: str) -> bool:
    return any(word.startswith(wanted) for name in names for word in (fold(name), *fold(name).split()))
