"""Coming in to the console: address, password and code together, counted before they are looked at."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.accounts import passwords, totp
from app.accounts.queries import token_hash
from app.accounts.rules import PASSWORD_MAX, email_key
from app.accounts.rules.guarding import (
    EVERYWHERE,
    Standing,
    after_quiet,
    after_try,
    limit_of,
    masked,
    source_of_address,
)
from app.core.clock import new_id
from app.core.errors import Invalid
from app.core.secrets import derive
from app.operator import store
from app.operator.actions.logging import Actor, record
from app.operator.models import SECRET, Operator, OperatorGuard, OperatorSession
from app.operator.queries import find_operator_by_email
from app.operator.rules import LIFETIME, TRIES

REFUSED = "These do not fit together, or there were too many tries. Wait a few minutes and try again."
_MOST_USER_AGENT = 300


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody entered."""

    email: str
    password: str
    code: str


def sign_in(typed: Typed, *, ip: str | None, user_agent: str, at: datetime) -> str:
    """Starts a session; returns its token. Commits twice: a failed try counts whatever comes after.

    Unknown, disabled, locked, a wrong password and a wrong code are answered alike, and take as long.

    Raises:
        Invalid: they do not fit together.
    """
    with store.transaction() as session:
        locked = _count_try(session, typed.email, ip, at)
    token = None
    with store.transaction() as session:
        row = _proved(session, typed, at, locked=locked)
        if row is None:
            actor = Actor(None, masked(typed.email), ip, now=at)
            record(session, actor, "sign_in.locked" if locked else "sign_in.refused")
        else:
            token = _begin_session(session, row, ip, user_agent, at)
            _forget_tries(session, typed.email, ip)
            record(session, Actor(row.id, row.name, ip, now=at), "sign_in.started")
    if token is None:
        raise Invalid({"": REFUSED})
    return token


def sign_out(session: Session, actor: Actor) -> None:
    session.execute(delete(OperatorSession).where(OperatorSession.id == actor.session_id))
    record(session, actor, "sign_in.ended")


def _proved(session: Session, typed: Typed, at: datetime, *, locked: bool) -> Operator | None:
    """The operator, if password and code are theirs; the code is then used up."""
    row = find_operator_by_email(session, typed.email, lock=True)
    usable = row is not None and row.disabled_at is None and row.joined_at is not None and not locked
    fits = passwords.verify(row.password_hash if row is not None and usable else None, typed.password[:PASSWORD_MAX])
    if row is None or not fits:
        return None
    step = totp.matching_step(SECRET.open(row), typed.code, at, after=row.last_step)
    if step is None:
        return None
    row.last_step, row.last_sign_in_at = step, at
    return row


def _begin_session(session: Session, row: Operator, ip: str | None, user_agent: str, at: datetime) -> str:
    token = secrets.token_urlsafe(32)
    session.execute(delete(OperatorSession).where(OperatorSession.expires_at <= at))
    session.add(
        OperatorSession(
            id=new_id(),
            operator_id=row.id,
            token_hash=token_hash(token),
            created_at=at,
            last_seen_at=at,
            expires_at=at + LIFETIME,
            ip=ip,
            user_agent=user_agent[:_MOST_USER_AGENT] or None,
        )
    )
    session.flush()
    return token


def _count_try(session: Session, email: str, ip: str | None, at: datetime) -> bool:
    """Counts the try as failed, from its place and from everywhere; whether either was locked already."""
    key, locked = _account_key(email), False
    for source in (EVERYWHERE, source_of_address(ip)):
        blank = {"account_key": key, "source": source, "failures": 0, "rounds": 0, "last_failed_at": at}
        session.execute(insert(OperatorGuard).values(**blank).on_conflict_do_nothing())
        row = session.scalars(
            select(OperatorGuard)
            .where(OperatorGuard.account_key == key, OperatorGuard.source == source)
            .with_for_update()
        ).one()
        before = after_quiet(Standing(row.failures, row.rounds, row.last_failed_at, row.locked_until), at)
        locked = locked or before.is_locked(at)
        after = after_try(before, at, limit_of(source, TRIES))
        row.failures, row.rounds = after.failures, after.rounds
        row.last_failed_at, row.locked_until = at, after.locked_until
    session.flush()
    return locked


def _forget_tries(session: Session, email: str, ip: str | None) -> None:
    sources = (EVERYWHERE, source_of_address(ip))
    session.execute(
        delete(OperatorGuard).where(OperatorGuard.account_key == _account_key(email), OperatorGuard.source.in_(sources))
    )


def _account_key(email: str) -> str:
    """A keyed hash: the table of failed tries tells nobody which addresses were tried."""
    return hmac.new(derive("operator guards"), email_key(email).encode("utf-8", "replace"), hashlib.sha256).hexdigest()
