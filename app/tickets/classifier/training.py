"""Teaching a model: every fifth ticket of each label is kept aside to measure it, then all of them teach it.

scikit-learn does the learning (LinearSVC, liblinear underneath; Naive Bayes to compare with). What it learned leaves
here as arrays, and what is measured is `model.Model` itself, so nobody predicts by other code than was measured.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix
from sklearn.naive_bayes import MultinomialNB
from sklearn.svm import LinearSVC

from app.tickets.classifier import text as reading
from app.tickets.classifier.measuring import Report, Tried, measure
from app.tickets.classifier.model import Features, Floats, Model, find, softmax, weigh_counts
from app.tickets.classifier.text import Counts, Numbers

MOST_EXAMPLES = 20_000
MOST_LETTERS = 12_000_000
"""What is read of a tenant, the newest first: enough to learn from, and a bound on memory and time."""
FEWEST_EXAMPLES = 50
FEWEST_OF_A_LABEL = 5
MOST_LABELS = 200
_MOST_WORDS, _MOST_PIECES = 30_000, 40_000
_MOST_WEIGHTS = 4_000_000
_FEWEST_TEXTS = 2
"""A feature that only one text has says nothing about another, and could name somebody."""
_STRICTNESS = 0.3
_SHARPEST = 20.0
_FOLDS = 5

Step = Callable[[str], None]
Counted = tuple[Numbers, Counts]


@dataclass(frozen=True, slots=True)
class Example:
    """A ticket whose label a person chose."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Trained:
    model: Model
    report: Report


class NotEnough(Exception):
    """There is too little to learn from; the text is a sentence for the administrator."""


def train(examples: Iterable[Example], step: Step = lambda name: None) -> Trained:
    """A model of these tickets, the newest first, and what it is worth.

    `step` is told what begins ("reading", "measuring", "learning"), and may raise to stop it. Takes time and memory
    in proportion to the texts, and reads no more than 20,000 tickets and 12 million letters: two minutes and 600 MB
    on a busy machine.

    Raises:
        NotEnough: fewer than 50 tickets, or fewer than two labels with five each.
    """
    step("reading")
    texts, labels = _read(examples)
    totals = Counter(labels)
    taught = {label for label, count in totals.most_common(MOST_LABELS) if count >= FEWEST_OF_A_LABEL}
    _check_enough(totals, taught)
    rows = [row for row, label in enumerate(labels) if label in taught]
    texts, labels = [texts[row] for row in rows], [labels[row] for row in rows]
    left_out = {label: count for label, count in totals.items() if label not in taught}
    held = _held_out(labels)
    step("measuring")
    model, report = _measured(texts, labels, held, left_out)
    step("learning")
    return Trained(_learn(texts, labels, model.sharpness), report)


def _read(examples: Iterable[Example]) -> tuple[list[Counted], list[str]]:
    texts: list[Counted] = []
    labels: list[str] = []
    letters = 0
    for example in examples:
        if len(texts) >= MOST_EXAMPLES or letters >= MOST_LETTERS:
            break
        letters += len(example.text)
        found = reading.count_features(example.text)
        if len(found[0]):
            texts.append(found)
            labels.append(example.label)
    return texts, labels


def _check_enough(totals: Counter[str], taught: set[str]) -> None:
    usable = sum(totals[label] for label in taught)
    if usable < FEWEST_EXAMPLES:
        raise NotEnough(
            f"{usable:,} tickets can teach it so far; it needs {FEWEST_EXAMPLES}, with at least {FEWEST_OF_A_LABEL} of "
            "each label."
        )
    if len(taught) < 2:
        raise NotEnough(
            f"All tickets that can teach it have the same label. It needs two, with at least {FEWEST_OF_A_LABEL} "
            "tickets each."
        )


def _held_out(labels: Sequence[str]) -> NDArray[np.bool_]:
    """Every fifth of each label: old and new tickets alike, the same ones each time."""
    seen: Counter[str] = Counter()
    held = np.zeros(len(labels), bool)
    for row, label in enumerate(labels):
        seen[label] += 1
        held[row] = seen[label] % _FOLDS == 0
    return held


def _measured(
    texts: list[Counted], labels: list[str], held: NDArray[np.bool_], left_out: dict[str, int]
) -> tuple[Model, Report]:
    """A model of four fifths, its calibration, and how it and Naive Bayes do on the fifth they have not seen."""
    kept, tested = np.flatnonzero(~held), np.flatnonzero(held)
    seen, seen_labels = [texts[row] for row in kept], [labels[row] for row in kept]
    model = _learn(seen, seen_labels, 1.0)
    places = {label: place for place, label in enumerate(model.labels)}
    truth = np.array([places[labels[row]] for row in tested])
    scores = np.stack([_scores(model, texts[row]) for row in tested])
    confidence = _cross_calibrated(scores, truth)
    tried = [
        Tried(labels[row], model.labels[said], float(sure))
        for row, said, sure in zip(tested, scores.argmax(axis=1), confidence, strict=True)
    ]
    bayes = _naive_bayes(seen, seen_labels, [texts[row] for row in tested], [labels[row] for row in tested])
    report = measure(tried, Counter(labels), bayes, left_out)
    calibrated = Model(model.labels, model.features, model.rarity, model.weights, model.bias, _sharpness(scores, truth))
    return calibrated, report


