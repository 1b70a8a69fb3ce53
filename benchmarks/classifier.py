"""What the offline classifier is worth: its accuracy on a held-out fifth, beside Naive Bayes and the majority class.

    python -m benchmarks.classifier

The data stands beside the checkout (`../shared/data`) and is never part of the project. The numbers come from
`app.tickets.classifier.training`, the very code a tenant's training runs; the held-out fifth is its own.
"""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from app.tickets.classifier import model as models
from app.tickets.classifier.measuring import Report
from app.tickets.classifier.text import ticket_text
from app.tickets.classifier.training import Example, Trained, train

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
_PREDICTED = 1_000
_HEADINGS = (
    *("data", "tickets", "labels", "majority", "Naive Bayes", "ours", "gap"),
    *("at 80 %: labelled · right", "training", "model", "a prediction"),
)


class DataSet(NamedTuple):
    name: str
    examples: list[Example]


def main() -> int:
    if not DATA.is_dir():
        print("The data is not here: it stands beside the checkout, in ../shared/data.")
        return 0
    print(f"| {' | '.join(_HEADINGS)} |\n|{'---|' * len(_HEADINGS)}")
    for found in (tobi(), banking()):
        began = time.perf_counter()
        trained = train(found.examples)
        seconds = time.perf_counter() - began
        print(_line(found, trained, seconds, _predictions(found, trained)), flush=True)
    return 0


def tobi(data: Path = DATA) -> DataSet:
    """The type of support tickets in five languages. The last row of each file is cut short and left out."""
    return DataSet("`tickets_multilang_tobi`, type", list(_tobi(data / "tickets_multilang_tobi")))


def banking(data: Path = DATA) -> DataSet:
    """The intent of short questions to a bank, 77 of them; both files together."""
    return DataSet("`intents_banking77`", list(_banking(data / "intents_banking77")))


def _tobi(folder: Path) -> Iterator[Example]:
    for path in sorted(folder.glob("*.csv")):
        for row in _rows(path):
            if row["type"] and None not in row.values():
                # The files write line ends and breaks as text.
                body = (row["body"] or "").replace("\\n", "\n").replace("<br>", "\n")
                yield Example(ticket_text(row["subject"], body), row["type"])


def _banking(folder: Path) -> Iterator[Example]:
    for name in ("train.csv", "test.csv"):
        for row in _rows(folder / name):
            yield Example(ticket_text("", row["text"]), row["category"])


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _predictions(found: DataSet, trained: Trained) -> float:
    """Predictions a second, with their reasons, by a model that was stored and read again."""
    content = models.to_bytes(trained.model)
    model = models.from_bytes(content, models.checksum(content))
    texts = [example.text for example in found.examples[:_PREDICTED]]
    began = time.perf_counter()
    for text in texts:
        model.guess(text, model.labels)
    return len(texts) / (time.perf_counter() - began)


def _line(found: DataSet, trained: Trained, seconds: float, speed: float) -> str:
    report: Report = trained.report
    labelled, right = report.at(0.8)
    size = len(models.to_bytes(trained.model)) / 2**20
    cells = (
        found.name,
        f"{report.examples:,} ({report.held_out:,} held out)",
        str(len(report.labels)),
        f"{report.majority:.3f}",
        f"{report.naive_bayes:.3f}",
        f"**{report.accuracy:.3f}**",
        f"{report.gap:.3f}",
        f"{labelled:.0%} · {right or 0:.0%}",
        f"{seconds:.0f} s",
        f"{size:.1f} MB",
        f"{1000 / speed:.1f} ms",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
