"""Mails that tell people what happened to their account. Subscribers of events: nobody waits for them at sign-in,
so that a locked account of somebody takes no longer to answer than one of nobody (claim 19).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select

from app.accounts.models import User
from app.accounts.queries import Identity, find_person, get_tenant, scope_of, system_scope
from app.core import dispatcher
from app.core.events import EventRow
from app.core.scope import Scope
from app.extensions import db
from app.gateways.mail import Recipient, send_mail
from app.gateways.mail.models import OutgoingMail

AN_HOUR = timedelta(hours=1)
_FACTOR_LINES = {
    ("added", "authenticator"): "An authenticator app was added.",
    ("added", "passkey"): "A passkey was added.",
    ("removed", "authenticator"): "The authenticator app was removed.",
    ("removed", "passkey"): "A passkey was removed.",
    ("removed", "all"): "All second factors were removed, by an administrator.",
    ("codes_made", ""): "New recovery codes were made; earlier ones no longer work.",
    ("code_used", ""): "A recovery code was used to sign in.",
}


def subscribe() -> None:
    """Called once, while the application is built."""
    dispatcher.subscribe("accounts.mail.locked", frozenset({"sign_in.locked"}), tell_of_lock)
    dispatcher.subscribe("accounts.mail.device", frozenset({"device.seen"}), tell_of_device)
    kinds = frozenset(f"second_factor.{verb}" for verb, _ in _FACTOR_LINES)
    dispatcher.subscribe("accounts.mail.factor", kinds, tell_of_factor)


def tell_of_lock(event: EventRow) -> None:
    """To the person, if there is one; once an hour at most, however long somebody guesses."""
    user = db.session.get(User, (event.tenant_id, event.subject_id))
    if user is None or user.disabled_at is not None or _was_told(event, user):
        return
    until = datetime.fromisoformat(event.data["until"])
    key = f"locked:{user.id}:{event.id}"
    _send(event, user.id, "accounts/locked", {"ip": event.data["ip"], "until": until, "at": event.at}, key)


def tell_of_device(event: EventRow) -> None:
    """When the browser is new, and not their first."""
    if event.data["first"]:
        return
    facts = {"browser": event.data["browser"], "ip": event.data["ip"], "at": event.at}
    _send(event, UUID(event.data["user_id"]), "accounts/new_device", facts, f"device:{event.id}")


def tell_of_factor(event: EventRow) -> None:
    """Of every change, so that nobody adds a way in unseen."""
    verb = event.type.partition(".")[2]
    line = _FACTOR_LINES.get((verb, event.data.get("what", "")))
    if line is None:
        return
    facts = {"line": line, "name": event.data.get("name", ""), "at": event.at, "left": event.data.get("left")}
    _send(event, event.subject_id, "accounts/factor_changed", facts, f"factor:{event.id}")


def _send(event: EventRow, user_id: UUID, template: str, facts: dict[str, Any], key: str) -> None:
    who = find_person(event.tenant_id, user_id)
    if who is not None and not who.disabled:
        scope = _scope_of(event, who)
        send_mail(scope, to=Recipient(who.name, who.email), template=template, context=facts, key=key)


def _scope_of(event: EventRow, who: Identity) -> Scope:
    """The person's language and zone, at the instant it happened."""
    tenant = get_tenant(event.tenant_id)
    return scope_of(tenant, who, system_scope(event.tenant_id).now)


def _was_told(event: EventRow, user: User) -> bool:
    """Whether a mail about a lock went to them within the hour before this one."""
    return db.session.scalars(
        select(
            exists().where(
                OutgoingMail.tenant_id == event.tenant_id,
                OutgoingMail.template == "accounts/locked",
                OutgoingMail.to_address == user.email,
                OutgoingMail.created_at > event.at - AN_HOUR,
                OutgoingMail.created_at <= event.at + AN_HOUR,
            )
        )
    ).one()
