"""When too many failed tries lock an account, for which source, and for how long.

NIST SP 800-63B (5.2.2) asks for a limit on failed tries; counting by account and source keeps a guesser from
locking the owner out (docs/adr/0019).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

EVERYWHERE = "*"
"""All sources together that are no known device of the account's."""
EVERYWHERE_TIMES = 10
"""All of them together may fail this many times as often as one of them."""
CODES = "codes"
"""Second-factor codes: six digits are guessed sooner than passwords, from however many addresses."""
FIRST_LOCK = timedelta(minutes=1)
LONGEST_LOCK = timedelta(hours=24)
QUIET = timedelta(days=1)
"""After a day without a failed try everything is forgotten."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one source stands with one account. `rounds` counts its locks: each lasts twice as long."""

    failures: int = 0
    rounds: int = 0
    last_failed_at: datetime | None = None
    locked_until: datetime | None = None

    def is_locked(self, at: datetime) -> bool:
        return self.locked_until is not None and at < self.locked_until


def source_of_address(ip: str | None) -> str:
    """One household or server counts as one source: an IPv4 address, or the /64 that an IPv6 address is of."""
    try:
        address = ipaddress.ip_address(ip or "")
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def limit_of(source: str, tries: int) -> int:
    """Failed tries that lock this source, where the tenant allows `tries` to each."""
    return tries * EVERYWHERE_TIMES if source == EVERYWHERE else tries


def lock_length(rounds: int) -> timedelta:
    """1, 2, 4 … minutes after `rounds` earlier locks, a day at most."""
    return min(FIRST_LOCK * 2 ** min(rounds, 20), LONGEST_LOCK)


def after_quiet(standing: Standing, at: datetime) -> Standing:
    """The standing, or a clean one if the last failure and the last lock are a day gone."""
    last = max(filter(None, (standing.last_failed_at, standing.locked_until)), default=None)
    return Standing() if last is None or at >= last + QUIET else standing


def after_try(standing: Standing, at: datetime, limit: int) -> Standing:
    """With one more try counted as failed; the one that reaches the limit locks. While locked nothing counts."""
    now = after_quiet(standing, at)
    if now.is_locked(at):
        return Standing(now.failures, now.rounds, at, now.locked_until)
    failures = now.failures + 1
    if failures < limit:
        return Standing(failures, now.rounds, at, None)
    return Standing(0, now.rounds + 1, at, at + lock_length(now.rounds))


def after_success(standing: Standing, failed_here: int, *, locked_by_it: bool = False) -> Standing:
    """All sources together forget what failed at the one that now succeeded; `locked_by_it`: and the lock that
    the successful try itself set when it was counted.
    """
    failures = max(standing.failures - failed_here, 0)
    if locked_by_it:
        return Standing(failures, max(standing.rounds - 1, 0), standing.last_failed_at, None)
    return Standing(failures, standing.rounds, standing.last_failed_at, standing.locked_until)


def masked(address: str) -> str:
    """An address nobody here has, as the log may keep it: `j***@example.com`."""
    name, at_sign, domain = address.strip()[:254].partition("@")
    return f"{name[:1]}***{at_sign}{domain}" if at_sign else "***"
