"""Erasing a person, place by place. Each place is a generator of how much was done, a batch at a time.

Every batch is safe to do again: what is gone is not found a second time. Events are not deleted, they are blanked,
and an event of ours names each one (docs/adr/0026).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    delete,
    false,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.accounts.actions import check_stays_owned, end_sessions
from app.accounts.models import (
    ApiToken,
    Challenge,
    Device,
    ExternalIdentity,
    Link,
    Passkey,
    RecoveryCode,
    TeamMember,
    TokenFamily,
    TotpSecret,
    User,
    UserSession,
)
from app.core.chain_check import ERASED_NAME
from app.core.db import after_commit
from app.core.events import EventRow, publish, turn_over
from app.core.records.kind import RecordKind, all_kinds
from app.core.records.models import Note, SavedView
from app.core.scope import Scope
from app.core.storage import files
from app.core.transfer.models import CANCELLED, RUNNING, WAITING, Import, ImportChange, ImportProblem
from app.extensions import db
from app.gateways.mail.models import OutgoingMail
from app.privacy import holding
from app.privacy.events import EventsBlanked
from app.privacy.models import PrivacyRequest
from app.privacy.queries import (
    ACCOUNT_KINDS,
    find_holding,
    is_in_words,
    is_mentioned,
    is_of_person,
    list_slices,
)

_BATCH = 500
_SILENT = {"synchronize_session": False}
_ERASED_TEXT = "[erased]"
Done = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Task:
    """One erasure: whose, and by which request."""

    scope: Scope
    request: PrivacyRequest
    address: str
    user_id: UUID | None


Place = Callable[[Task], Iterator[Done]]


def erase_records(task: Task) -> Iterator[Done]:
    """Records of every kind with the address, deleted ones too: they, their notes, and what imports kept of them."""
    for kind in all_kinds():
        condition = find_holding(kind, task.address)
        if condition is None:
            continue
        for found in list_slices(kind.model, condition):
            for ids in _batches(found):
                yield from _erase_batch(task, kind, ids)


def erase_notes(task: Task) -> Iterator[Done]:
    """The address where it stands in notes about others: the rest of the note is theirs and stays."""
    for found in list_slices(Note, is_mentioned(Note.body, task.address)):
        for ids in _batches(found):
            body = func.regexp_replace(Note.body, _literally(task.address), _ERASED_TEXT, "gi")
            db.session.execute(update(Note).where(Note.id.in_(ids)).values(body=body), execution_options=_SILENT)
            for kind in all_kinds():
                turn_over(task.scope.tenant_id, kind.name)
            yield "addresses in notes", len(ids)


def erase_words(task: Task) -> Iterator[Done]:
    """What the person wrote in records of others loses their name and address; what mentions the address, that."""
    for name, words in holding.all_words().items():
        by = words.author_id == task.user_id if task.user_id else false()
        theirs = or_(by, func.lower(words.author_email) == task.address)
        for found in list_slices(words.model, or_(is_in_words(words, task.address), by)):
            for ids in _batches(found):
                values = {column.key: _without(column, task.address) for column in words.texts}
                values |= {
                    column.key: cast(_without(cast(column, Text), task.address), JSONB) for column in words.lists
                }
                values[words.author_name.key] = case((theirs, ERASED_NAME), else_=words.author_name)
                values[words.author_email.key] = case((theirs, None), else_=words.author_email)
                change = update(words.model).where(words.model.id.in_(ids)).values(values)
                db.session.execute(change, execution_options=_SILENT)
                if words.afterwards is not None:
                    words.afterwards(task.scope, ids)
                yield name, len(ids)


def _without(column: Any, address: str) -> Any:
    return func.regexp_replace(column, _literally(address), _ERASED_TEXT, "gi")


def erase_imports(task: Task) -> Iterator[Done]:
    """Refused rows, former values, samples, and files that were uploaded and never imported."""
    for model, column, name in (
        (ImportProblem, ImportProblem.cells, "refused rows of imports"),
        (ImportChange, ImportChange.before, "values before an import"),
    ):
        for found in list_slices(model, is_mentioned(column, task.address)):
            for ids in _batches(found):
                db.session.execute(delete(model).where(model.id.in_(ids)), execution_options=_SILENT)
                yield name, len(ids)
    for found in list_slices(Import, is_mentioned(Import.sample, task.address)):
        for row in db.session.scalars(select(Import).where(Import.id.in_(found)).with_for_update()):
            row.sample = []
            yield "files of imports", _drop_file(task, row)


def erase_mails(task: Task) -> Iterator[Done]:
    for found in list_slices(OutgoingMail, func.lower(OutgoingMail.to_address) == task.address):
        for ids in _batches(found):
            db.session.execute(delete(OutgoingMail).where(OutgoingMail.id.in_(ids)), execution_options=_SILENT)
            yield "mails", len(ids)


def erase_views(task: Task) -> Iterator[Done]:
    """Saved views that look for the address, and the person's own that nobody else sees."""
    mine = (SavedView.owner_id == task.user_id) & SavedView.shared.is_(False) if task.user_id else text("false")
    for found in list_slices(SavedView, is_mentioned(SavedView.query, task.address) | mine):
        for ids in _batches(found):
            db.session.execute(delete(SavedView).where(SavedView.id.in_(ids)), execution_options=_SILENT)
            yield "saved views", len(ids)


