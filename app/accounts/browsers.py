"""A browser in words people know, from its user agent."""

from __future__ import annotations

from functools import lru_cache

from ua_parser import parse

_MOST = 40


@lru_cache(maxsize=512)
def described(user_agent: str | None) -> str:
    """`Firefox on Windows`; what says nothing is an unknown browser. Never the text as it was sent."""
    found = parse(user_agent or "")
    browser = found.user_agent.family[:_MOST] if found.user_agent else ""
    system = found.os.family[:_MOST] if found.os else ""
    if browser and system:
        return f"{browser} on {system}"
    return browser or (f"A browser on {system}" if system else "Unknown browser")
