"""Checking a tenant's log: every event against its seal, every link against the one before, and both with each other.

Goes through both in batches by their keys, so the memory needed is that of one batch, the findings (counted all,
told up to a hundred) and the ids that an erasure has yet to name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, literal, select

from app.core import db as database
from app.core.chain import FIRST_ID, START, ChainHead, ChainLink, Head, head_seal, link_hash, made_at
from app.core.events import EventRow
from app.core.seals import Sealer, changed_parts, sealer
from app.core.secrets import CannotOpen
from app.extensions import db

ERASED = {"erased": True}
"""The data of an event that an erasure blanked."""
ERASED_NAME = "Erased person"
ERASING_TYPE = "erasure.blanked"
"""The event that names what was blanked: `data.events` lists ids, `data.names` those whose actor's name went."""
YOUNG = timedelta(minutes=10)
_BATCH = 5_000
_MOST_TOLD = 100
_SAID = {
    "data": "its data",
    "name": "the name of who did it",
    "actor": "who did it",
    "time": "its time",
    "subject": "its type or its record",
}
_COLUMNS = [column for column in EventRow.__table__.columns if column.name != "tenant_id"]
_CONTENT = ("id", "type", "subject_kind", "subject_id", "actor_id", "actor_name", "data", "at")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `what` is changed, removed, inserted, reordered, altered (a link), cut, unchained,
    unknown-key or expected.
    """

    what: str
    sentence: str
    event_id: UUID | None = None
    position: int | None = None


@dataclass(slots=True)
class Report:
    """What a check saw. `waiting` are events too young to be in the chain yet, `erased` those an erasure blanked."""

    events: int = 0
    links: int = 0
    waiting: int = 0
    erased: int = 0
    problems: int = 0
    head: Head = field(default_factory=lambda: Head(0, START))
    findings: list[Finding] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.problems

    def add(self, finding: Finding) -> None:
        self.problems += 1
        if len(self.findings) < _MOST_TOLD:
            self.findings.append(finding)


@dataclass(frozen=True, slots=True)
class _Broken:
    """A link that does not fit."""

    link: Any
    seal: bytes


def verify(tenant_id: UUID, at: datetime, *, expect: Head | None = None) -> Report:
    """Checks the tenant's whole log as it is at `at`; `expect` is a head kept elsewhere that must be in the chain."""
    check = _Check(tenant_id, at, expect)
    check.links()
    check.unlinked()
    check.finish()
    database.rollback()
    return check.report


def _those(ids: list[UUID]) -> Any:
    return any_(literal(ids, ARRAY(Uuid)))