def erase_held(task: Task) -> Iterator[Done]:
    """What storeys above keep of the person, and whatever of theirs names the address."""
    for name, theirs in holding.everything().items():
        fits = [is_mentioned(text_column, task.address) for text_column in theirs.texts]
        fits += [func.lower(column) == task.address for column in theirs.addresses]
        fits += [theirs.person == task.user_id] if task.user_id and theirs.person is not None else []
        for found in list_slices(theirs.model, or_(*fits)) if fits else ():
            for ids in _batches(found):
                _drop_files(theirs, ids)
                db.session.execute(delete(theirs.model).where(theirs.model.id.in_(ids)), execution_options=_SILENT)
                yield name, len(ids)


def _drop_files(theirs: holding.Held, ids: Sequence[UUID]) -> None:
    """Their stored files go once the rows are gone."""
    if theirs.file is None:
        return
    store = files()
    for key in db.session.scalars(select(theirs.file).where(theirs.model.id.in_(ids), theirs.file.is_not(None))):
        after_commit(partial(store.delete, key))


def erase_events(task: Task) -> Iterator[Done]:
    """Former values in the log, everything about the account, and the person's name on what they did."""
    person = is_of_person(task.user_id) if task.user_id else text("false")
    written = is_mentioned(EventRow.data, task.address) | is_mentioned(EventRow.actor_name, task.address)
    kept = EventRow.type.like("erasure.%") | EventRow.type.like("person.%")
    for found in list_slices(EventRow, (written | person) & ~kept):
        for ids in _batches(found):
            yield from _blank_these(task, ids)


def erase_account(task: Task) -> Iterator[Done]:
    """The account becomes a stone without a name; whatever opened it, and where it was open, is gone."""
    if task.user_id is None:
        return
    scope, user_id = task.scope, task.user_id
    # Once more: another owner may have gone since this was asked for. Before the person's own row, as everywhere.
    check_stays_owned(scope, user_id)
    user = db.session.scalars(select(User).where(User.id == user_id).with_for_update()).one()
    end_sessions(scope, user_id)
    gone = 0
    for model in (UserSession, TotpSecret, RecoveryCode, Passkey, Device, TokenFamily, ApiToken, Link, Challenge,
                  ExternalIdentity, TeamMember):  # fmt: skip
        mine: Any = model.user_id == user_id
        gone += db.session.execute(delete(model).where(mine), execution_options=_SILENT).rowcount  # type: ignore[attr-defined]
    user.email = user.email_key = f"erased-{user_id}@erased.invalid"
    user.name, user.role, user.role_id = ERASED_NAME, "viewer", None
    user.password_hash = user.zone = user.locale = user.last_sign_in_at = user.password_changed_at = None
    user.disabled_at, user.updated_at = user.disabled_at or scope.now, scope.now
    user.version += 1
    db.session.execute(
        update(Note).where(Note.author_id == user_id).values(author_name=ERASED_NAME), execution_options=_SILENT
    )
    asker = Import.asker.op("||")(func.jsonb_build_object("user_name", ERASED_NAME))
    mine = update(Import).where(Import.created_by == user_id).values(created_by_name=ERASED_NAME, asker=asker)
    db.session.execute(mine, execution_options=_SILENT)
    for kind in ("user", "session", "role", "team"):
        turn_over(scope.tenant_id, kind)
    yield "accounts", 1
    yield "sign-ins, devices, tokens and links", gone


