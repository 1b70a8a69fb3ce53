"""How names and addresses are compared."""

from __future__ import annotations

import re
import unicodedata

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def email_key(email: str) -> str:
    """What two spellings of one address have in common: trimmed, NFKC, lower case."""
    return unicodedata.normalize("NFKC", email).strip().lower()


def name_key(name: str) -> str:
    """What two spellings of one name have in common: NFKC, single spaces, case folded."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def is_slug(text: str) -> bool:
    """Lower-case letters, digits and hyphens, up to 63: it stands in host names and paths."""
    return _SLUG.fullmatch(text) is not None
