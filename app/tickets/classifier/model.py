"""A trained model: arrays that turn a ticket into one label of a closed set and how sure that is.

Stored as plain arrays with a checksum, never pickled: reading one cannot run anything.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.tickets.classifier import text as reading
from app.tickets.classifier.text import Counts, Numbers

FORMAT = 1
"""Raised when a stored model of before could no longer be read rightly."""
_MOST_WEIGHTS = 8_000_000
_SHORTEST_SHOWN = 3

Floats = NDArray[np.float32]
Features = tuple[NDArray[np.int64], Floats]
"""Places among a model's features, and values."""


class DamagedModel(Exception):
    """These bytes are no model of ours, or not the one that was stored."""


@dataclass(frozen=True, slots=True)
class Guess:
    """The likeliest label, how sure (0 to 1, calibrated), and the words that speak most for it, as written."""

    label: str
    confidence: float
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Weights of each feature for each label.

    `features` are the sorted numbers of the features it knows, `rarity` how much each counts, `weights` a row a
    feature and a column a label, `bias` a number a label. `sharpness` calibrates: the scores times it, through a
    softmax, are the probabilities.
    """

    labels: tuple[str, ...]
    features: Numbers
    rarity: Floats
    weights: NDArray[np.float16]
    bias: Floats
    sharpness: float

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return int(self.features.nbytes + self.rarity.nbytes + self.weights.nbytes)

    def guess(self, text: str, allowed: Collection[str]) -> Guess | None:
        """The likeliest label, or None for a text of which it knows no word, or whose label is not allowed.

        What a label that is gone would have got stays with it, so nothing else grows surer because of that.
        """
        known = self.known(text)
        places, values = known
        if not any(self.features[places] < reading.WORDS.stop):
            return None
        chances = self.chances(known)
        best = int(chances.argmax())
        if self.labels[best] not in allowed:
            return None
        return Guess(self.labels[best], float(chances[best]), self._telling(text, places, values, best))

    def known(self, text: str) -> Features:
        """Where the text's features stand in the model, and each one's value."""
        return weigh(text, self.features, self.rarity)

    def scores(self, known: Features) -> Floats:
        places, values = known
        return values @ self.weights[places].astype(np.float32) + self.bias

    def chances(self, known: Features) -> Floats:
        """The probability of each label; they sum to 1."""
        return softmax(self.scores(known) * np.float32(self.sharpness))

    def _telling(self, text: str, places: NDArray[np.int64], values: Floats, best: int) -> tuple[str, ...]:
        """The three words that speak most for this label: each with its pieces, as far as the model knows it."""
        rows = self.weights[places].astype(np.float32)
        speaks = values * (rows[:, best] - rows.mean(axis=1))
        known = self.features[places]
        told: dict[str, tuple[float, str]] = {}
        for word, written in reading.words_as_written(text):
            if word in told or len(word) < _SHORTEST_SHOWN or word.isdigit():
                continue
            own = reading.word_features(word)
            there, inside = find(own, known)
            if inside[0]:
                told[word] = (float(speaks[there].sum()), written)
        ranked = sorted(told.values(), key=lambda item: -item[0])
        return tuple(written for speaking, written in ranked[:3] if speaking > 0)


def softmax(scores: Floats) -> Floats:
    """Along the last axis."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def weigh(text: str, features: Numbers, rarity: Floats) -> Features:
    """Places among `features` of what the text has of them, and values.

    A value grows with the logarithm of how often it occurs and with how rare it is; words and pieces are brought
    to length 1 apart, so that a long text counts no more than a short one.
    """
    return weigh_counts(*reading.count_features(text), features, rarity)


def weigh_counts(numbers: Numbers, counts: Counts, features: Numbers, rarity: Floats) -> Features:
    places, inside = find(numbers, features)
    values = (1 + np.log(counts[inside].astype(np.float32))) * rarity[places]
    pieces = features[places] >= reading.PIECES.start
    for block in (pieces, ~pieces):
        length = np.sqrt((values[block] ** 2).sum())
        if length > 0:
            values[block] /= length
    return places, values.astype(np.float32)


def find(numbers: Numbers, features: Numbers) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Which of the numbers are among the sorted features, and where those stand."""
    places = np.searchsorted(features, numbers)
    inside = places < len(features)
    inside[inside] = features[places[inside]] == numbers[inside]
    return places[inside], inside


def to_bytes(model: Model) -> bytes:
    """The model as a compressed archive of arrays."""
    target = io.BytesIO()
    np.savez_compressed(
        target,
        format=np.array([FORMAT], np.uint32),
        labels=np.frombuffer("\n".join(model.labels).encode(), np.uint8),
        features=model.features,
        rarity=model.rarity,
        weights=model.weights,
        bias=model.bias,
        sharpness=np.array([model.sharpness], np.float32),
    )
    return target.getvalue()


def checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def from_bytes(content: bytes, expected: str) -> Model:
    """The model in these bytes.

    Raises:
        DamagedModel: the checksum is another, or what is inside does not fit together.
    """
    if checksum(content) != expected:
        raise DamagedModel("The checksum differs.")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            if stored["format"].tolist() != [FORMAT]:
                raise DamagedModel(f"It is of format {stored['format'].tolist()}.")
            model = Model(
                labels=tuple(stored["labels"].tobytes().decode().split("\n")),
                features=stored["features"],
                rarity=stored["rarity"],
                weights=stored["weights"],
                bias=stored["bias"],
                sharpness=float(stored["sharpness"][0]),
            )
    except (ValueError, KeyError, IndexError, EOFError, OSError, zipfile.BadZipFile) as wrong:
        raise DamagedModel(f"It cannot be read: {type(wrong).__name__}.") from wrong
    _check(model)
    return model


def _check(model: Model) -> None:
    rows, columns = len(model.features), len(model.labels)
    shapes = (model.weights.shape, model.rarity.shape, model.bias.shape)
    whole = all(np.isfinite(array).all() for array in (model.weights, model.rarity, model.bias))
    if shapes != ((rows, columns), (rows,), (columns,)) or not whole or rows * columns > _MOST_WEIGHTS:
        raise DamagedModel("Its arrays do not fit together.")
