"""Links in mail: what each is for, how long it is good, and what is said of one that is not good any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

INVITATION = "invitation"
NEW_PASSWORD = "new-password"  # noqa: S105 a purpose, not a password
CONFIRM_ADDRESS = "confirm-address"
UNDO_ADDRESS = "undo-address"


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a link is for.

    `lifetime` is how long it is good. With `replaces`, a new one ends the person's older ones of this purpose.
    `again` says how to get another one.
    """

    name: str
    lifetime: timedelta
    again: str
    replaces: bool = True


_PURPOSES = (
    Purpose(INVITATION, timedelta(days=7), "Ask whoever invited you to send the invitation again."),
    Purpose(NEW_PASSWORD, timedelta(hours=1), "Ask for a new link and use it within the hour."),
    Purpose(CONFIRM_ADDRESS, timedelta(days=1), "Sign in, open your profile and send the link again."),
    # A day for confirming the new address, then a week for the old one's owner. It outlives later ones: whoever
    # changes the address twice must not end the first owner's way back.
    Purpose(UNDO_ADDRESS, timedelta(days=8), "Ask an administrator of your organisation for help.", replaces=False),
)
PURPOSES = {purpose.name: purpose for purpose in _PURPOSES}


class Dead(StrEnum):
    """Why a link is not good, or not any more."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    USED = "used"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    Dead.UNKNOWN: "This link is incomplete, or was not made for this organisation. Copy the whole address from the "
    "mail, or open the mail again.",
    Dead.EXPIRED: "This link has expired.",
    Dead.USED: "This link has been used already; each is good once.",
    Dead.REPLACED: "A newer link was sent after this one. Use the one in the latest mail.",
    Dead.WITHDRAWN: "This invitation was withdrawn.",
}
