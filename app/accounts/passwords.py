"""Password hashes: argon2id at 19 MiB, two passes, one lane (OWASP's minimum; 20 ms here, security.md)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

Answer = TypeVar("Answer")
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hash_password(password: str) -> str:
    return _off_the_loop(lambda: _HASHER.hash(password))


def verify(password_hash: str | None, password: str) -> bool:
    """Whether the password fits. With no hash it takes as long, and is False: nobody learns who exists."""
    stored = password_hash or _hash_of_nobody()
    fits = _off_the_loop(lambda: _fits(stored, password))
    return fits and password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Made with weaker settings than today's."""
    return _HASHER.check_needs_rehash(password_hash)


def _fits(stored: str, password: str) -> bool:
    """Answered, never raised: gevent writes what is raised on its threads to the log, whoever catches it."""
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hash_of_nobody() -> str:
    return _HASHER.hash("nobody has this password")


def _off_the_loop(call: Callable[[], Answer]) -> Answer:
    """Under gevent, on a real thread: 20 ms of hashing would hold up every other request of the worker."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return call()
    import gevent

    return gevent.get_hub().threadpool.apply(call)
