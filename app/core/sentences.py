"""What an event says to people: a feature that publishes a type of its own gives the words for it here.

    describe("user.disabled", "disabled {subject}")

The sentence follows the name of who did it. It may use `{subject}` (the record, or the person) and every field of
the event's data; what is not there is left out. A type nobody described reads as its verb and its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Words = str | Callable[[Mapping[str, Any]], str]
_described: dict[str, Words] = {}
_MOST = 300


def describe(type: str, words: Words) -> None:
    """Gives the words for a type of event, or for `*.verb` of every kind; the last to do so counts."""
    _described[type] = words


def is_described(type: str) -> bool:
    return type in _described


def described_types() -> list[str]:
    """The types that have words of their own, without those of every kind."""
    return sorted(type for type in _described if not type.startswith("*."))


def sentence(type: str, data: Mapping[str, Any], subject: str = "") -> str:
    """What happened, without who did it; never empty."""
    kind, _, verb = type.rpartition(".")
    words = _described.get(type) or _described.get(f"*.{verb}")
    known = _Known({**data, "subject": subject or _plain(kind), "kind": _plain(kind)})
    if callable(words):
        made = words(known)
    elif words is not None:
        made = words.format_map(known)
    else:
        made = f"{_plain(verb)} {subject or _plain(kind)}"
    return " ".join(made.split())[:_MOST].rstrip(" :,")


class _Known(dict[str, Any]):
    """A field that is not there, or was erased, is nothing."""

    def __missing__(self, key: str) -> str:
        return ""


def _plain(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")
