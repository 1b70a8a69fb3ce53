"""Operators: added by another operator or at the command line, set up by themselves, never fewer than one."""

from __future__ import annotations

import secrets
from uuid import UUID

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from app.accounts import passwords, totp
from app.accounts.queries import token_hash
from app.accounts.rules import email_key, judge_password
from app.core.clock import new_id
from app.core.errors import Conflict, Invalid, NotFound
from app.core.secrets import needs_rotation
from app.operator.actions.logging import Actor, record
from app.operator.models import SECRET, Operator, OperatorSession
from app.operator.queries import find_enrolling, find_operator_by_email, get_operator
from app.operator.rules import ENROL

_WRONG_CODE = "That is not the code your app shows now. Check the clock of your phone, and enter the next one."
_LAST = "Somebody must be able to operate this installation: add another operator first."
_PEOPLE_LOCK = 4_153_000_008


def add_operator(session: Session, actor: Actor, *, email: str, name: str) -> str:
    """Adds an operator, who has yet to set up password and app; returns the token of their link, told once.

    Raises:
        Conflict: there is one with this address already.
    """
    if find_operator_by_email(session, email) is not None:
        raise Conflict("There is an operator with this address already.")
    row = Operator(
        id=new_id(),
        email=email.strip(),
        email_key=email_key(email),
        name=" ".join(name.split()) or email.partition("@")[0],
        secret_sealed="",
        created_at=actor.now,
    )
    token = _begin(row, actor)
    session.add(row)
    session.flush()
    record(session, actor, "operator.added", about=(row.id, row.name))
    return token


def begin_again(session: Session, actor: Actor, operator_id: UUID) -> str:
    """For a lost phone or password: both end with every session, and a new link sets them up; returns its token."""
    row = get_operator(session, operator_id, lock=True)
    if row.disabled_at is not None:
        raise Conflict("Enable them first.")
    row.password_hash, row.joined_at = None, None
    token = _begin(row, actor)
    _end_sessions(session, row.id)
    record(session, actor, "operator.begun_again", about=(row.id, row.name))
    return token


def enrol(session: Session, actor: Actor, token: str, *, password: str, again: str, code: str) -> None:
    """Sets password and app by the link, which is good once.

    Raises:
        NotFound: the link is not good any more.
        Invalid: the password is too weak, the two differ, or the code is not of the app.
    """
    row = find_enrolling(session, token, actor.now, lock=True)
    if row is None:
        raise NotFound("This link does not work any more. Ask another operator for a new one.")
    strength = judge_password(password, (row.name, row.email))
    step = totp.matching_step(SECRET.open(row), code, actor.now, after=row.last_step)
    problems = {
        "password": "" if strength.fits else strength.sentence,
        "again": "" if password == again else "The two passwords are not the same.",
        "code": "" if step is not None else _WRONG_CODE,
    }
    if any(problems.values()):
        raise Invalid({name: sentence for name, sentence in problems.items() if sentence})
    row.password_hash = passwords.hash_password(password)
    row.last_step, row.joined_at = step or row.last_step, actor.now
    row.enrol_hash = row.enrol_until = None
    session.flush()
    record(session, Actor(row.id, row.name, actor.ip, now=actor.now), "operator.joined", about=(row.id, row.name))


def disable_operator(session: Session, actor: Actor, operator_id: UUID) -> None:
    """Ends their sessions, and lets them in no more.

    Raises:
        Conflict: nobody else could come in.
    """
    # Two who disable each other at once come one after the other.
    session.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _PEOPLE_LOCK})
    row = get_operator(session, operator_id, lock=True)
    if row.disabled_at is not None:
        return
    others = select(func.count()).where(
        Operator.id != row.id, Operator.disabled_at.is_(None), Operator.joined_at.is_not(None)
    )
    if not session.scalar(others):
        raise Conflict(_LAST)
    row.disabled_at = actor.now
    row.enrol_hash = row.enrol_until = None
    _end_sessions(session, row.id)
    record(session, actor, "operator.disabled", about=(row.id, row.name))


def enable_operator(session: Session, actor: Actor, operator_id: UUID) -> None:
    row = get_operator(session, operator_id, lock=True)
    if row.disabled_at is None:
        return
    row.disabled_at = None
    record(session, actor, "operator.enabled", about=(row.id, row.name))


def seal_again(session: Session) -> int:
    """Seals the secrets of all operators with the current key; returns how many were sealed with another."""
    rows = [row for row in session.scalars(select(Operator).with_for_update()) if needs_rotation(row.secret_sealed)]
    for row in rows:
        row.secret_sealed = SECRET.seal(SECRET.open(row), tenant_id=None, row_id=row.id)
    session.flush()
    return len(rows)


def _begin(row: Operator, actor: Actor) -> str:
    token = secrets.token_urlsafe(32)
    row.secret_sealed = SECRET.seal(totp.new_secret(), tenant_id=None, row_id=row.id)
    row.last_step = 0
    row.enrol_hash, row.enrol_until = token_hash(token), actor.now + ENROL
    return token


def _end_sessions(session: Session, operator_id: UUID) -> None:
    session.execute(delete(OperatorSession).where(OperatorSession.operator_id == operator_id))
