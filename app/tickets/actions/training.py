"""Training a tenant's classifier: asked for, leased, read in chunks, measured, put to work; choosing an earlier one.

`run_training` commits as it goes, unlike other actions: it works for a minute, and PostgreSQL ends a transaction that
sits idle for fifteen seconds. Killed anywhere, the sweep rings again and it begins anew; the model is stored at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from app.core import db as database
from app.core import queue
from app.core.clock import new_id, now
from app.core.db import after_commit
from app.core.errors import Conflict
from app.core.events import publish
from app.core.scope import Scope
from app.extensions import db
from app.tickets import queries
from app.tickets.actions.training_lease import Hold, LeaseLost, kept, take
from app.tickets.classifier.offering import FIELDS
from app.tickets.events import ClassifierChosen, ClassifierTrained, TrainingAsked
from app.tickets.models import ClassifierVersion
from app.tickets.models.classification import NOT_ENOUGH, READY, WAITING
from app.tickets.queries import CLASSIFIER_KIND

if TYPE_CHECKING:
    from app.tickets.classifier.measuring import Report
    from app.tickets.classifier.training import Example, Trained

log = logging.getLogger(__name__)
JOB = "jobs.classification.train"
SECONDS = 1200
"""How long one training may take."""
KEPT_MODELS = 5
_CHUNK = 500
_FEWEST_NEW, _NEW_SHARE = 25, 0.05
_MORE_THAN_ANY = 5_000


def ask_training(scope: Scope, field: str) -> UUID:
    """Has the field's classifier trained; returns the new version.

    Raises:
        Conflict: one is being trained.
    """
    row = ClassifierVersion(
        id=new_id(),
        field=field,
        number=queries.get_last_number(scope, field) + 1,
        state=WAITING,
        lease_until=scope.now,
        asked_by=scope.user_id,
        created_at=scope.now,
    )
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError as busy:
        raise Conflict("It is being trained already. That takes a minute or two.") from busy
    publish(scope, TrainingAsked(CLASSIFIER_KIND, row.id, field=field, number=row.number))
    ring(scope.tenant_id, row.id)
    return row.id


def ask_where_worthwhile(scope: Scope) -> list[str]:
    """Has those fields trained, every night, that people have labelled enough tickets for since; returns them.

    Not where an administrator went back to an earlier version: they would find it replaced in the morning.
    """
    if not queries.get_desk_settings(scope).classify:
        return []
    asked = [field for field in FIELDS if _is_worthwhile(scope, field)]
    for field in asked:
        ask_training(scope, field)
    return asked


def measure_training(scope: Scope, field: str) -> Report:
    """What a training would give now; stores nothing. Commits between chunks, as `run_training` does.

    Raises:
        Conflict: there is too little to learn from.
    """
    from app.tickets.classifier.training import NotEnough, train

    try:
        return train(_examples(scope, field, lambda done: database.rollback())).report
    except NotEnough as little:
        raise Conflict(str(little)) from little


def choose_version(scope: Scope, version_id: UUID) -> ClassifierVersion:
    """Lets an earlier version answer again, or the newest.

    Raises:
        NotFound: there is no such version. Conflict: it has no model any more, or never had one.
    """
    row = queries.get_version(scope, version_id, lock=True)
    if row.state != READY or not row.checksum:
        raise Conflict("The model of this version is not kept any more. Choose a newer one, or train again.")
    if not row.active:
        _activate(scope, row)
        publish(scope, ClassifierChosen(CLASSIFIER_KIND, row.id, field=row.field, number=row.number))
    return row


def run_training(scope: Scope, version_id: UUID) -> None:
    """Trains this version, unless another worker is at it or it is done. Commits as it goes."""
    worker = take(scope, version_id)
    if worker is None:
        return
    hold = Hold(scope, version_id, worker)
    try:
        with kept(hold):
            _train(hold)
    except LeaseLost:
        database.rollback()
        log.warning("training_lease_lost", extra={"version": str(version_id)})


def _train(hold: Hold) -> None:
    from app.tickets.classifier.training import NotEnough, train

    try:
        field = hold.row().field
        trained = train(_examples(hold.scope, field, lambda done: hold.step("reading", done)), hold.step)
    except NotEnough as little:
        _end(hold, NOT_ENOUGH, str(little))
        return
    _store(hold, trained)


def ring(tenant_id: UUID, version_id: UUID) -> None:
    def enqueue() -> None:
        queue.enqueue(JOB, queue="imports", timeout=SECONDS, tenant_id=tenant_id, version_id=version_id)

    after_commit(enqueue, key=version_id)


def _examples(scope: Scope, field: str, read: Callable[[int], None]) -> Iterator[Example]:
    """The tenant's tickets, newest first; after each chunk `read` is told how many there were, and ends the
    transaction."""
    from app.tickets.classifier.text import LONGEST, ticket_text
    from app.tickets.classifier.training import Example

    before, done = None, 0
    while True:
        rows = queries.list_examples(scope, field, before=before, limit=_CHUNK, letters=LONGEST)
        done += len(rows)
        read(done)
        for _, subject, body, label in rows:
            yield Example(ticket_text(subject, body), label)
        if len(rows) < _CHUNK:
            return
        before = rows[-1][0]


def _store(hold: Hold, trained: Trained) -> None:
    """The model goes to work, unless it is no better than always saying the same."""
    from app.tickets.classifier import model as models

    content = models.to_bytes(trained.model)
    row, report = hold.row(), trained.report
    row.report, row.examples, row.labels = report.stored(), report.examples, len(report.labels)
    if not report.is_useful:
        _end(
            hold,
            NOT_ENOUGH,
            f"It was right for {report.accuracy:.0%} of tickets it had not seen, which is no better than always saying "
            "the commonest label. Perhaps the labels do not depend on the text, or it needs more tickets.",
        )
        return
    row.content, row.checksum = content, models.checksum(content)
    row.state, row.worker, row.step, row.trained_at = READY, None, "", now()
    _activate(hold.scope, row)
    _forget_replaced(hold.scope, row.field)
    publish(hold.scope, ClassifierTrained(CLASSIFIER_KIND, row.id, field=row.field, number=row.number, state=READY))
    database.commit()


def _end(hold: Hold, state: str, problem: str) -> None:
    row = hold.row()
    row.state, row.problem, row.worker, row.step, row.trained_at = state, problem, None, "", now()
    publish(hold.scope, ClassifierTrained(CLASSIFIER_KIND, row.id, field=row.field, number=row.number, state=state))
    database.commit()


def _activate(scope: Scope, row: ClassifierVersion) -> None:
    for other in queries.list_active(scope, row.field):
        other.active = False
    db.session.flush()
    row.active = True
    db.session.flush()


def _forget_replaced(scope: Scope, field: str) -> None:
    """Numbers and reports stay; models long replaced go."""
    for row in queries.list_replaced(scope, field, KEPT_MODELS):
        row.content, row.checksum = None, ""


def _is_worthwhile(scope: Scope, field: str) -> bool:
    if queries.find_busy(scope, field) is not None:
        return False
    versions = queries.list_versions(scope, field, limit=1)
    newest = versions[0] if versions else None
    active = queries.list_active_versions(scope).get(field)
    if active is not None and queries.is_held_back(scope, field, active.number):
        return False
    needed = max(_FEWEST_NEW, int((newest.examples if newest else 0) * _NEW_SHARE))
    since = newest.created_at if newest else None
    return queries.count_new_labels(scope, field, since, most=_MORE_THAN_ANY) >= min(needed, _MORE_THAN_ANY)
