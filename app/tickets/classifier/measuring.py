"""What a model is worth, told from tickets it has not learned from."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

THRESHOLDS = tuple(range(50, 101))
"""Percent."""
_MOST_CONFUSIONS = 12


@dataclass(frozen=True, slots=True)
class Tried:
    """A held-out ticket: its label, what the model said, and how sure it was."""

    truth: str
    said: str
    confidence: float


@dataclass(frozen=True, slots=True)
class LabelReport:
    """How one label fares: tickets that have it, of those held out, how often it was said and rightly."""

    label: str
    examples: int
    held_out: int
    said: int
    right: int

    @property
    def precision(self) -> float | None:
        return self.right / self.said if self.said else None

    @property
    def recall(self) -> float | None:
        return self.right / self.held_out if self.held_out else None


@dataclass(frozen=True, slots=True)
class Report:
    """All shares are of the held-out tickets, 0 to 1.

    `curve` has for each threshold in percent how many get a label, and how many of those the right one (counts).
    `gap` is how far confidence and correctness lie apart on average (expected calibration error, ten bins).
    """

    examples: int
    held_out: int
    accuracy: float
    majority: float
    majority_label: str
    naive_bayes: float
    gap: float
    curve: tuple[tuple[int, int, int], ...]
    labels: tuple[LabelReport, ...]
    confusions: tuple[tuple[str, str, int], ...] = ()
    left_out: dict[str, int] = field(default_factory=dict)

    def at(self, threshold: float) -> tuple[float, float | None]:
        """The share that gets a label at this threshold (0 to 1), and the share of those that is right."""
        percent = min(max(math.ceil(threshold * 100 - 1e-9), THRESHOLDS[0]), THRESHOLDS[-1])
        labelled, right = next((said, right) for at, said, right in self.curve if at == percent)
        return labelled / self.held_out, (right / labelled if labelled else None)

    @property
    def is_useful(self) -> bool:
        """Whether it is better than always saying the commonest label, by more than chance (two standard errors)."""
        spread = math.sqrt(max(self.majority * (1 - self.majority), 1e-9) / self.held_out)
        return self.accuracy > self.majority + 2 * spread or self.accuracy == 1.0

    def stored(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, stored: dict[str, Any]) -> Report:
        """Raises KeyError or TypeError for what is no report."""
        labels = tuple(LabelReport(**row) for row in stored["labels"])
        pairs = {name: tuple(tuple(row) for row in stored[name]) for name in ("curve", "confusions")}
        return cls(**{**stored, "labels": labels, **pairs})


def measure(
    tried: Sequence[Tried], examples: Counter[str], naive_bayes: float, left_out: dict[str, int] | None = None
) -> Report:
    """The report on these held-out tickets; `examples` counts all tickets of each label, held out or not."""
    truths, said = Counter(row.truth for row in tried), Counter(row.said for row in tried)
    right = Counter(row.truth for row in tried if row.truth == row.said)
    majority = examples.most_common(1)[0][0]
    wrong = Counter((row.truth, row.said) for row in tried if row.truth != row.said)
    count = len(tried)
    return Report(
        examples=examples.total(),
        held_out=count,
        accuracy=right.total() / count,
        majority=truths[majority] / count,
        majority_label=majority,
        naive_bayes=naive_bayes,
        gap=_gap(tried),
        curve=tuple(_point(tried, percent) for percent in THRESHOLDS),
        labels=tuple(
            LabelReport(label, total, truths[label], said[label], right[label])
            for label, total in examples.most_common()
        ),
        confusions=tuple((truth, guess, times) for (truth, guess), times in wrong.most_common(_MOST_CONFUSIONS)),
        left_out=left_out or {},
    )


def _point(tried: Sequence[Tried], percent: int) -> tuple[int, int, int]:
    sure = [row for row in tried if row.confidence >= percent / 100]
    return percent, len(sure), sum(row.truth == row.said for row in sure)


def _gap(tried: Sequence[Tried]) -> float:
    bins: dict[int, list[Tried]] = {}
    for row in tried:
        bins.setdefault(min(int(row.confidence * 10), 9), []).append(row)
    apart = (abs(sum(row.confidence - (row.truth == row.said) for row in rows)) for rows in bins.values())
    return sum(apart) / len(tried)
