"""Where a person's data is: walks over whole tables, in slices that each stay well under the statement's time.

An address can stand anywhere in a text or in what an event held before, so no index leads to it. A slice looks at
so many rows in order of their ids; the walk over a million takes seconds, in a job.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, cast, func, or_, select, text
from sqlalchemy.orm import InstrumentedAttribute

from app.accounts.queries import find_user_by_email
from app.core.errors import NotFound
from app.core.events import EventRow
from app.core.records.fields import Email
from app.core.records.kind import RecordKind, all_kinds
from app.core.records.models import Note
from app.core.scope import Scope
from app.extensions import db
from app.privacy.holding import Words
from app.privacy.models import PrivacyRequest

SLICE = 20_000
FIRST = UUID(int=0)
ACCOUNT_KINDS = (
    *(
        "user",
        "sign_in",
        "session",
        "device",
        "second_factor",
        "link",
        "api_token",
        "token_family",
        "recovery",
        "rights",
    ),
)
"""Events of these kinds are about the person who did it: of those of a person who is erased all of it goes."""


@dataclass(frozen=True, slots=True)
class FoundRecord:
    kind: RecordKind
    id: UUID
    title: str
    deleted: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What a search for an address shows: at most a hundred of each."""

    user_id: UUID | None = None
    user_name: str = ""
    records: tuple[FoundRecord, ...] = ()
    notes: tuple[Note, ...] = ()
    more: bool = False
    problems: dict[str, str] = field(default_factory=dict)


def find_person_data(scope: Scope, address: str, *, most: int = 100) -> Found:
    """Everything with this address, for whoever decides what to do with it: whole tenant, whatever one's reach."""
    user = find_user_by_email(address)
    records = [item for kind in all_kinds() for item in _shown(kind, address, most)]
    notes = [note for ids in list_slices(Note, is_mentioned(Note.body, address)) for note in _notes(ids[:most])]
    more = len(records) > most or len(notes) > most
    name = user.name if user else ""
    return Found(user.id if user else None, name, tuple(records[:most]), tuple(notes[:most]), more)


def list_slices(model: type[Any], condition: Any) -> Iterator[list[UUID]]:
    """The ids that fit, slice by slice of the whole table; an empty list for a slice in which none does."""
    after = FIRST
    while True:
        ids = select(model.id).where(model.id > after).order_by(model.id)
        end = db.session.scalars(ids.offset(SLICE - 1).limit(1)).one_or_none()
        inside = (model.id > after, *((model.id <= end,) if end else ()))
        yield list(db.session.scalars(select(model.id).where(*inside, condition).order_by(model.id)))
        if end is None:
            return
        after = end


def is_mentioned(column: InstrumentedAttribute[Any] | Any, address: str) -> Any:
    """Whether the address stands somewhere in a text, or in JSON, however it is written."""
    return func.strpos(func.lower(cast(column, Text)), address.lower()) > 0


def is_in_words(words: Words, address: str) -> Any:
    """Whether somebody with this address wrote it, or it mentions the address."""
    written = func.lower(words.author_email) == address.lower()
    return or_(written, *(is_mentioned(column, address) for column in (*words.texts, *words.lists)))


def find_holding(kind: RecordKind, address: str) -> Any | None:
    """Whether a record's field for an address holds this one; None if the kind has no such field."""
    columns = [getattr(kind.model, spec.name) for spec in kind.fields if isinstance(spec.type, Email)]
    return or_(*(func.lower(column) == address.lower() for column in columns)) if columns else None


def is_of_person(user_id: UUID) -> Any:
    """What is about them, and what they did."""
    text_id = str(user_id)
    named = or_(*(EventRow.data[name].astext == text_id for name in ("user_id", "owner")))
    return or_(EventRow.subject_id == user_id, named, EventRow.actor_id == user_id)


def get_request(scope: Scope, request_id: UUID, *, lock: bool = False) -> PrivacyRequest:
    """Raises NotFound: there is none here."""
    query = select(PrivacyRequest).where(PrivacyRequest.id == request_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("This request does not exist, or is not yours to see.")
    return found


def list_requests(scope: Scope, *, limit: int = 20) -> list[PrivacyRequest]:
    """The latest, newest first."""
    return list(db.session.scalars(select(PrivacyRequest).order_by(PrivacyRequest.id.desc()).limit(limit)))


def list_due(scope: Scope) -> list[UUID]:
    """Requests whose worker is gone, or that nobody took yet."""
    due = func.coalesce(PrivacyRequest.lease_until, PrivacyRequest.created_at) <= scope.now
    query = select(PrivacyRequest.id).where(PrivacyRequest.state.in_(("waiting", "running")), due)
    return list(db.session.scalars(query.order_by(PrivacyRequest.id).limit(100)))


def list_expired(scope: Scope) -> list[PrivacyRequest]:
    """Exports whose file has to go."""
    query = select(PrivacyRequest).where(PrivacyRequest.file_key.is_not(None), PrivacyRequest.expires_at <= scope.now)
    return list(db.session.scalars(query.limit(100).with_for_update(skip_locked=True)))


def tenants_with_privacy_due(limit: int = 1000) -> list[UUID]:
    """Tenants with a request or a file that waits; through a definer function, which tells nothing but ids."""
    rows = db.session.execute(text("select tenants_with_privacy_due(cast(:limit as integer))"), {"limit": limit})
    return [row[0] for row in rows]


def list_rows(model: type[Any], ids: Sequence[UUID]) -> list[Any]:
    """These rows, by id."""
    query: Select[Any] = select(model).where(model.id.in_(ids)).order_by(model.id)
    return list(db.session.scalars(query))


def _shown(kind: RecordKind, address: str, most: int) -> Iterator[FoundRecord]:
    condition = find_holding(kind, address)
    if condition is None:
        return
    left = most + 1
    for ids in list_slices(kind.model, condition):
        for row in list_rows(kind.model, ids[:left]):
            values = {name: getattr(row, name) for name in kind.title_fields}
            yield FoundRecord(kind, row.id, kind.title(values), row.deleted_at is not None)
        left -= len(ids)
        if left <= 0:
            return


def _notes(ids: Sequence[UUID]) -> list[Note]:
    return list_rows(Note, ids)
