"""The chain of a tenant's events: each link holds the one before, so that none can go, come or move unseen.

Whoever writes an event never waits for it: links are added afterwards, by the dispatcher and a sweep, one writer
a tenant (the head's row lock). What is not linked yet is sealed already (`core.seals`), so a row that was altered
or slipped in meanwhile is found all the same.

    hash = HMAC(key of the seal, hash before | position | event id | seal of the event)
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, DateTime, Index, LargeBinary, Text, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from app.core import db as database
from app.core.clock import now
from app.core.seals import Sealer, sealer
from app.extensions import Base, db

START = bytes(32)
"""What stands before the first link."""
FIRST_ID = UUID(int=0)
SETTLES = timedelta(minutes=5)
"""No transaction of ours lasts longer: an event older than this is committed, or never will be."""
_BATCH = 2_000


class ChainLink(Base):
    """The place of one event. The app may add links, never change or remove them."""

    __tablename__ = "event_chain"
    __table_args__ = (Index("uq_event_chain_event", "tenant_id", "event_id", unique=True),)

    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    event_id: Mapped[UUID] = mapped_column(Uuid)
    previous: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    key: Mapped[str] = mapped_column(Text)


class ChainHead(Base):
    """The last link, sealed, so that links cut off the end are missed.

    `newest_event` is the greatest id in the chain; up to `settled_event` nothing can be missing any more, so a
    pass begins there.
    """

    __tablename__ = "event_chain_heads"

    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, default=0)
    hash: Mapped[bytes] = mapped_column(LargeBinary, default=START)
    seal: Mapped[bytes] = mapped_column(LargeBinary)
    key: Mapped[str] = mapped_column(Text)
    newest_event: Mapped[UUID] = mapped_column(Uuid, default=FIRST_ID)
    settled_event: Mapped[UUID] = mapped_column(Uuid, default=FIRST_ID)
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


@dataclass(frozen=True, slots=True)
class Head:
    """How long a chain is and what it ends with. Kept elsewhere, it proves that no end was cut off."""

    position: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.position}:{self.hash.hex()}"


def link_hash(with_key: Sealer, previous: bytes, position: int, event_id: UUID, seal: bytes) -> bytes:
    """The hash of a link."""
    return with_key.mac(b"link", previous, position.to_bytes(8, "big"), event_id.bytes, seal)


def head_seal(with_key: Sealer, tenant_id: UUID, position: int, hash: bytes) -> bytes:
    """What vouches for a head."""
    return with_key.mac(b"head", tenant_id.bytes, position.to_bytes(8, "big"), hash)


def find_head(tenant_id: UUID) -> Head:
    """The end of the tenant's chain; position 0 when there is none yet."""
    row = db.session.get(ChainHead, tenant_id)
    return Head(row.position, row.hash) if row else Head(0, START)


def extend(tenant_id: UUID, *, at: datetime | None = None, everything: bool = False, seconds: float = 20) -> int:
    """Links what is not in the chain yet, in order of its ids; returns how many events that were.

    Commits after each batch, so that the head is never locked for long: an exception to the one commit, like the
    dispatcher's. Another writer of the same chain is left to do it. Stops after `seconds`; the sweep goes on.
    `everything` looks through the whole log instead of its end.
    """
    at = at or now()
    until = time.monotonic() + seconds
    linked, after = 0, FIRST_ID if everything else None
    while time.monotonic() < until:
        head = _locked_head(tenant_id, at)
        if head is None:
            break
        after = head.settled_event if after is None else after
        if everything:
            db.session.execute(_PATIENCE)
        found = _unlinked(tenant_id, after)
        if found:
            _link(head, found, at)
            linked, after = linked + len(found), found[-1][0]
        if len(found) < _BATCH:
            # All that was committed by `at` is linked; what is older than any transaction is done with.
            head.settled_event = max(head.settled_event, id_floor(at - SETTLES))
        database.commit()
        if len(found) < _BATCH:
            break
    database.rollback()
    return linked


