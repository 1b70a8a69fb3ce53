"""Asking for a person's data or its erasure; what is done later is in running."""

from __future__ import annotations

from uuid import UUID

from app.accounts.actions import check_stays_owned
from app.accounts.queries import find_refusal, find_user_by_email, get_user
from app.accounts.rules import email_key
from app.core import queue, storage
from app.core.clock import new_id
from app.core.db import after_commit
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.events import publish
from app.core.scope import Scope
from app.extensions import db
from app.privacy import queries
from app.privacy.events import ErasureAsked, ExportAsked, ExportDownloaded
from app.privacy.models import ADDRESS, DONE, ERASURE, EXPORT, PrivacyRequest

JOB = "jobs.privacy.run"


def ask_export(scope: Scope, address: str) -> UUID:
    """Begins to gather everything with this address; returns the request.

    Raises:
        Invalid: it is no address.
    """
    request_id = _ask(scope, EXPORT, address)
    publish(scope, ExportAsked("person", request_id))
    return request_id


def ask_erasure(scope: Scope, address: str, again: str) -> UUID:
    """Begins to erase everything with this address; returns the request.

    Raises:
        Invalid: it is no address, or was not typed the same a second time.
        Conflict: it is the last owner's.
        Forbidden: it is of somebody who may do more than the asker.
    """
    if email_key(again) != email_key(address):
        raise Invalid({"again": "Type the very same address once more."})
    check_erasable(scope, address)
    request_id = _ask(scope, ERASURE, address)
    publish(scope, ErasureAsked("person", request_id))
    return request_id


def check_erasable(scope: Scope, address: str) -> None:
    """Raises Conflict or Forbidden for an account that may not be erased by the asker."""
    user = find_user_by_email(address)
    if user is None:
        return
    try:
        check_stays_owned(scope, user.id)
    except Invalid as last:
        raise Conflict("This is the only owner. Make somebody else an owner first, then erase this account.") from last
    if scope.user_id != user.id and find_refusal(scope, user) is not None:
        raise Forbidden("This person may do more than you. Ask an owner to erase the account.")
    get_user(scope, user.id, lock=True)


def record_download(scope: Scope, request_id: UUID) -> PrivacyRequest:
    """The export, if its file is still there; that it was taken stands in the log.

    Raises:
        NotFound: there is no such request.
        FileGone: it has expired.
    """
    row = queries.get_request(scope, request_id)
    if row.kind != EXPORT or row.state != DONE or row.file_key is None or (row.expires_at or scope.now) <= scope.now:
        raise storage.FileGone("This file is no longer here: it is kept for seven days. Export the data again.")
    publish(scope, ExportDownloaded("person", row.id))
    return row


def forget_files(scope: Scope) -> int:
    """Deletes the files of exports whose time is over; returns how many."""
    rows = queries.list_expired(scope)
    for row in rows:
        key, row.file_key = row.file_key, None
        _delete_later(key)
    db.session.flush()
    return len(rows)


def ring(tenant_id: UUID, request_id: UUID) -> None:
    after_commit(lambda: queue.enqueue(JOB, timeout=3600, tenant_id=tenant_id, request_id=request_id), key=request_id)


def _ask(scope: Scope, kind: str, address: str) -> UUID:
    address = email_key(address)
    if not 3 <= len(address) <= 320 or "@" not in address[1:-1] or any(sign.isspace() for sign in address):
        raise Invalid({"address": "Write a whole e-mail address, such as ann@example.com."})
    user, request_id = find_user_by_email(address), new_id()
    row = PrivacyRequest(
        tenant_id=scope.tenant_id,
        id=request_id,
        kind=kind,
        address_sealed=ADDRESS.seal(address, tenant_id=scope.tenant_id, row_id=request_id),
        user_id=user.id if user else None,
        counts={},
        asked_by=scope.user_id,
        created_at=scope.now,
    )
    db.session.add(row)
    db.session.flush()
    ring(scope.tenant_id, request_id)
    return request_id


def _delete_later(key: str | None) -> None:
    files = storage.files()
    if key is not None:
        after_commit(lambda: files.delete(key))
