"""Setting up mailboxes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from app.core.clock import new_id
from app.core.db import after_commit
from app.core.errors import Conflict, Invalid
from app.core.events import publish
from app.core.scope import Scope
from app.extensions import db
from app.tickets.actions import polling, proving
from app.tickets.events import MailboxChanged
from app.tickets.models.mail import IMAP, PASSWORD, Mailbox
from app.tickets.queries import list_category_names, list_team_names, mailboxes
from app.tickets.rules.mailboxes import MAILBOXES_MAX, MailboxValues, hash_token, problems_of

KIND = "mailbox"
_CHANGED = "Somebody changed this mailbox meanwhile. Look at it again, then save."
_OTHER_PASSWORD = "Enter the password as well: the stored one is not sent to another server."  # noqa: S105
_TOKEN_BYTES = 20


@dataclass(frozen=True, slots=True)
class Made:
    """A mailbox and the token of its secret address, which is shown this once."""

    id: UUID
    token: str


def create_mailbox(scope: Scope, values: MailboxValues, password: str) -> Made:
    """Adds a mailbox; mail is fetched from the next minute on, and a mail proves that the address is ours.

    Raises:
        Invalid: one of the values cannot be, the address is taken, or there are fifty.
    """
    errors = _problems(scope, values, None)
    if values.way == IMAP and not password:
        errors.setdefault("password", "Enter the mailbox's password.")
    if errors:
        raise Invalid(errors)
    row_id, token = new_id(), _new_token()
    row = Mailbox(
        tenant_id=scope.tenant_id,
        id=row_id,
        token_hash=hash_token(token),
        next_poll_at=scope.now,
        created_at=scope.now,
        updated_at=scope.now,
        version=1,
        **_columns(values),
    )
    if password:
        row.password_sealed = PASSWORD.seal(password, tenant_id=scope.tenant_id, row_id=row_id)
    db.session.add(row)
    db.session.flush()
    publish(scope, MailboxChanged(KIND, row.id, name=row.name, what="created"))
    proving.send_proof(scope, row)
    return Made(row.id, token)


def update_mailbox(scope: Scope, mailbox_id: UUID, version: int, values: MailboxValues, password: str | None) -> None:
    """Changes it; without a new password the old one stays, unless the server is another.

    Raises:
        NotFound: it is gone. Conflict: somebody was faster. Invalid: as `create_mailbox`.
    """
    row = mailboxes.get_mailbox(scope, mailbox_id, lock=True)
    if row.version != version:
        raise Conflict(_CHANGED, version=row.version)
    errors = _problems(scope, values, row)
    columns = _columns(values)
    elsewhere = any(getattr(row, name) != columns[name] for name in ("host", "port", "tls"))
    if values.way == IMAP and not password and (elsewhere or row.password_sealed is None):
        # Whoever may not read the password could else have it sent to a server of their own.
        errors.setdefault("password", _OTHER_PASSWORD)
    if errors:
        raise Invalid(errors)
    changed = [name for name, value in columns.items() if getattr(row, name) != value]
    _start_anew(row, changed)
    for name in changed:
        setattr(row, name, columns[name])
    if password:
        row.password_sealed = PASSWORD.seal(password, tenant_id=scope.tenant_id, row_id=row.id)
        changed.append("password")
    row.next_poll_at, row.failures = scope.now, 0
    row.updated_at, row.version = scope.now, row.version + 1
    db.session.flush()
    publish(scope, MailboxChanged(KIND, row.id, name=row.name, what=", ".join(changed) or "nothing"))
    if row.proved_at is None:
        proving.send_proof(scope, row)


def delete_mailbox(scope: Scope, mailbox_id: UUID) -> str:
    """Takes it away; tickets and the log of its mail stay. Returns its name. Raises NotFound."""
    row = mailboxes.get_mailbox(scope, mailbox_id, lock=True)
    name = row.name
    db.session.delete(row)
    db.session.flush()
    publish(scope, MailboxChanged(KIND, mailbox_id, name=name, what="deleted"))
    return name


def rotate_token(scope: Scope, mailbox_id: UUID) -> str:
    """A new secret address, whose token is shown this once; the old one is refused from now on. Raises NotFound."""
    row = mailboxes.get_mailbox(scope, mailbox_id, lock=True)
    token = _new_token()
    row.token_hash = hash_token(token)
    row.updated_at, row.version = scope.now, row.version + 1
    db.session.flush()
    publish(scope, MailboxChanged(KIND, row.id, name=row.name, what="secret address"))
    return token


def check_mailbox(scope: Scope, mailbox_id: UUID) -> None:
    """Signs in at the mail server now, and writes to the address if it is not proved yet.

    Raises:
        NotFound: there is no such mailbox. Invalid: says what is wrong.
    """
    row = mailboxes.get_mailbox(scope, mailbox_id)
    if row.proved_at is None:
        proving.send_proof(scope, row)
    if row.way == IMAP and (trouble := polling.check_connection(row)):
        raise Invalid({"": trouble})


def poll_soon(scope: Scope, mailbox_id: UUID) -> None:
    """Somebody waits for its mail: it is fetched after the commit, not at the next minute. Raises NotFound."""
    row = mailboxes.get_mailbox(scope, mailbox_id, lock=True)
    row.next_poll_at = min(row.next_poll_at, scope.now)
    db.session.flush()
    after_commit(partial(polling.ring, scope.tenant_id, mailbox_id))


def _start_anew(row: Mailbox, changed: list[str]) -> None:
    """Another address has to be proved again; another folder has other numbers for its mail."""
    if "address" in changed:
        row.proved_at = None
    if {"host", "user_name", "folder"} & set(changed):
        row.uidvalidity, row.last_uid, row.waiting = None, 0, []


def _columns(values: MailboxValues) -> dict[str, Any]:
    return {
        "name": values.name,
        "address": values.address,
        "from_name": values.from_name,
        "replies_to": values.replies_to,
        "way": values.way,
        "host": values.host if values.way == IMAP else "",
        "port": int(values.port) if values.way == IMAP else 993,
        "tls": values.tls if values.way == IMAP else "implicit",
        "user_name": values.user_name,
        "folder": values.folder,
        "done_folder": values.done_folder,
        "team_id": UUID(values.team_id) if values.team_id else None,
        "category_id": UUID(values.category_id) if values.category_id else None,
        "active": values.active,
    }


def _problems(scope: Scope, values: MailboxValues, row: Mailbox | None) -> dict[str, str]:
    errors = problems_of(values)
    there = mailboxes.list_mailboxes(scope)
    if row is None and len(there) >= MAILBOXES_MAX:
        errors[""] = f"There are {MAILBOXES_MAX} mailboxes already. Delete one that is not used any more first."
    if any(other.address == values.address for other in there if row is None or other.id != row.id):
        errors.setdefault("address", "There is a mailbox with this address already.")
    for name, options in (("team_id", list_team_names(scope)), ("category_id", list_category_names(scope))):
        chosen = getattr(values, name)
        if chosen and chosen not in {str(option.id) for option in options if option.active}:
            errors[name] = "That is gone. Choose another one."
    return errors


def _new_token() -> str:
    return secrets.token_hex(_TOKEN_BYTES)
