"""An import from wherever it stands to its end."""

from __future__ import annotations

import logging
from dataclasses import replace
from uuid import UUID

from sqlalchemy import select

from app.core import db as database
from app.core import people
from app.core.clock import now
from app.core.errors import FairleadError
from app.core.records.fields import Names, ParseContext, Reference
from app.core.records.hooks import hooks_of
from app.core.records.kind import RecordKind
from app.core.records.text import fold
from app.core.scope import Scope
from app.core.transfer.models import (
    CHECKING,
    FAILED,
    UNDOING,
    Import,
)
from app.core.transfer.parsing import Composer, RowParser
from app.core.transfer.planning import Planner
from app.core.transfer.reading import UnreadableFile
from app.core.transfer.running.back import take_back
from app.core.transfer.running.ending import finish
from app.core.transfer.running.forth import bring_in, dry_run
from app.core.transfer.running.lease import MOST_ATTEMPTS, LeaseLost, Rights, Work, stopped_text, take
from app.extensions import db

log = logging.getLogger(__name__)
# More different categories than this are no categories: the wrong column was chosen.
_NEW_NAMES = 100


def run_import(scope: Scope, import_id: UUID, *, rights: Rights | None = None, chunks: int | None = None) -> None:
    """Works on a running import until it is done, cancelled or failed, or another worker has it.

    Args:
        scope: the tenant; who asked and in which zone is read from the import.
        rights: the rights a person holds now: what the asker may not see or change, their import does not. Without
            it, the import has those of `scope`.
        chunks: stop after so many, keeping the lease, as a killed worker would (for tests).
    """
    work: Work | None = None
    try:
        work = take(scope, import_id, rights)
        if work is not None:
            _work(work, chunks)
    except LeaseLost:
        database.rollback()
    except (UnreadableFile, FairleadError) as refused:
        database.rollback()
        if work is not None:
            _fail(work, refused.message)
    except Exception:
        database.rollback()
        log.exception("import_failed", extra={"import_id": str(import_id)})
        if work is not None:
            _let_go(work)


def _work(work: Work, chunks: int | None) -> None:
    if work.state == UNDOING:
        take_back(work, chunks)
        return
    planner = _planner(work)
    if work.state == CHECKING:
        dry_run(work, planner, chunks)
    else:
        bring_in(work, planner, chunks)


def _names(scope: Scope, kind: RecordKind) -> dict[str, Names]:
    """What the kind's fields can point at, by folded name and by id; and whether the file may bring new ones."""
    hooks, found = hooks_of(kind), {}
    for spec in kind.fields:
        if isinstance(spec.type, Reference):
            there = spec.type.load(scope)
            known = {str(one.id): one.id for one in there} | {fold(one.name): one.id for one in there}
            found[spec.name] = Names(known, _NEW_NAMES if hooks.may_name(scope, spec.name) else 0)
    return found


def _planner(work: Work) -> Planner:
    names = _names(work.scope, work.kind)
    context = ParseContext(work.scope, people.by_any_name(work.scope), work.day_first, names)
    database.rollback()  # reading people began a transaction, and reading the file may take long
    parser = RowParser(work.kind, work.headers, work.mapping, context)
    return Planner(work.kind, parser, Composer(work.kind, context, work.extras), work.duplicates, names)


def _fail(work: Work, message: str) -> None:
    """The file cannot be read to its end, or is gone: what is in stays, and can be taken back."""
    row = db.session.scalars(select(Import).where(Import.id == work.import_id).with_for_update()).one()
    if row.worker == work.worker:
        finish(replace(work.scope, now=now()), row, FAILED, message)
    database.commit()


def _let_go(work: Work) -> None:
    """Gives the lease back after a failure, so that the next sweep tries again; the third time it fails."""
    row = db.session.scalars(select(Import).where(Import.id == work.import_id).with_for_update()).one()
    if row.worker == work.worker:
        row.worker, row.lease_until = None, now()
        if row.attempts >= MOST_ATTEMPTS:
            finish(replace(work.scope, now=now()), row, FAILED, stopped_text(row))
    database.commit()
