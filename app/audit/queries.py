"""Reading the log: a page of it, what the rules count, the alerts. Every read is by an index and bounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, literal, select

from app.audit.models import Alert
from app.audit.rules import ACTOR, SUBJECT, Fact, Rule, one
from app.core.chain import ChainLink, id_floor
from app.core.errors import NotFound
from app.core.events import EventRow
from app.core.records import queries as records
from app.core.records.kind import all_kinds
from app.core.scope import Scope
from app.extensions import db

PAGE_SIZE = 50
MOST_EXPORTED = 100_000
ALERT_TYPES = ("alert.raised", "alert.seen")
_SLACK = timedelta(days=1)
"""An id is made a moment after the instant of its scope; the instant itself decides, the id only finds the place."""


@dataclass(frozen=True, slots=True)
class LogFilter:
    """What of the log is wanted; times are instants, `until` exclusive."""

    actor_id: UUID | None = None
    kind: str = ""
    type: str = ""
    record_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    alerts: bool = False
    before: UUID | None = None
    after: UUID | None = None


@dataclass(frozen=True, slots=True)
class LogPage:
    """A page of the log, newest first, with which of its events are in the chain and the ids its neighbours need."""

    events: tuple[EventRow, ...]
    chained: frozenset[UUID]
    older: UUID | None = None
    newer: UUID | None = None
    titles: Mapping[tuple[str, UUID], str] = field(default_factory=dict)


def list_log(scope: Scope, wanted: LogFilter) -> LogPage:
    """One page by keyset, the same work however long the log is."""
    query = select(EventRow).where(*_conditions(scope, wanted))
    if wanted.after:
        query = query.where(EventRow.id > wanted.after).order_by(EventRow.id)
    else:
        query = query.order_by(EventRow.id.desc())
        query = query.where(EventRow.id < wanted.before) if wanted.before else query
    found = list(db.session.scalars(query.limit(PAGE_SIZE + 1)))
    more, rows = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
    if wanted.after:
        rows.reverse()
    return LogPage(
        events=tuple(rows),
        chained=_chained([row.id for row in rows]),
        older=rows[-1].id if rows and (more or wanted.after) else None,
        newer=rows[0].id if rows and (wanted.before or (wanted.after and more)) else None,
        titles=_titles(scope, rows),
    )


def export_query(scope: Scope, wanted: LogFilter) -> Select[Any]:
    """The rows of an export, newest first, at most `MOST_EXPORTED`."""
    linked = select(literal(1)).where(ChainLink.tenant_id == EventRow.tenant_id, ChainLink.event_id == EventRow.id)
    columns = [column for column in EventRow.__table__.columns if column.name not in ("digest", "seal", "seal_key")]
    query = select(*columns, linked.exists().label("chained")).where(*_conditions(scope, wanted))
    return query.order_by(EventRow.id.desc()).limit(MOST_EXPORTED)


def count_up_to(scope: Scope, wanted: LogFilter, most: int) -> int:
    """How many events there are, counted no further than `most`."""
    some = select(literal(1)).select_from(EventRow).where(*_conditions(scope, wanted)).limit(most)
    return db.session.execute(select(func.count()).select_from(some.subquery())).scalar_one()


def count_weight(scope: Scope, rule: Rule, fact: Fact) -> int:
    """What the events of the rule's cause add up to in the window that ends with this one, up to its threshold."""
    types = {fact.type} if len(rule.types) == 1 else rule.types
    since = fact.at - rule.window
    query = select(EventRow.data).where(
        EventRow.tenant_id == scope.tenant_id, EventRow.id >= id_floor(since - _SLACK),
        EventRow.at > since, EventRow.at <= fact.at,
    )  # fmt: skip
    if rule.per == ACTOR:
        query = query.where(EventRow.actor_id == fact.actor_id)
        types = _types_like(fact.type) if any(name.startswith("*.") for name in rule.types) else types
    elif rule.per == SUBJECT:
        query = query.where(EventRow.subject_id == fact.subject_id)
    query = query.where(EventRow.type.in_(sorted(types))).order_by(EventRow.id.desc()).limit(rule.threshold)
    if rule.weight is one:
        return db.session.execute(select(func.count()).select_from(query.subquery())).scalar_one()
    return sum(rule.weight(row.data) for row in db.session.execute(query))


def is_told(scope: Scope, rule: Rule, fact: Fact) -> bool:
    """Whether the cause was told of in this window, or less than a window ago."""
    key = rule.key(fact)
    found = select(Alert.id).where(Alert.tenant_id == scope.tenant_id)
    if db.session.scalars(found.where(Alert.key == key)).first():
        return True
    before = rule.key(_earlier(fact, rule.window))
    last = select(Alert.at).where(Alert.tenant_id == scope.tenant_id, Alert.key == before)
    at = db.session.scalars(last).first()
    return at is not None and rule.counts and at > fact.at - rule.window


def list_alerts(scope: Scope, *, limit: int = 20) -> list[Alert]:
    """The alerts nobody has seen, newest first."""
    query = select(Alert).where(Alert.tenant_id == scope.tenant_id, Alert.seen_at.is_(None))
    return list(db.session.scalars(query.order_by(Alert.id.desc()).limit(limit)))


def get_alert(scope: Scope, alert_id: UUID) -> Alert:
    """Raises NotFound: there is none here."""
    query = select(Alert).where(Alert.tenant_id == scope.tenant_id, Alert.id == alert_id).with_for_update()
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("This alert does not exist, or is not yours to see.")
    return found


def _conditions(scope: Scope, wanted: LogFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [EventRow.tenant_id == scope.tenant_id]
    if wanted.actor_id:
        found.append(EventRow.actor_id == wanted.actor_id)
    if wanted.alerts:
        found.append(EventRow.type.in_(ALERT_TYPES))
    elif wanted.type:
        found.append(EventRow.type == wanted.type)
    elif wanted.kind:
        found.append(EventRow.subject_kind == wanted.kind)
    if wanted.record_id:
        found.append(EventRow.subject_id == wanted.record_id)
    if wanted.since:
        found += [EventRow.id >= id_floor(wanted.since - _SLACK), EventRow.at >= wanted.since]
    if wanted.until:
        found += [EventRow.id < id_floor(wanted.until + _SLACK), EventRow.at < wanted.until]
    return found


def _chained(ids: Sequence[UUID]) -> frozenset[UUID]:
    return frozenset(db.session.scalars(select(ChainLink.event_id).where(ChainLink.event_id.in_(ids))))


def _titles(scope: Scope, rows: Sequence[EventRow]) -> dict[tuple[str, UUID], str]:
    """What the records of these events are called, of those the reader may see."""
    found: dict[tuple[str, UUID], str] = {}
    for kind in all_kinds():
        ids = {row.subject_id for row in rows if row.subject_kind == kind.name}
        if ids and scope.may(kind.permission("read")):
            for record in records.list_by_ids(scope, kind, sorted(ids)):
                values = {name: getattr(record, name) for name in kind.title_fields}
                found[kind.name, record.id] = kind.title(values)
    return found


def _types_like(type: str) -> set[str]:
    """The same verb of every kind of record, and of what else this event is of."""
    verb = type.rpartition(".")[2]
    return {type, *(f"{kind.name}.{verb}" for kind in all_kinds())}


def _earlier(fact: Fact, window: timedelta) -> Fact:
    return Fact(fact.type, fact.subject_id, fact.actor_id, fact.data, fact.at - window)