PLACES: tuple[tuple[str, Place], ...] = (
    ("records", erase_records),
    ("notes", erase_notes),
    ("words", erase_words),
    ("imports", erase_imports),
    ("mail", erase_mails),
    ("views", erase_views),
    ("held", erase_held),
    ("account", erase_account),
    # Last, so that what the steps before wrote about the account is blanked as well.
    ("log", erase_events),
)


def blank(task: Task, whole: Sequence[UUID], names: Sequence[UUID]) -> int:
    """Blanks the data of these events and the actor's name of those, and says so in an event that names them."""
    if not whole and not names:
        return 0
    done = db.session.execute(_BLANK, {"erasure": task.request.id, "whole": list(whole), "names": list(names)})
    listed = {"events": [str(id_) for id_ in whole], "names": [str(id_) for id_ in names]}
    publish(task.scope, EventsBlanked("erasure", task.request.id, **listed))
    return int(done.scalar_one())


_BLANK = text("select erase_events(:erasure, :whole, :names)").bindparams(
    bindparam("erasure", type_=Uuid), bindparam("whole", type_=ARRAY(Uuid)), bindparam("names", type_=ARRAY(Uuid))
)


def _erase_batch(task: Task, kind: RecordKind, ids: list[UUID]) -> Iterator[Done]:
    events = list(db.session.scalars(select(EventRow.id).where(EventRow.subject_id.in_(ids))))
    blanked = sum(blank(task, part, ()) for part in _batches(events))
    for part in holding.parts_of(kind.name).values():
        if part.file is not None:
            _delete_files(list(db.session.scalars(select(part.file[0]).where(part.record.in_(ids)))))
    those = ((Note, Note.kind == kind.name, Note.record_id.in_(ids)), (ImportChange, ImportChange.record_id.in_(ids)))
    notes, changes = (
        db.session.execute(delete(model).where(*conditions), execution_options=_SILENT).rowcount  # type: ignore[attr-defined]
        for model, *conditions in those
    )
    db.session.execute(delete(kind.model).where(kind.model.id.in_(ids)), execution_options=_SILENT)
    turn_over(task.scope.tenant_id, kind.name)
    yield kind.label_plural.lower(), len(ids)
    yield from (("notes", notes), ("values before an import", changes), ("events in the log", blanked))


def _blank_these(task: Task, ids: list[UUID]) -> Iterator[Done]:
    """Of what the person did with records only their name goes: what happened to those is not about them."""
    rows = db.session.execute(
        select(EventRow.id, EventRow.subject_kind, EventRow.subject_id, EventRow.actor_id, EventRow.actor_name,
               (is_mentioned(EventRow.data, task.address)).label("written"),
               (EventRow.data == {"erased": True}).label("blank"), EventRow.data["user_id"].astext.label("about"),
               EventRow.data["owner"].astext.label("owner")).where(EventRow.id.in_(ids))
    ).all()  # fmt: skip
    me = task.user_id
    whole, names = [], []
    for row in rows:
        about_me = me is not None and (row.subject_id == me or str(me) in (row.about, row.owner))
        own = me is not None and row.actor_id == me
        if not row.blank and (row.written or about_me or (own and row.subject_kind in ACCOUNT_KINDS)):
            whole.append(row.id)
        if own and row.actor_name != ERASED_NAME:
            names.append(row.id)
    yield "events in the log", blank(task, whole, names)


def _delete_files(keys: Sequence[str]) -> None:
    """Their bytes go once the rows are gone."""
    store = files()
    for key in keys:
        after_commit(partial(store.delete, key))


def _drop_file(task: Task, row: Import) -> int:
    """The file of an import that is not finished goes with it; that of a finished one is gone already."""
    if row.state not in (*WAITING, *RUNNING):
        return 0
    if row.state in RUNNING:
        row.cancel_requested = True
    else:
        row.state, row.message = CANCELLED, "It held data of a person who was erased."
        row.finished_at = row.updated_at = task.scope.now
    store, key = files(), row.file_key
    after_commit(lambda: store.delete(key))
    return 1


def _batches(ids: Sequence[UUID]) -> Iterator[list[UUID]]:
    for start in range(0, len(ids), _BATCH):
        yield list(ids[start : start + _BATCH])


def _literally(address: str) -> str:
    """The address as a regular expression that means nothing but itself."""
    return "".join(sign if sign.isalnum() else f"\\{sign}" for sign in address)
