"""What happened to people and sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from app.core.events import Event


@dataclass(frozen=True, slots=True)
class UserCreated(Event):
    verb: ClassVar[str] = "created"
    role: str


@dataclass(frozen=True, slots=True)
class SignedIn(Event):
    """The subject is the session: signing in changes nothing that is cached about the user."""

    verb: ClassVar[str] = "started"
    method: str
    second_factor: bool
    ip: str | None


@dataclass(frozen=True, slots=True)
class SignedOut(Event):
    verb: ClassVar[str] = "ended"


@dataclass(frozen=True, slots=True)
class SessionsEnded(Event):
    """All of a person's; the subject is the person."""

    verb: ClassVar[str] = "all_ended"


@dataclass(frozen=True, slots=True)
class ApiTokenCreated(Event):
    """The subject is the token; `owner` is whose it is."""

    verb: ClassVar[str] = "created"
    owner: UUID
    name: str
    scopes: list[str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ApiTokenRevoked(Event):
    verb: ClassVar[str] = "revoked"
    owner: UUID
    name: str


@dataclass(frozen=True, slots=True)
class ProviderCreated(Event):
    """Single sign-on was set up; the subject is the provider."""

    verb: ClassVar[str] = "created"
    name: str
    issuer: str


@dataclass(frozen=True, slots=True)
class ProviderUpdated(Event):
    """`changed` names the settings; secrets are never among the data."""

    verb: ClassVar[str] = "updated"
    name: str
    changed: list[str]


@dataclass(frozen=True, slots=True)
class ProviderDeleted(Event):
    verb: ClassVar[str] = "deleted"
    name: str


@dataclass(frozen=True, slots=True)
class IdentityLinked(Event):
    """The person came in by a provider for the first time, and is known there from now on."""

    verb: ClassVar[str] = "identity_linked"
    provider: str


@dataclass(frozen=True, slots=True)
class IdentityUnlinked(Event):
    """The person's new role is more than whoever set the provider up could give: it speaks for them no more."""

    verb: ClassVar[str] = "identity_unlinked"
    provider: str


@dataclass(frozen=True, slots=True)
class FamilyRevoked(Event):
    """A program was signed out; the subject is its sign-in."""

    verb: ClassVar[str] = "revoked"
    owner: UUID


@dataclass(frozen=True, slots=True)
class RefreshTokenReused(Event):
    """A refresh token came a second time: somebody has a copy. The sign-in is over for both; see ADR 23."""

    verb: ClassVar[str] = "reused"
    owner: UUID
    ip: str | None
    user_agent: str | None


@dataclass(frozen=True, slots=True)
class OrganisationChanged(Event):
    """Its settings: what was changed, before and after, and the version that made. The subject is the tenant."""

    verb: ClassVar[str] = "changed"
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    version: int


@dataclass(frozen=True, slots=True)
class LinkIssued(Event):
    """A link was made to be mailed to a person; the subject is the link."""

    verb: ClassVar[str] = "issued"
    purpose: str
    user_id: UUID


@dataclass(frozen=True, slots=True)
class LinkUsed(Event):
    verb: ClassVar[str] = "used"
    purpose: str
    user_id: UUID


@dataclass(frozen=True, slots=True)
class UserInvited(Event):
    verb: ClassVar[str] = "invited"
    role: str


@dataclass(frozen=True, slots=True)
class InvitationSentAgain(Event):
    verb: ClassVar[str] = "invited_again"


@dataclass(frozen=True, slots=True)
class InvitationWithdrawn(Event):
    verb: ClassVar[str] = "invitation_withdrawn"


@dataclass(frozen=True, slots=True)
class UserJoined(Event):
    verb: ClassVar[str] = "joined"


@dataclass(frozen=True, slots=True)
class UserUpdated(Event):
    """Name, zone or locale; `fields` names what changed, not to what."""

    verb: ClassVar[str] = "updated"
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RightsChanged(Event):
    """A person's role or teams: what they were and what they are, as names and ids."""

    verb: ClassVar[str] = "rights_changed"
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RightsRefused(Event):
    """Somebody tried to give or take rights they may not; written although the request was refused."""

    verb: ClassVar[str] = "rights_refused"
    wanted: str
    why: str


@dataclass(frozen=True, slots=True)
class UserDisabled(Event):
    verb: ClassVar[str] = "disabled"


@dataclass(frozen=True, slots=True)
class UserEnabled(Event):
    verb: ClassVar[str] = "enabled"


@dataclass(frozen=True, slots=True)
class PasswordForgotten(Event):
    """Somebody asked for a new password; the subject is the challenge that knows for which address."""

    verb: ClassVar[str] = "asked"


@dataclass(frozen=True, slots=True)
class PasswordChanged(Event):
    """`how`: by the person, by a link in mail, or at joining."""

    verb: ClassVar[str] = "password_changed"
    how: str


@dataclass(frozen=True, slots=True)
class AddressChangeAsked(Event):
    verb: ClassVar[str] = "address_change_asked"


@dataclass(frozen=True, slots=True)
class AddressConfirmed(Event):
    """`changed`: it is another one than before."""

    verb: ClassVar[str] = "address_confirmed"
    changed: bool


@dataclass(frozen=True, slots=True)
class AddressRestored(Event):
    """Whoever holds the former address said that it was not them."""

    verb: ClassVar[str] = "address_restored"


@dataclass(frozen=True, slots=True)
class RoleCreated(Event):
    verb: ClassVar[str] = "created"
    after: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RoleUpdated(Event):
    verb: ClassVar[str] = "updated"
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RoleDeleted(Event):
    verb: ClassVar[str] = "deleted"
    before: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TeamCreated(Event):
    verb: ClassVar[str] = "created"
    name: str


@dataclass(frozen=True, slots=True)
class TeamUpdated(Event):
    verb: ClassVar[str] = "updated"
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class TeamDeleted(Event):
    verb: ClassVar[str] = "deleted"
    name: str


@dataclass(frozen=True, slots=True)
class SignInRefused(Event):
    """Somebody did not get in. The subject is the person, or stands for an address nobody here has (`address`,
    masked). `reason`: unknown address, wrong password, locked, disabled, wrong code, wrong passkey, used passkey.
    """

    verb: ClassVar[str] = "refused"
    reason: str
    ip: str | None
    known_device: bool
    address: str | None = None


@dataclass(frozen=True, slots=True)
class SignInLocked(Event):
    """Too many of them. `source` is an address, a known device, `codes`, or `*` for all that are no known device."""

    verb: ClassVar[str] = "locked"
    source: str
    ip: str | None
    until: datetime
    rounds: int
    address: str | None = None


@dataclass(frozen=True, slots=True)
class SignInUnlocked(Event):
    """By an administrator, before the time; the subject is the person."""

    verb: ClassVar[str] = "unlocked"


@dataclass(frozen=True, slots=True)
class DeviceSeen(Event):
    """A person came in with a browser they had not come with before; `first` is the very first."""

    verb: ClassVar[str] = "seen"
    user_id: UUID
    browser: str
    ip: str | None
    first: bool


@dataclass(frozen=True, slots=True)
class SessionEnded(Event):
    """One session of a person's, by themselves from another."""

    verb: ClassVar[str] = "ended"
    user_id: UUID


@dataclass(frozen=True, slots=True)
class IdentityConfirmed(Event):
    """Somebody signed in proved once more who they are; the subject is the session."""

    verb: ClassVar[str] = "confirmed"
    method: str


@dataclass(frozen=True, slots=True)
class FactorAdded(Event):
    """A way to prove oneself: `what` is authenticator or passkey. The subject is the person, here and below."""

    verb: ClassVar[str] = "added"
    what: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class FactorRenamed(Event):
    verb: ClassVar[str] = "renamed"
    what: str
    name: str


@dataclass(frozen=True, slots=True)
class FactorRemoved(Event):
    """`what` may be all: an administrator removed every second factor."""

    verb: ClassVar[str] = "removed"
    what: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class RecoveryCodesMade(Event):
    """Those before are worth nothing any more."""

    verb: ClassVar[str] = "codes_made"


@dataclass(frozen=True, slots=True)
class RecoveryCodeUsed(Event):
    verb: ClassVar[str] = "code_used"
    left: int
