"""How tokens for programs are written, and how long they live."""

from __future__ import annotations

import re
import secrets
import string
from datetime import timedelta
from uuid import UUID

PERSONAL, REFRESH = "flp", "flr"
"""What a token begins with: a personal one, and what renews a sign-in. Scanners for leaked secrets look for it."""

ACCESS_LIFETIME = timedelta(minutes=15)
REFRESH_LIFETIME = timedelta(days=7)
FAMILY_LIFETIME = timedelta(days=30)
"""After this a program signs in again, however often it renewed its tokens."""
REFRESH_GRACE = timedelta(seconds=10)
"""How long a used refresh token may be sent once more: its answer was lost, or two requests crossed."""
API_TOKEN_LIFETIME = timedelta(days=365)
"""The longest a personal token may live."""

# Letters and digits only, so that a double click selects the whole token.
_ALPHABET = string.ascii_letters + string.digits
_RANDOM = 43
_BYTES = 32
_WRITTEN = re.compile(rf"({PERSONAL}|{REFRESH})_([0-9a-f]{{32}})_[A-Za-z0-9]{{{_RANDOM}}}")


def new_token(prefix: str, tenant_id: UUID) -> str:
    """A token of 256 random bits."""
    return write_token(prefix, tenant_id, secrets.token_bytes(_BYTES))


def write_token(prefix: str, tenant_id: UUID, secret: bytes) -> str:
    """``flp_<tenant>_<43 characters>``: the secret's 32 bytes, and the organisation so that it can be found."""
    number, written = int.from_bytes(secret), ""
    for _ in range(_RANDOM):
        number, digit = divmod(number, len(_ALPHABET))
        written = _ALPHABET[digit] + written
    return f"{prefix}_{tenant_id.hex}_{written}"


def tenant_of_token(token: str, prefix: str) -> UUID | None:
    """The organisation that a token of this kind says it is of; None if it is not written like one."""
    written = _WRITTEN.fullmatch(token)
    return UUID(written[2]) if written and written[1] == prefix else None


def hint_of(token: str) -> str:
    """What a list may show, to tell tokens apart."""
    return f"{token.partition('_')[0]}_…{token[-4:]}"
