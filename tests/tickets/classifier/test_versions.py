"""Training a tenant's classifier: asked for, leased, measured, put to work, replaced, gone back from."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import delete

from app.core.clock import new_id, now
from app.core.errors import Conflict, NotFound
from app.core.scope import Scope
from app.extensions import db
from app.tickets import queries
from app.tickets.actions import classifying, training, training_lease
from app.tickets.classifier.measuring import Report
from app.tickets.classifier.offering import CATEGORY, PRIORITY
from app.tickets.models import ClassifierVersion, Ticket
from app.tickets.models.classification import FAILED, NOT_ENOUGH, READY, TRAINING, WAITING
from jobs.classification import nightly as night
from jobs.classification import sweep
from tests.tickets.classifier.corpus import BILLING, SHIPPING, corpus
from tests.tickets.classifier.desk import Desk

REFUND = "Please refund the invoice, my card was charged twice"


def nightly(desk: Desk) -> list[str]:
    with desk.world.inside(desk.scope):
        return training.ask_where_worthwhile(desk.scope)


def test_a_job_trains_it(desk: Desk, run_jobs: Callable[[], int]) -> None:
    desk.label()
    version_id = desk.ask()
    assert desk.version(version_id).state == WAITING
    run_jobs()
    row = desk.version(version_id)
    assert (row.state, row.active, row.number, row.examples, row.labels) == (READY, True, 1, 60, 4)
    assert row.trained_at is not None
    assert row.worker is None
    report = Report.read(row.report or {})
    assert report.accuracy > report.majority
    assert report.held_out == 12


def test_running_it_again_changes_nothing(desk: Desk) -> None:
    row = desk.teach()
    with desk.world.inside(desk.scope):
        training.run_training(desk.scope, row.id)
    assert desk.version(row.id).trained_at == row.trained_at


def test_two_trainings_of_one_field_at_once_are_refused(desk: Desk) -> None:
    desk.ask()
    with pytest.raises(Conflict, match="already"), desk.world.inside(desk.scope):
        training.ask_training(desk.scope, CATEGORY)
    desk.ask(PRIORITY)
    assert desk.count(ClassifierVersion) == 2


def test_a_version_another_worker_holds_is_left_alone_until_its_lease_is_over(desk: Desk) -> None:
    desk.label()
    version_id = desk.ask()
    desk.damage(state=TRAINING, worker=new_id(), lease_until=now() + timedelta(minutes=5))
    with desk.world.inside(desk.scope):
        training.run_training(desk.scope, version_id)
    assert desk.version(version_id).state == TRAINING
    desk.damage(lease_until=now() - timedelta(seconds=1))
    with desk.world.inside(desk.scope):
        training.run_training(desk.scope, version_id)
    assert desk.version(version_id).state == READY


def test_who_lost_the_lease_stores_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.label()
    version_id, other = desk.ask(), new_id()
    plain = training._examples

    def stolen(*given: Any) -> Any:
        yield from plain(*given)
        desk.damage(worker=other)

    monkeypatch.setattr(training, "_examples", stolen)
    with desk.world.inside(desk.scope):
        training.run_training(desk.scope, version_id)
    row = desk.version(version_id)
    assert (row.state, row.worker, row.content) == (TRAINING, other, None)


def test_the_sweep_rings_for_what_a_crash_left_behind(
    desk: Desk, bell: Any, run_jobs: Callable[[], int], app: Any
) -> None:

    desk.label()
    version_id = desk.ask()
    bell.flushdb()
    desk.damage(state=TRAINING, worker=new_id(), lease_until=now() - timedelta(seconds=1), attempts=1)
    with app.app_context():
        sweep()
    run_jobs()
    assert desk.version(version_id).state == READY


def test_after_three_attempts_it_is_given_up_in_words(desk: Desk) -> None:
    version_id = desk.ask()
    desk.damage(state=TRAINING, worker=new_id(), lease_until=now() - timedelta(seconds=1), attempts=3)
    with desk.world.inside(desk.scope):
        training.run_training(desk.scope, version_id)
    row = desk.version(version_id)
    assert (row.state, row.worker) == (FAILED, None)
    assert "three times" in row.problem


def test_too_few_tickets_end_in_a_sentence(desk: Desk) -> None:
    desk.label(5)
    row = desk.train()
    assert (row.state, row.active) == (NOT_ENOUGH, False)
    assert "20 tickets can teach it so far; it needs 50" in row.problem


def test_labels_by_chance_never_go_to_work(desk: Desk) -> None:
    """As in the tickets of Kaggle, whose labels are random."""
    ids = list(desk.categories.values())
    for number, example in enumerate(corpus(20)):
        desk.new(example.text, category_id=ids[number * 7 % 4])
    row = desk.train()
    assert (row.state, row.active) == (NOT_ENOUGH, False)
    assert "no better than" in row.problem
    assert desk.new(REFUND)["category_id"] is None


def test_priorities_nobody_chose_teach_nothing(desk: Desk) -> None:
    desk.label()
    row = desk.train(PRIORITY)
    assert row.state == NOT_ENOUGH
    assert "same label" in row.problem


def test_what_it_set_itself_teaches_it_only_after_a_person_looked(desk: Desk) -> None:
    desk.teach()
    alone, changed, kept = desk.new(REFUND), desk.new(REFUND), desk.new(REFUND)
    desk.world.change(changed["id"], category_id=desk.categories[SHIPPING])
    with desk.world.inside(desk.scope):
        classifying.accept(desk.scope, kept["id"], CATEGORY)
    with desk.world.inside(desk.scope):
        rows = queries.list_examples(desk.scope, CATEGORY, before=None, limit=10, letters=100)
    labels = {row[0]: row[3] for row in rows}
    assert alone["id"] not in labels
    assert labels[changed["id"]] == str(desk.categories[SHIPPING])
    assert labels[kept["id"]] == str(desk.categories[BILLING])


def test_deleted_tickets_teach_nothing(desk: Desk) -> None:
    desk.label(13)
    some = desk.tickets()
    desk.world.delete(*[ticket.id for ticket in some])
    assert desk.train().state == NOT_ENOUGH


def test_going_back_to_an_earlier_version(desk: Desk) -> None:
    first = desk.teach()
    second = desk.train()
    assert (desk.version(first.id).active, second.active) == (False, True)
    with desk.world.inside(desk.scope):
        training.choose_version(desk.scope, first.id)
    assert (desk.version(first.id).active, desk.version(second.id).active) == (True, False)
    assert desk.suggestions(desk.new(REFUND)["id"])[CATEGORY].model == "category 1"


def test_a_version_without_a_model_cannot_be_chosen(desk: Desk) -> None:
    version_id = desk.ask()
    with pytest.raises(Conflict), desk.world.inside(desk.scope):
        training.choose_version(desk.scope, version_id)


def test_another_tenants_version_does_not_exist(desk: Desk, globex: Scope, inside: Any) -> None:
    row = desk.teach()
    with pytest.raises(NotFound), inside(globex):
        training.choose_version(globex, row.id)


def test_models_long_replaced_go_and_their_figures_stay(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "KEPT_MODELS", 1)
    first = desk.teach()
    second, third = desk.train(), desk.train()
    assert (desk.version(first.id).content, desk.version(first.id).checksum) == (None, "")
    assert desk.version(first.id).report == first.report
    assert desk.version(second.id).content
    assert desk.version(third.id).active
    with pytest.raises(Conflict, match="not kept"), desk.world.inside(desk.scope):
        training.choose_version(desk.scope, first.id)


def test_at_night_it_learns_where_people_labelled_enough(desk: Desk, run_jobs: Callable[[], int]) -> None:
    assert nightly(desk) == []
    desk.label()
    # A priority is never missing, so there is something to look at; that all are alike the training says.
    assert nightly(desk) == [CATEGORY, PRIORITY]
    run_jobs()
    assert nightly(desk) == []
    desk.label(7, seed=2)
    assert nightly(desk) == [CATEGORY, PRIORITY]


def test_at_night_nothing_replaces_a_version_somebody_went_back_to(desk: Desk) -> None:
    first = desk.teach()
    desk.train()
    with desk.world.inside(desk.scope):
        training.choose_version(desk.scope, first.id)
    desk.label(10, seed=2)
    assert CATEGORY not in nightly(desk)


def test_at_night_nothing_is_learned_where_it_is_switched_off(desk: Desk) -> None:
    desk.label()
    desk.settings(classify=False)
    assert nightly(desk) == []


def test_the_nightly_job_goes_through_all_tenants(desk: Desk, app: Any, run_jobs: Callable[[], int]) -> None:
    desk.label()
    with app.app_context():
        night()
    run_jobs()
    assert desk.count(ClassifierVersion) == 2


def test_a_suspended_tenants_training_waits(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.label()
    version_id = desk.ask()
    monkeypatch.setattr(training_lease.tenants, "is_suspended", lambda tenant_id: True)
    with desk.world.inside(desk.scope):
        training.run_training(desk.scope, version_id)
    row = desk.version(version_id)
    assert (row.state, row.worker, row.attempts) == (TRAINING, None, 0)
    monkeypatch.undo()
    with desk.world.inside(desk.scope):
        training.run_training(replace(desk.scope, now=now()), version_id)
    assert desk.version(version_id).state == READY


def test_the_stored_model_holds_no_word_of_a_ticket(desk: Desk) -> None:
    row = desk.teach()
    with np.load(io.BytesIO(row.content or b""), allow_pickle=False) as stored:
        whole = b"".join(stored[name].tobytes() for name in stored.files)
    assert b"refund" not in whole
    assert b"parcel" not in whole


def test_the_lease_is_prolonged_while_the_machine_learns(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Learning takes longer than a lease: a thread beside it prolongs the lease until it is done."""
    monkeypatch.setattr(training_lease, "BEAT_SECONDS", 0.01)
    desk.label()
    version_id = desk.ask()
    plain, seen = training._examples, []

    def slow(*given: Any) -> Any:
        yield from plain(*given)
        desk.damage(lease_until=now() - timedelta(seconds=1))
        until = now() + timedelta(seconds=20)
        while not seen and now() < until:
            seen.extend(row for row in [desk.version(version_id).lease_until] if row > now())

    monkeypatch.setattr(training, "_examples", slow)
    with desk.world.inside(desk.scope):
        training.run_training(desk.scope, version_id)
    assert seen
    assert desk.version(version_id).state == READY


def test_a_ticket_that_is_erased_takes_its_suggestions_along(desk: Desk) -> None:
    desk.teach()
    ticket = desk.new(REFUND)
    with desk.world.inside(desk.scope):
        db.session.execute(delete(Ticket).where(Ticket.id == ticket["id"]))
    assert desk.suggestions(ticket["id"]) == {}