def tenants_behind(limit: int = 1000) -> list[UUID]:
    """Tenants with events newer than their chain; through a definer function, which tells nothing but ids."""
    rows = db.session.execute(text("select tenants_with_unchained(cast(:limit as integer))"), {"limit": limit})
    return [row[0] for row in rows]


def id_floor(at: datetime) -> UUID:
    """The least id that can have been made at `at` (UUIDv7: milliseconds since 1970 in its first 48 bits)."""
    return UUID(int=max(0, int(at.timestamp() * 1000)) << 80)


def made_at(event_id: UUID) -> float:
    """When an id was made, in seconds since 1970."""
    return (event_id.int >> 80) / 1000


def _locked_head(tenant_id: UUID, at: datetime) -> ChainHead | None:
    """The head, locked, made if need be; None while another writer has it."""
    query = select(ChainHead).where(ChainHead.tenant_id == tenant_id).execution_options(populate_existing=True)
    if db.session.scalars(query).one_or_none() is None:
        with_key = sealer()
        first = head_seal(with_key, tenant_id, 0, START)
        values = {"tenant_id": tenant_id, "position": 0, "hash": START, "seal": first, "key": with_key.kid}
        values |= {"newest_event": FIRST_ID, "settled_event": FIRST_ID, "updated_at": at}
        db.session.execute(insert(ChainHead).values(values).on_conflict_do_nothing())
    return db.session.scalars(query.with_for_update(skip_locked=True)).one_or_none()


# Ordered scans of both indexes side by side: what is linked is passed over without being read.
_UNLINKED = text(
    "select e.id, e.seal from events as e where e.tenant_id = :tenant_id and e.id > :after and not exists ("
    "select from event_chain as c where c.tenant_id = e.tenant_id and c.event_id = e.id and c.event_id > :after) "
    "order by e.id limit :most"
).bindparams(bindparam("after", type_=Uuid), bindparam("tenant_id", type_=Uuid))


# A log of tens of millions of events takes longer to look through than a statement of the application may.
_PATIENCE = text("select set_config('statement_timeout', '2min', true)")


def _unlinked(tenant_id: UUID, after: UUID) -> list[tuple[UUID, bytes]]:
    rows = db.session.execute(_UNLINKED, {"tenant_id": tenant_id, "after": after, "most": _BATCH})
    return [(row[0], bytes(row[1])) for row in rows]


_ADD = text(
    "insert into event_chain (tenant_id, position, event_id, previous, hash, key) "
    "select :tenant_id, position, event_id, previous, hash, :key "
    "from unnest(:positions, :events, :previous, :hashes) as t (position, event_id, previous, hash)"
).bindparams(
    bindparam("tenant_id", type_=Uuid),
    bindparam("positions", type_=ARRAY(BigInteger)),
    bindparam("events", type_=ARRAY(Uuid)),
    bindparam("previous", type_=ARRAY(LargeBinary)),
    bindparam("hashes", type_=ARRAY(LargeBinary)),
)


def _link(head: ChainHead, found: Sequence[tuple[UUID, bytes]], at: datetime) -> None:
    with_key = sealer()
    columns: dict[str, list[Any]] = {"positions": [], "events": [], "previous": [], "hashes": []}
    position, last = head.position, head.hash
    for event_id, seal in found:
        position += 1
        made = link_hash(with_key, last, position, event_id, seal)
        for name, value in zip(columns, (position, event_id, last, made), strict=True):
            columns[name].append(value)
        last = made
    db.session.execute(_ADD, {"tenant_id": head.tenant_id, "key": with_key.kid, **columns})
    head.position, head.hash = position, last
    head.seal, head.key = head_seal(with_key, head.tenant_id, position, last), with_key.kid
    head.newest_event = max(head.newest_event, found[-1][0])
    head.updated_at = at