class _Check:
    """One walk through links and events. Holds what must be remembered between batches."""

    def __init__(self, tenant_id: UUID, at: datetime, expect: Head | None) -> None:
        self.tenant_id, self.at, self.expect = tenant_id, at, expect
        self.report = Report()
        self._sealers: dict[str, Sealer | None] = {}
        self._broken: list[_Broken] = []
        # Blanked parts by event, until an erasure names them; the other way round too: an erasure's event may
        # stand earlier in the chain than what it names.
        self._blanked: dict[tuple[UUID, str], int | None] = {}
        self._named: set[tuple[UUID, str]] = set()

    def links(self) -> None:
        """Every link in order, with its event."""
        position, last = 0, START
        for link, event in self._linked():
            self.report.links += 1
            gap = link.position - position - 1
            if gap:
                self._missing(position + 1, link.position - 1)
            self._link(link, event, None if gap else last)
            if self.expect and self.expect.position == link.position and self.expect.hash != link.hash:
                self._say("expected", "The chain had another hash here when its head was kept.", link.position)
            position, last = link.position, bytes(link.hash)
        self.report.head = Head(position, last)

    def unlinked(self) -> None:
        """The events that are in no link: young ones, or slipped in."""
        after = FIRST_ID
        linked = select(ChainLink.event_id).where(ChainLink.event_id == EventRow.id).exists()
        while True:
            query = select(EventRow.id, linked).where(EventRow.id > after).order_by(EventRow.id).limit(_BATCH)
            rows = db.session.execute(query).all()
            loose = [row[0] for row in rows if not row[1]]
            if loose:
                for event in db.session.execute(
                    select(*_COLUMNS).where(EventRow.id == _those(loose)).order_by(EventRow.id)
                ):
                    self._loose(event)
            database.rollback()
            if len(rows) < _BATCH:
                return
            after = rows[-1][0]

    def finish(self) -> None:
        self._tail()
        for broken in self._broken:
            self._say_broken(broken)
        self.report.erased = len({event for event, _ in self._named})
        for (event_id, part), position in self._blanked.items():
            said = f"Event {event_id}: {_SAID[part]} was blanked, and no erasure names it."
            self._say("changed", said, position, event_id)

    def _linked(self) -> Iterator[tuple[Any, Any]]:
        """Links by position, each with its event or None; a batch at a time, no transaction in between."""
        after = 0
        while True:
            query = select(ChainLink.position, ChainLink.event_id, ChainLink.previous, ChainLink.hash, ChainLink.key)
            links = db.session.execute(
                query.where(ChainLink.position > after).order_by(ChainLink.position).limit(_BATCH)
            ).all()
            ids = [link.event_id for link in links]
            events = {row.id: row for row in db.session.execute(select(*_COLUMNS).where(EventRow.id == _those(ids)))}
            database.rollback()
            for link in links:
                yield link, events.get(link.event_id)
            if len(links) < _BATCH:
                return
            after = links[-1].position

    def _link(self, link: Any, event: Any, last: bytes | None) -> None:
        """One link: it must hold the one before, and its hash must be made of what it stands for."""
        if event is None:
            said = f"Event {link.event_id} was removed (position {link.position:,} of the chain)."
            return self._say("removed", said, link.position, link.event_id)
        self._event(event, link.position)
        with_key = self._sealer(link.key)
        if with_key is None:
            said = f"Position {link.position:,} was chained with key {link.key!r}, which is not on the ring."
            return self._say("unknown-key", said, link.position)
        made = link_hash(with_key, bytes(link.previous), link.position, event.id, bytes(event.seal))
        if made != link.hash or (last is not None and link.previous != last):
            if len(self._broken) < _MOST_TOLD:
                self._broken.append(_Broken(link, bytes(event.seal)))
            else:
                self._say("altered", f"Position {link.position:,} does not fit.", link.position)
        return None

    def _event(self, event: Any, position: int | None) -> bool:
        """One event against its seal; says what is wrong, and whether it was ever sealed by us."""
        self.report.events += 1
        with_key = self._sealer(event.seal_key)
        if with_key is None:
            said = f"Event {event.id} was inserted: it has no seal of ours (key {event.seal_key!r})."
            self._say("inserted" if not event.seal_key else "unknown-key", said, position, event.id)
            return False
        content = {name: getattr(event, name) for name in _CONTENT}
        made = with_key.seal(tenant_id=self.tenant_id, **content)
        parts = changed_parts(bytes(event.digest), made.digest)
        own = with_key.mac(b"seal", self.tenant_id.bytes + event.id.bytes, bytes(event.digest))
        if own != event.seal:
            said = f"Event {event.id} was inserted, or its seal was changed: the seal is not ours."
            self._say("inserted", said, position, event.id)
            return False
        for part in [part for part in parts if not self._is_blanked(event, part, position)]:
            said = f"Event {event.id} ({event.type}) was changed: {_SAID[part]} is not what was written."
            self._say("changed", said, position, event.id)
        if event.type == ERASING_TYPE and not parts:
            self._names(event)
        return True

    def _is_blanked(self, event: Any, part: str, position: int | None) -> bool:
        """Whether this part looks as an erasure leaves it; counted until one names it."""
        blanked = (part == "data" and event.data == ERASED) or (part == "name" and event.actor_name == ERASED_NAME)
        if blanked and (event.id, part) not in self._named:
            self._blanked[event.id, part] = position
        return blanked

    def _names(self, event: Any) -> None:
        for part, listed in (("data", "events"), ("name", "names")):
            for text in event.data.get(listed, ()):
                key = (UUID(text), part)
                self._named.add(key)
                self._blanked.pop(key, None)

    def _loose(self, event: Any) -> None:
        if not self._event(event, None):
            return
        if made_at(event.id) > (self.at - YOUNG).timestamp():
            self.report.waiting += 1
            return
        said = (
            f"Event {event.id} ({event.type}) is not in the chain, though it is older than {YOUNG.seconds // 60} min."
        )
        self._say("unchained", said, None, event.id)

    def _tail(self) -> None:
        """The end: the head must be ours, and not be further than the chain; the same for the one that was kept."""
        end = self.report.head.position
        if self.expect and self.expect.position > end:
            self._missing(end + 1, self.expect.position, "cut")
        row = db.session.get(ChainHead, self.tenant_id, populate_existing=True)
        if row is None:
            if end:
                self._say("cut", "The head of the chain was removed.")
            return
        with_key = self._sealer(row.key)
        if with_key is None or head_seal(with_key, self.tenant_id, row.position, bytes(row.hash)) != row.seal:
            self._say("altered", "The head of the chain was changed.", row.position)
        elif row.position > end and not (self.expect and self.expect.position > end):
            self._missing(end + 1, row.position, "cut")

    def _say_broken(self, broken: _Broken) -> None:
        link = broken.link
        other = next((item for item in self._broken if item is not broken and self._belongs(broken, item)), None)
        if other is not None:
            said = f"Position {link.position:,} (event {link.event_id}) changed places with {other.link.position:,}."
            self._say("reordered", said, link.position, link.event_id)
            return
        said = (
            f"Position {link.position:,} (event {link.event_id}) does not fit the chain: it was altered or slipped in."
        )
        self._say("altered", said, link.position, link.event_id)

    def _belongs(self, broken: _Broken, other: _Broken) -> bool:
        """Whether the link would fit with the other's position, or with the other's event."""
        with_key = self._sealer(broken.link.key)
        assert with_key is not None
        link, there = broken.link, other.link
        previous = bytes(link.previous)
        moved = link_hash(with_key, previous, there.position, link.event_id, broken.seal)
        swapped = link_hash(with_key, previous, link.position, there.event_id, other.seal)
        return bytes(link.hash) in (moved, swapped)

    def _missing(self, first: int, last: int, what: str = "removed") -> None:
        where = f"position {first:,}" if first == last else f"positions {first:,} to {last:,}"
        end = "from the end of" if what == "cut" else "from"
        self._say(what, f"{last - first + 1:,} removed {end} the chain: {where}.", first)

    def _say(self, what: str, sentence: str, position: int | None = None, event_id: UUID | None = None) -> None:
        self.report.add(Finding(what, sentence, event_id, position))

    def _sealer(self, kid: str) -> Sealer | None:
        if kid not in self._sealers:
            try:
                self._sealers[kid] = sealer(kid)
            except CannotOpen:
                self._sealers[kid] = None
        return self._sealers[kid]
