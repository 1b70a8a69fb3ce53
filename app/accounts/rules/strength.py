"""Whether a new password is good enough, and in plain words why not.

Length first, then how soon a guesser who knows common passwords, words, names, dates and keyboards would come by
(zxcvbn, Wheeler 2016; its lists come with it). No rules about digits and signs: they make passwords that are hard
to remember and easy to guess (NIST SP 800-63B-4, 3.1.1.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from app.accounts.rules.addresses import name_key

PASSWORD_MIN = 12
PASSWORD_MAX = 200
GOOD = 3
"""zxcvbn's score from which on a password is taken: 10^8 guesses and more (of 0 to 4)."""
WORDS = ("Very weak", "Weak", "Not strong enough", "Strong", "Very strong")
# Guessing takes longer with every letter; the beginning of a long one is enough to judge it by.
_JUDGED = 60
_SHORTEST_WORD = 3
_LEFT = 8


@dataclass(frozen=True, slots=True)
class Strength:
    """`score` from 0 to 4. `problem` is why it is not taken, or ""; `hints` are how to do better."""

    score: int
    problem: str = ""
    hints: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        return not self.problem

    @property
    def word(self) -> str:
        return WORDS[self.score]

    @property
    def sentence(self) -> str:
        """Why not and how to do better, in one piece."""
        return " ".join((self.problem, *self.hints)) if self.problem else ""


def judge_password(password: str, personal: Iterable[str] = ()) -> Strength:
    """How good a new password is. `personal` are the person's name and address, and what the organisation is called."""
    known = list(personal)
    if len(password) > PASSWORD_MAX:
        return Strength(0, f"That is longer than {PASSWORD_MAX} characters.", ("Shorten it.",))
    score, warning, hints = _guessed(password, known)
    if len(password) < PASSWORD_MIN:
        missing = PASSWORD_MIN - len(password)
        more = "one character" if missing == 1 else f"{missing} characters"
        return Strength(min(score, 1), f"Use at least {PASSWORD_MIN} characters: {more} more.", _or_words(hints))
    if _left_over(password, known) < _LEFT:
        return Strength(
            min(score, 1),
            "It is mostly your name, your address or your organisation's name.",
            ("Use words that have nothing to do with you.",),
        )
    if score < GOOD:
        return Strength(score, warning or "It would be guessed too soon.", hints)
    return Strength(score)


def _or_words(hints: tuple[str, ...]) -> tuple[str, ...]:
    return hints or ("Three or four words that do not belong together are easy to remember.",)


def _guessed(password: str, personal: list[str]) -> tuple[int, str, tuple[str, ...]]:
    """zxcvbn's score, its warning and its suggestions."""
    from zxcvbn import zxcvbn

    if not password:
        return 0, "", ()
    found = zxcvbn(password[:_JUDGED], user_inputs=_words(personal))
    said = found["feedback"]
    hints = tuple(f"{hint.rstrip('.')}." for hint in said["suggestions"])
    return int(found["score"]), said["warning"], hints


def _left_over(password: str, personal: list[str]) -> int:
    """How many characters remain once the person's own words are taken out."""
    rest = name_key(password)
    for word in sorted(_words(personal), key=len, reverse=True):
        rest = rest.replace(word, "")
    return len(rest)


def _words(personal: list[str]) -> list[str]:
    """The parts of names and addresses that are long enough to matter."""
    parts = {part for text in personal for part in re.split(r"[\W_]+", name_key(text))}
    return sorted(part for part in parts if len(part) >= _SHORTEST_WORD)
