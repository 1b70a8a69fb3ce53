"""Alerts: raised by events, seen by people. Exports of the log."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from app.accounts.queries import find_person, list_users, system_scope
from app.audit import queries
from app.audit.events import AlertRaised, AlertSeen, LogExported
from app.audit.models import Alert
from app.audit.queries import LogFilter
from app.audit.rules import POWERS, Fact, Rule, rules_for
from app.core.clock import new_id
from app.core.events import EventRow, publish
from app.core.scope import Scope
from app.extensions import db
from app.gateways.mail import Recipient, send_mail


def watch(event: EventRow) -> None:
    """Raises what alerts follow from the event; a subscriber, so it has a transaction of its own and may run twice."""
    scope = system_scope(event.tenant_id)
    fact = _fact(scope, event)
    for rule in rules_for(event.type):
        if rule.applies(fact) and not queries.is_told(scope, rule, fact):
            total = queries.count_weight(scope, rule, fact) if rule.counts else 1
            if total >= rule.threshold:
                raise_alert(scope, rule, fact, event.id, total)


def raise_alert(scope: Scope, rule: Rule, fact: Fact, event_id: UUID, total: int) -> UUID | None:
    """Writes the alert, once a cause and window, and tells the owners by mail; None if it is there already."""
    key = rule.key(fact)
    made = db.session.execute(
        insert(Alert)
        .values(
            tenant_id=scope.tenant_id, id=new_id(), key=key, rule=rule.name, person_id=_person(rule, fact),
            count=total, event_id=event_id, at=fact.at,
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "key"])
        .returning(Alert.id)
    ).scalar_one_or_none()  # fmt: skip
    if made is None:
        return None
    publish(scope, AlertRaised("alert", made, rule=rule.name, count=total, event_id=event_id))
    for owner in list_users(scope):
        if owner.role == "owner":
            context = {"title": rule.title, "at": fact.at, "count": total if rule.counts else 0, "name": owner.name}
            to = Recipient(owner.name, owner.email)
            send_mail(scope, to=to, template="audit/alert", context=context, key=f"alert:{key}:{owner.id}")
    return made


def see_alert(scope: Scope, alert_id: UUID) -> None:
    """Somebody has seen it, and says so. The second to say so changes nothing.

    Raises:
        NotFound: there is no such alert here.
    """
    row = queries.get_alert(scope, alert_id)
    if row.seen_at is None:
        row.seen_by, row.seen_at = scope.user_id, scope.now
        publish(scope, AlertSeen("alert", row.id, rule=row.rule))


def say_exported(scope: Scope, wanted: LogFilter, query: str) -> int:
    """Writes the export into the log before it leaves; returns how many rows it holds at most."""
    rows = queries.count_up_to(scope, wanted, queries.MOST_EXPORTED)
    publish(scope, LogExported("audit", new_id(), query=query, rows=rows))
    return rows


def _fact(scope: Scope, event: EventRow) -> Fact:
    about = event.data.get("user_id") or event.subject_id
    who = find_person(scope.tenant_id, UUID(str(about)))
    privileged = who is not None and bool(who.rights.permissions & POWERS)
    return Fact(event.type, event.subject_id, event.actor_id, event.data, event.at, privileged)


def _person(rule: Rule, fact: Fact) -> UUID | None:
    """Whom the alert is about."""
    if rule.per == "tenant":
        return None
    if rule.per == "actor":
        return fact.actor_id
    about = fact.data.get("user_id") or fact.data.get("owner")
    return UUID(about) if about else fact.subject_id
