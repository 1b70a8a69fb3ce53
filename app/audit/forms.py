"""What of the log is asked for, read from the address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID

from app.audit.queries import LogFilter
from app.core.scope import Scope

_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NAME = re.compile(r"[a-z0-9_.-]{1,80}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LogForm:
    """The filter, what was typed, and a sentence for each part of it that made no sense."""

    wanted: LogFilter
    typed: Mapping[str, str]
    problems: tuple[str, ...] = field(default=())

    def keeping(self, **changes: str) -> dict[str, str]:
        """The parameters of this view with some of them changed; no cursor unless it is one of those."""
        kept = {name: text for name, text in self.typed.items() if name not in ("before", "after")}
        return {name: text for name, text in {**kept, **changes}.items() if text}


def read_log(args: Mapping[str, str], scope: Scope) -> LogForm:
    """The filter of these parameters; what cannot be read filters nothing and is told."""
    names = ("person", "kind", "type", "record", "from", "to", "alerts", "before", "after")
    typed = {name: (args.get(name) or "").strip()[:200] for name in names}
    problems: list[str] = []
    since, until = (_day(typed[name], label, scope, problems) for name, label in (("from", "From"), ("to", "To")))
    wanted = LogFilter(
        actor_id=_id(typed["person"], "The person", problems),
        kind=_name(typed["kind"]),
        type=_name(typed["type"]),
        record_id=_id(typed["record"], "The record", problems),
        since=since,
        until=until + timedelta(days=1) if until else None,
        alerts=typed["alerts"] == "1",
        before=_id(typed["before"], "The page", problems),
        after=_id(typed["after"], "The page", problems),
    )
    return LogForm(wanted, typed, tuple(problems))


def _id(text: str, label: str, problems: list[str]) -> UUID | None:
    """The id in what was typed: bare, or the last one of an address that was pasted."""
    found = _ID.findall(text)
    if text and not found:
        problems.append(f"{label} is named by its id, or by the address of its page.")
    return UUID(found[-1]) if found else None


def _day(text: str, label: str, scope: Scope, problems: list[str]) -> datetime | None:
    """The first instant of a day in the reader's zone."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        if not 1970 <= day.year <= 2999:
            raise ValueError
    except ValueError:
        problems.append(f"{label}: write the day as 2026-11-21.")
        return None
    return datetime.combine(day, time(), scope.zone_info)


def _name(text: str) -> str:
    return text if _NAME.fullmatch(text) else ""
