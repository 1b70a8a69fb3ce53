"""Who may change whose rights: nobody grants more than they hold, and owners are the owners' business (ADR 21)."""

from __future__ import annotations

from app.accounts.rules.roles import Rights, can_grant
from app.core.access import KINDS, Reach

OWNER = "owner"


def why_not_role(asker_role: str, asker: Rights, role: str, rights: Rights) -> str | None:
    """Why the asker may not give this role, or take it away; None if they may."""
    if role == OWNER and asker_role != OWNER:
        return "Only an owner can make or change an owner."
    if not can_grant(asker, rights):
        return "That role may do more than yours does, and nobody can give away more than they hold."
    return None


def why_not_team(asker: Rights, is_member: bool) -> str | None:
    """Why the asker may not change who is in a team; None if they may.

    Being in a team shows its records: whoever decides it must see as much, as a member or because they see all.
    """
    needed = Reach.TEAM if is_member else Reach.ALL
    if all(asker.reach_of(kind).sees.covers(needed) for kind in KINDS):
        return None
    return "Your role does not see this team's records, so you cannot decide who does."
