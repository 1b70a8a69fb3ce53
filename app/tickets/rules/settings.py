"""How a tenant's service desk works: what its administrators may set, each with its default and limits.

Stored as JSON; what is not stored has its default, what is stored and unknown is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

MANUAL, ROUND_ROBIN, LEAST_LOADED = "manual", "round_robin", "least_loaded"


def setting(
    default: Any,
    label: str,
    line: str,
    *,
    group: str,
    least: float = 0,
    most: float = 0,
    unit: str = "",
    options: tuple[tuple[str, str], ...] = (),
) -> Any:
    """A setting as its page shows it: `least` and `most` bound a number, `options` are the values of a choice."""
    told = {
        "label": label,
        "line": line,
        "group": group,
        "least": least,
        "most": most,
        "unit": unit,
        "options": options,
    }
    return field(default=default, metadata=told)


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """All of them; the order is that of the page."""

    reopen_days: int = setting(
        7,
        "Reopen within",
        "A customer who writes again within this time reopens the ticket; later a new ticket follows it.",
        group="Life of a ticket",
        most=365,
        unit="days",
    )
    close_days: int = setting(
        7,
        "Close resolved tickets after",
        "A resolved ticket nobody writes to is closed. 0 leaves it resolved.",
        group="Life of a ticket",
        most=365,
        unit="days",
    )
    undo_seconds: int = setting(
        10,
        "Time to take back a reply",
        "A reply leaves after this long; until then it can be taken back.",
        group="Conversation",
        most=60,
        unit="seconds",
    )
    assign_on_reply: bool = setting(
        True,
        "Who replies first takes the ticket",
        "A ticket of nobody's becomes that of the agent who replies to it.",
        group="Conversation",
    )
    acknowledge: bool = setting(
        True,
        "Confirm receipt",
        "Who writes a mail that becomes a ticket gets its number by mail, once an hour at most.",
        group="Conversation",
    )
    attachment_mb: int = setting(
        25, "Largest file", "Files larger than this are refused.", group="Conversation", least=1, most=100, unit="MB"
    )
    message_mb: int = setting(
        25,
        "Files of one message together",
        "More than mail servers take is sent as links.",
        group="Conversation",
        least=1,
        most=200,
        unit="MB",
    )
    files_gb: int = setting(
        50,
        "Room for files",
        "When it is full, agents cannot add files; what customers send is still kept.",
        group="Conversation",
        least=1,
        most=10_000,
        unit="GB",
    )
    mail_per_hour: int = setting(
        20,
        "Tickets from one sender in an hour",
        "Further mail of that sender is held until somebody lets it in.",
        group="Mail",
        least=1,
        most=10_000,
        unit="mails",
    )
    keep_mail_days: int = setting(
        90,
        "Keep original mails for",
        "As they came, with everything in them; tickets and their files stay. Held mail is kept four times as long.",
        group="Mail",
        least=1,
        most=3650,
        unit="days",
    )
    assignment: str = setting(
        MANUAL,
        "New tickets are given",
        "In turn: one agent after the other. To the least loaded: whoever has the fewest open tickets. Neither gives "
        "anybody more than they can have.",
        group="Assignment",
        options=((MANUAL, "By hand"), (ROUND_ROBIN, "In turn"), (LEAST_LOADED, "To the least loaded")),
    )
    capacity: int = setting(
        20,
        "Open tickets an agent can have",
        "Unless set for the agent. What nobody can take waits, oldest first.",
        group="Assignment",
        least=1,
        most=1000,
        unit="tickets",
    )
    classify: bool = setting(
        True, "Suggest category and priority", "From what your own tickets have taught.", group="Classification"
    )
    classify_threshold: float = setting(
        0.8,
        "Apply a suggestion when at least this sure",
        "0.8 is 80 percent. What is less sure is only suggested, to be taken with one click.",
        group="Classification",
        least=0.5,
        most=1,
    )
    csat: bool = setting(
        True, "Ask how we did", "Once a ticket is resolved its requester is asked, by mail.", group="Satisfaction"
    )


def read_settings(stored: Mapping[str, Any]) -> DeskSettings:
    """Stored settings over the defaults; a value of another type than its default is left out."""
    known = {one.name: one.default for one in fields(DeskSettings)}
    given = {name: value for name, value in stored.items() if name in known and _fits(value, known[name])}
    return DeskSettings(**given)


def stored_settings(settings: DeskSettings) -> dict[str, Any]:
    return asdict(settings)


def _fits(value: Any, default: Any) -> bool:
    if isinstance(default, float) and not isinstance(value, bool):
        return isinstance(value, int | float)
    return type(value) is type(default)
