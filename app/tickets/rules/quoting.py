"""How the message that is answered stands below an answer, in the form every mail program folds away."""

from __future__ import annotations

from datetime import datetime

_LINES_MAX = 200
_LETTERS_MAX = 10_000
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def intro_of(who: str, at: datetime) -> str:
    """ "On 3 Nov 2026 at 14:05, Ada Lovelace wrote:"; `at` in the reader's zone."""
    return f"On {at.day} {_MONTHS[at.month - 1]} {at.year} at {at:%H:%M}, {who or 'you'} wrote:"


def quoted_lines(text: str) -> tuple[str, ...]:
    """The lines of a message to be quoted; of a long one the beginning."""
    lines = text[:_LETTERS_MAX].strip().split("\n")
    kept = lines[:_LINES_MAX]
    if len(text) > _LETTERS_MAX or len(lines) > _LINES_MAX:
        kept.append("[…]")
    return tuple(line.rstrip() for line in kept)
