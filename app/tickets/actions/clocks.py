"""The clocks of a ticket: what happens to it is told to the engine, and what the engine says is stored.

Whoever changes a ticket tells its clocks by `note`, in the same transaction. The history is the truth; the rows of
clocks and the ticket's due columns are what it says, written down so that lists and sweeps need not tell it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.core.records.hooks import Changes
from app.core.records.text import tag_key
from app.core.scope import Scope
from app.extensions import db
from app.tickets.actions.clock_rows import Clocks, refresh, write_ticket
from app.tickets.actions.firing import fire
from app.tickets.models import Ticket
from app.tickets.models.sla import SlaChange, SlaHappening
from app.tickets.queries import clocks as queries
from app.tickets.queries.clocks import Terms
from app.tickets.queries.policies import PolicyInfo, get_policy, list_policies
from app.tickets.rules.business_time import instant, micros
from app.tickets.rules.promises import customer_key, first_that_fits
from app.tickets.rules.sla import DONE
from app.tickets.rules.standing import Fired

_DECIDES = {"priority", "category_id", "customer", "channel", "tags"}
_SAYS = ("created", "status")
_BACK = ("unmerge", "restored")


def promise(scope: Scope, ticket: Ticket) -> None:
    """Writes into a ticket that is about to be stored when it is due: its row, with all its indexes, is then written
    once. `begin` says the same again, from its history."""
    if ticket.status in DONE:
        return
    terms, first = _beginning(scope, ticket)
    write_ticket(ticket, queries.get_track(scope, [first], scope.now), terms.policy_id)


def begin(scope: Scope, ticket: Ticket) -> None:
    """Finds the policy of a new ticket and starts its clocks. A ticket that came in done has none."""
    if ticket.status in DONE:
        return
    _, first = _beginning(scope, ticket)
    db.session.add(first)
    _write(scope, ticket, [first], {}, scope.now)


def note(scope: Scope, ticket: Ticket, what: str, value: Any = None, at: datetime | None = None) -> None:
    """Adds one happening (`rules.sla.HANDLERS`) to the ticket's history and brings its clocks up to date.

    `at` is when it happened, by default now; never before what is stored already, so that nothing that came to pass
    has to be taken back. A ticket that came in without clocks (by an import, or done already) gets them when its
    customer writes.
    """
    queries.locked_ticket(scope, ticket.id)
    history = queries.get_history(scope, ticket.id)
    if not history:
        if what == "customer_message":
            begin(scope, ticket)
        return
    is_back = what in _BACK or (what == "status" and value not in DONE and _status_of(history) in DONE)
    _append(scope, ticket, history, [(what, value)], at or scope.now)
    if is_back:
        _renew(scope, ticket, history)


def moved(scope: Scope, ticket: Ticket, before: str, to: str) -> None:
    """The ticket has another status. One without clocks gets them when it is reopened: then there is something to be
    kept."""
    if before in DONE and to not in DONE and not queries.get_history(scope, ticket.id):
        begin(scope, ticket)
    else:
        note(scope, ticket, "status", to)


def changed(scope: Scope, ticket: Ticket, changes: Changes) -> None:
    """A field that policies look at may have changed: then another policy may be the first that fits (rule 11)."""
    if _DECIDES.isdisjoint(changes) or ticket.status in DONE:
        return
    queries.locked_ticket(scope, ticket.id)
    history = queries.get_history(scope, ticket.id)
    if not history:
        return
    found = first_that_fits(list_policies(scope), facts_of(ticket))
    if (found.id if found else None) != queries.get_terms(history).policy_id:
        _append(scope, ticket, history, [("policy", _terms_of(found).stored())], scope.now)


def take_change(scope: Scope, ticket: Ticket, change: SlaChange) -> None:
    """A policy or calendar was changed (rule 11), or the policy was switched off (rule 12). Repeats do nothing.

    Telling people is left to the caller, who has many such tickets.
    """
    history = queries.get_history(scope, ticket.id)
    if not history:
        return
    terms = queries.get_terms(history)
    if change.kind == "policy" and terms.policy_id == change.subject_id and terms.number < change.number:
        news: tuple[str, Any] = ("policy", _terms_of(get_policy(scope, change.subject_id)).stored())
    elif change.kind == "calendar" and terms.calendar_id == change.subject_id and terms.calendar_number < change.number:
        news = ("calendar_change", {"calendar": str(change.subject_id), "number": change.number})
    elif change.kind == "end" and terms.policy_id == change.subject_id and history[-1].what != "policy_disabled":
        news = ("policy_disabled", None)
    else:
        return
    _append(scope, ticket, history, [news], scope.now, ring=False)


def bring_up(scope: Scope, tickets: Sequence[Ticket], until: datetime, *, ring: bool = True) -> list[Fired]:
    """Writes down what came to pass with these tickets' clocks before `until`; returns it, oldest first.

    The tickets are held by this transaction. What is stored already is not repeated. `ring` is as in `firing.fire`.
    A ticket with a reply that can still be taken back is brought up to when that was written: if it leaves, it counts
    from then.
    """
    ids = [ticket.id for ticket in tickets]
    held = queries.list_held(scope, ids)
    histories, stored = queries.get_histories(scope, ids), queries.get_clocks(scope, ids)
    found = [
        (fired, ticket)
        for ticket in tickets
        if (history := histories.get(ticket.id))
        for fired in refresh(
            scope,
            ticket,
            history,
            stored.get(ticket.id, {}),
            max(min(until, held.get(ticket.id, until)), history[-1].at),
        )
    ]
    db.session.flush()
    found.sort(key=lambda pair: pair[0])
    fire(scope, found, {ticket.id: queries.get_terms(histories[ticket.id]) for _, ticket in found}, ring=ring)
    return [fired for fired, _ in found]


def facts_of(ticket: Ticket) -> dict[str, list[str]]:
    """What policies look at, by condition."""
    return {
        "priority": [ticket.priority],
        "category": [str(ticket.category_id)] if ticket.category_id else [],
        "customer": [customer_key(ticket.customer)] if ticket.customer else [],
        "channel": [ticket.channel],
        "tag": [tag_key(tag) for tag in ticket.tags or ()],
    }


def _beginning(scope: Scope, ticket: Ticket) -> tuple[Terms, SlaHappening]:
    terms = _terms_of(first_that_fits(list_policies(scope), facts_of(ticket)))
    return terms, _made(scope, ticket, 1, scope.now, "created", {"status": ticket.status, **terms.stored()})


def _append(
    scope: Scope,
    ticket: Ticket,
    history: list[SlaHappening],
    news: Sequence[tuple[str, Any]],
    at: datetime,
    *,
    ring: bool = True,
) -> None:
    stored = queries.get_clocks(scope, [ticket.id]).get(ticket.id, {})
    at = max(at, history[-1].at, _after_what_fired(stored))
    for what, value in news:
        history.append(_happening(scope, ticket, history[-1].seq + 1, at, what, value))
    _write(scope, ticket, history, stored, at, ring=ring)


def _renew(scope: Scope, ticket: Ticket, history: list[SlaHappening]) -> None:
    """A ticket that is open again takes what is promised by now: changes reach open tickets only, and its own fields
    may have changed meanwhile."""
    terms = queries.get_terms(history)
    if terms.policy_id is None:
        return
    if not get_policy(scope, terms.policy_id).is_on:
        _append(scope, ticket, history, [("policy_disabled", None)], scope.now)
        return
    found = _terms_of(first_that_fits(list_policies(scope), facts_of(ticket)))
    if found != terms:
        _append(scope, ticket, history, [("policy", found.stored())], scope.now)


def _after_what_fired(stored: Clocks) -> datetime:
    """What came to pass before an instant stays true only if nothing is put before it (the engine looks strictly)."""
    instants = [at for row in stored.values() for at in row.fired.values()]
    instants += [micros(row.breached_at) for row in stored.values() if row.breached_at is not None]
    return instant(max(instants) + 1 if instants else 0)


def _write(
    scope: Scope, ticket: Ticket, history: Sequence[SlaHappening], stored: Clocks, until: datetime, *, ring: bool = True
) -> None:
    fired = sorted(refresh(scope, ticket, history, stored, until))
    db.session.flush()
    if fired:
        fire(scope, [(one, ticket) for one in fired], {ticket.id: queries.get_terms(history)}, ring=ring)


def _terms_of(policy: PolicyInfo | None) -> Terms:
    if policy is None:
        return Terms()
    return Terms(policy.id, policy.number, policy.calendar_id, policy.calendar_number)


def _status_of(history: Sequence[SlaHappening]) -> str:
    """The last status that was told."""
    told = (
        row.value if row.what == "status" else row.value["status"] for row in reversed(history) if row.what in _SAYS
    )
    return str(next(told))


def _happening(scope: Scope, ticket: Ticket, seq: int, at: datetime, what: str, value: Any) -> SlaHappening:
    row = _made(scope, ticket, seq, at, what, value)
    db.session.add(row)
    return row


def _made(scope: Scope, ticket: Ticket, seq: int, at: datetime, what: str, value: Any) -> SlaHappening:
    return SlaHappening(tenant_id=scope.tenant_id, ticket_id=ticket.id, seq=seq, at=at, what=what, value=value)
