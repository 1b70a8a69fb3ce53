"""What the pages of the classifier show: which version answers, what each is worth, what a threshold means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.core.scope import Scope
from app.tickets import queries
from app.tickets.actions.offline import load_model
from app.tickets.classifier.measuring import Report
from app.tickets.classifier.offering import CATEGORY, FIELDS, PRIORITY
from app.tickets.models import ClassifierVersion
from app.tickets.models.classification import BUSY, FAILED, NOT_ENOUGH, READY
from app.tickets.queries import Usage
from app.tickets.rules import lifecycle

FIELD_LABELS = {CATEGORY: "Category", PRIORITY: "Priority"}
_STATES = {
    READY: ("Ready", "success"),
    FAILED: ("Failed", "danger"),
    NOT_ENOUGH: ("Not enough yet", "warning"),
}
_STEPS = {
    "": "Waiting for a worker",
    "reading": "Reading tickets",
    "measuring": "Learning from four fifths, and trying the rest",
    "learning": "Learning from all",
}
_SHOWN_THRESHOLDS = (50, 60, 70, 80, 90, 95, 99)
_USAGE_DAYS = 30
_GONE = "a category that is gone"


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One version in the table. Shares are in words ("91 %"), empty where there are none."""

    id: UUID
    number: int
    at: datetime
    state: str
    tone: str
    active: bool
    can_be_chosen: bool
    examples: int
    labels: int
    accuracy: str
    naive_bayes: str
    majority: str
    problem: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a threshold means: the share of tickets that gets a label, and of those the share that is right."""

    percent: int
    labelled: str
    right: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class FieldPage:
    """One field's classifier. `progress` and `done` are of a training under way."""

    field: str
    label: str
    active: VersionLine | None
    damaged: bool
    held_back: bool
    busy: bool
    progress: str
    done: int
    versions: Sequence[VersionLine]
    meanings: Sequence[Meaning]
    commonest: str
    held_out: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class LabelLine:
    """How one label fares among the tickets that were held out."""

    name: str
    examples: int
    held_out: int
    said: int
    precision: str
    recall: str


@dataclass(frozen=True, slots=True)
class VersionPage:
    """One version, and its figures."""

    line: VersionLine
    field: str
    field_label: str
    held_out: int
    gap: str
    commonest: str
    labels: Sequence[LabelLine]
    confusions: Sequence[tuple[str, str, int]]
    left_out: Sequence[tuple[str, int]]


def field_pages(scope: Scope, threshold: float) -> list[FieldPage]:
    """Both classifiers."""
    used = queries.count_outcomes(scope, scope.now - timedelta(days=_USAGE_DAYS))
    return [_field_page(scope, field, threshold, used.get(field, Usage())) for field in FIELDS]


def version_page(scope: Scope, row: ClassifierVersion) -> VersionPage:
    report, names = _report(row), label_names(scope, row.field)
    labels = report.labels if report else ()
    return VersionPage(
        line=_line(row),
        field=row.field,
        field_label=FIELD_LABELS[row.field],
        held_out=report.held_out if report else 0,
        gap=_percent(report.gap) if report else "",
        commonest=names.get(report.majority_label, _GONE) if report else "",
        labels=[
            LabelLine(
                names.get(one.label, _GONE),
                one.examples,
                one.held_out,
                one.said,
                _percent(one.precision),
                _percent(one.recall),
            )
            for one in labels
        ],
        confusions=[
            (names.get(truth, _GONE), names.get(said, _GONE), times)
            for truth, said, times in (report.confusions if report else ())
        ],
        left_out=[(names.get(label, _GONE), count) for label, count in (report.left_out if report else {}).items()],
    )


def label_names(scope: Scope, field: str) -> Mapping[str, str]:
    """What a field's labels are called, archived categories too."""
    if field == CATEGORY:
        return {str(option.id): option.name for option in queries.list_category_names(scope)}
    return {value: label for value, label, _ in lifecycle.PRIORITIES}


def _field_page(scope: Scope, field: str, threshold: float, usage: Usage) -> FieldPage:
    rows = queries.list_versions(scope, field)
    lines = [_line(row) for row in rows if row.state not in BUSY]
    busy = next((row for row in rows if row.state in BUSY), None)
    answering = queries.list_active_versions(scope).get(field)
    active = queries.get_version(scope, answering.id) if answering else None
    report = _report(active) if active else None
    return FieldPage(
        field=field,
        label=FIELD_LABELS[field],
        active=_line(active) if active else None,
        damaged=answering is not None and load_model(scope, answering) is None,
        held_back=answering is not None and queries.is_held_back(scope, field, answering.number),
        busy=busy is not None,
        progress=_STEPS.get(busy.step, busy.step) if busy else "",
        done=busy.done if busy else 0,
        versions=lines,
        meanings=_meanings(report, threshold) if report else (),
        commonest=label_names(scope, field).get(report.majority_label, _GONE) if report else "",
        held_out=report.held_out if report else 0,
        usage=usage,
    )


def _meanings(report: Report, threshold: float) -> list[Meaning]:
    chosen = round(threshold * 100)
    return [
        Meaning(percent, _percent(labelled), _percent(right), percent == chosen)
        for percent in sorted({*_SHOWN_THRESHOLDS, chosen})
        for labelled, right in (report.at(percent / 100),)
    ]


def _line(row: ClassifierVersion) -> VersionLine:
    report = _report(row)
    state, tone = _STATES.get(row.state, ("Under way", "info"))
    return VersionLine(
        id=row.id,
        number=row.number,
        at=row.trained_at or row.created_at,
        state="Answers" if row.active else state,
        tone="accent" if row.active else tone,
        active=row.active,
        can_be_chosen=row.state == READY and bool(row.checksum) and not row.active,
        examples=row.examples,
        labels=row.labels,
        accuracy=_percent(report.accuracy) if report else "",
        naive_bayes=_percent(report.naive_bayes) if report else "",
        majority=_percent(report.majority) if report else "",
        problem=row.problem,
    )


def _report(row: ClassifierVersion) -> Report | None:
    """What was measured; None for a version that did not get so far, or whose figures an older release wrote."""
    try:
        return Report.read(row.report) if row.report else None
    except (KeyError, TypeError):
        return None


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share * 100:.0f} %"
