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
    if _sees(asker, needed):
        return None
    return "Your role does not see this team's records, so you cannot decide who does."


def why_not_member(asker: Rights, is_colleague: bool) -> str | None:
    """Why the asker may not put this person into a team; None if they may.

    Their records are seen by the team then, and the asker may be in it: they must see them already.
    """
    if is_colleague or _sees(asker, Reach.ALL):
        return None
    return "Your role does not see this person's records, so you cannot decide who does."


def _sees(asker: Rights, far: Reach) -> bool:
    return all(asker.reach_of(kind).sees.covers(far) for kind in KINDS)
