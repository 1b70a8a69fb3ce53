"""Who must prove themselves twice, and what a code looks like."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

STEP = 30
"""Seconds a code of an authenticator app is shown for (RFC 6238, 4.1)."""
WINDOW = 1
"""Steps a clock may be wrong by, either way (RFC 6238, 5.2)."""
TRIES = 5
"""Wrong answers until the sign-in starts over."""
RECOVERY_CODES = 10
FRESH = timedelta(minutes=15)
"""How long after proving who they are someone may change how they sign in."""
_CODE_LENGTH = 16
_LOOKS_LIKE = str.maketrans("oil", "011")
CODE_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no letter that is taken for a digit."""


def must_have_second_factor(required_for: Iterable[str], role: str, role_id: object = None) -> bool:
    """Whether the tenant asks this of the person's role; one of its own is named by its id."""
    return (str(role_id) if role_id else role) in set(required_for)


def code_key(typed: str) -> str:
    """What two spellings of a recovery code have in common; empty for what can be none."""
    letters = "".join(letter for letter in typed.lower() if letter.isalnum()).translate(_LOOKS_LIKE)
    return letters if len(letters) == _CODE_LENGTH and set(letters) <= set(CODE_LETTERS) else ""


def written_code(key: str) -> str:
    """As it is shown: four groups of four."""
    return "-".join(key[start : start + 4] for start in range(0, len(key), 4))


def digits_of(typed: str) -> str:
    """A code of an authenticator app without the spaces people type; empty for what can be none."""
    digits = "".join(typed.split())
    return digits if len(digits) == 6 and digits.isascii() and digits.isdigit() else ""
