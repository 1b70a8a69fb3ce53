"""What a classifier sees of a ticket: hashed words, pairs of words, and pieces of words.

A feature is a number, never the word itself, so a stored model holds nobody's text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint32]
Counts = NDArray[np.uint16]

LONGEST = 2_000
"""Characters of a ticket that are read: the subject and how the description begins."""
_LONGEST_SUBJECT = 300
_LONGEST_WORD = 40
_PIECES = (2, 3, 4)
REGION = 2**23
"""Words, pairs and pieces are hashed into a region of numbers each, in this order."""
WORDS, PAIRS, PIECES = (range(start * REGION, (start + 1) * REGION) for start in range(3))
# Chinese and Japanese are written without spaces: there each sign counts as a word.
_SIGNS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_SIGNS}]|[^\W_{_SIGNS}]+")


def ticket_text(subject: str | None, description: str | None) -> str:
    """The part of a ticket that is read, whatever its size."""
    head, body = (subject or "")[:_LONGEST_SUBJECT], (description or "")[:LONGEST]
    return f"{head}\n{body}"[:LONGEST].replace("\x00", " ")


def list_words(text: str) -> list[str]:
    """The words as they are compared: width, ligatures and case do not matter."""
    return [word for word, _ in words_as_written(text)]


def words_as_written(text: str) -> Iterator[tuple[str, str]]:
    """Each word as it is compared, and as it stands in the text."""
    for found in _WORD.finditer(text):
        written = found.group()[:_LONGEST_WORD]
        yield unicodedata.normalize("NFKC", written).casefold(), written


def count_features(text: str) -> tuple[Numbers, Counts]:
    """The text's features, sorted, and how often each occurs; empty for a text without letters and digits."""
    words = list_words(text)
    if not words:
        return np.zeros(0, np.uint32), np.zeros(0, np.uint16)
    pairs = [PAIRS.start + _hash(f"{one} {two}") for one, two in pairwise(words)]
    every = np.concatenate([word_features(word) for word in words] + [np.array(pairs, np.uint32)])
    numbers, counts = np.unique(every, return_counts=True)
    return numbers, counts.astype(np.uint16)


@lru_cache(maxsize=10_000)
def word_features(word: str) -> Numbers:
    """The word's own feature, then its pieces of two to four letters; a space marks where it begins and ends."""
    marked = f" {word} "
    starts = ((size, start) for size in _PIECES for start in range(len(marked) - size + 1))
    pieces = [PIECES.start + _hash(marked[start : start + size]) for size, start in starts]
    return np.array([WORDS.start + _hash(word), *pieces], np.uint32)


def _hash(feature: str) -> int:
    """The same in every process and release, unlike `hash`; that two share a number now and then costs little."""
    return crc32(feature.encode("utf-8", "surrogatepass")) % REGION