def _scores(model: Model, text: Counted) -> Floats:
    return model.scores(weigh_counts(*text, model.features, model.rarity))


def _cross_calibrated(scores: Floats, truth: NDArray[np.int64]) -> Floats:
    """How sure the model is of each held-out ticket, each half calibrated on the other half: no ticket on itself."""
    confidence = np.zeros(len(scores), np.float32)
    half = np.arange(len(scores)) % 2 == 0
    for ours in (half, ~half):
        other = ~ours if (~ours).any() else ours
        sharpness = _sharpness(scores[other], truth[other])
        confidence[ours] = softmax(scores[ours] * np.float32(sharpness)).max(axis=1)
    return confidence


def _sharpness(scores: Floats, truth: NDArray[np.int64]) -> float:
    """By what to multiply scores so that their softmax is right as often as it says (temperature scaling).

    The truth is softened as Platt did it: from ten tickets, all guessed rightly, nobody is ever 100 % sure.
    """
    count, labels = scores.shape
    miss = 1 / (count + 2)
    wanted = np.full(scores.shape, miss / max(labels - 1, 1))
    wanted[np.arange(count), truth] = 1 - miss

    def loss(power: float) -> float:
        chances = softmax(scores * np.exp(power))
        return float(-(wanted * np.log(chances + 1e-12)).sum() / count)

    return float(np.exp(minimize_scalar(loss, bounds=(-5, np.log(_SHARPEST)), method="bounded").x))


def _learn(texts: list[Counted], labels: list[str], sharpness: float) -> Model:
    features, rarity = _choose(texts, len(set(labels)))
    matrix = _matrix((weigh_counts(*text, features, rarity) for text in texts), len(features))
    machine = LinearSVC(C=_STRICTNESS, random_state=0).fit(matrix, labels)
    weights, bias = machine.coef_, machine.intercept_
    if len(machine.classes_) == 2:
        # For two labels it learns one column only: what speaks for the second.
        weights, bias = np.concatenate((-weights, weights)), np.concatenate((-bias, bias))
    return Model(
        labels=tuple(str(label) for label in machine.classes_),
        features=features,
        rarity=rarity,
        weights=np.ascontiguousarray(weights.T).astype(np.float16),
        bias=bias.astype(np.float32),
        sharpness=sharpness,
    )


def _choose(texts: list[Counted], labels: int) -> tuple[Numbers, Floats]:
    """The features to learn, sorted, and how rare each is. The more labels, the fewer features, so the model's size
    is bounded; the commonest are kept."""
    having = np.zeros(3 * reading.REGION, np.uint16)
    for numbers, _ in texts:
        having[numbers] += 1
    share = min(1.0, _MOST_WEIGHTS / labels / (_MOST_WORDS + _MOST_PIECES))
    words = _commonest(having, 0, reading.PIECES.start, int(_MOST_WORDS * share))
    pieces = _commonest(having, reading.PIECES.start, len(having), int(_MOST_PIECES * share))
    chosen = np.concatenate((words, pieces)).astype(np.uint32)
    rarity = np.log((1 + len(texts)) / (1 + having[chosen].astype(np.float64))) + 1
    return chosen, rarity.astype(np.float32)


def _commonest(having: NDArray[np.uint16], start: int, stop: int, most: int) -> NDArray[np.int64]:
    found = np.flatnonzero(having[start:stop] >= _FEWEST_TEXTS) + start
    if len(found) > most:
        found = found[np.argsort(having[found], kind="stable")[-most:]]
    return np.sort(found)


def _matrix(rows: Iterable[Features], width: int) -> csr_matrix:
    """Doubles at once, and row by row: the learner would copy anything else, and this is what takes the memory."""
    places, values, ends = array("i"), array("d"), [0]
    for row_places, row_values in rows:
        places.frombytes(row_places.astype(np.intc).tobytes())
        values.frombytes(row_values.astype(np.float64).tobytes())
        ends.append(len(places))
    return csr_matrix((np.frombuffer(values), np.frombuffer(places, np.intc), ends), shape=(len(ends) - 1, width))


def _among(text: Counted, features: Numbers) -> Features:
    places, inside = find(text[0], features)
    return places, text[1][inside].astype(np.float32)


def _naive_bayes(seen: list[Counted], labels: list[str], unseen: list[Counted], truth: list[str]) -> float:
    """The accuracy of a plain multinomial Naive Bayes over the counts of words, on the same tickets."""
    every = np.unique(np.concatenate([numbers[numbers < reading.WORDS.stop] for numbers, _ in seen]))

    def table(texts: list[Counted]) -> csr_matrix:
        return _matrix((_among(text, every) for text in texts), len(every))

    said = MultinomialNB().fit(table(seen), labels).predict(table(unseen))
    return float(np.mean(said == np.array(truth)))
