"""What is believed of a provider: for whom it may speak, and which role its groups give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.accounts.rules.addresses import email_key

MOST_GROUPS = 1_000
MOST_ADDRESS = 254


@dataclass(frozen=True, slots=True)
class ProviderValues:
    """What an administrator decides of a provider. `group_roles` are pairs of group and role key, the first that
    fits counts; `default_role` None lets nobody in without a group.
    """

    name: str
    issuer: str
    client_id: str
    domains: list[str]
    group_claim: str = "groups"
    group_roles: list[list[str]] = field(default_factory=list)
    default_role: str | None = None
    trust_second_factor: bool = False
    enabled: bool = True


def may_vouch(email: str, domains: Iterable[str]) -> bool:
    """Whether the provider may speak for this address: its domain is one of these, letter for letter."""
    local, at, domain = email_key(email).rpartition("@")
    return bool(local and at) and domain in set(domains)


def is_address(text: str) -> bool:
    """Whether a claim can be an e-mail address here at all: nothing invisible in it, and no room for a second one."""
    local, at, domain = text.rpartition("@")
    plain = text.isprintable() and not any(sign.isspace() or sign in ",;<>" for sign in text)
    return bool(local and at and domain) and plain and len(text) <= MOST_ADDRESS


def is_verified(claims: Mapping[str, Any]) -> bool:
    """Whether the provider says that the address is the person's; some write it as text."""
    said = claims.get("email_verified")
    return said is True or said == "true"


def groups_of(claims: Mapping[str, Any], name: str) -> list[str]:
    """The groups the provider says the person is in: a list, or one alone."""
    said = claims.get(name)
    listed = said if isinstance(said, list) else [said]
    return [group for group in listed[:MOST_GROUPS] if isinstance(group, str)]


def role_of_groups(groups: Iterable[str], mapping: Sequence[Sequence[str]], default: str | None) -> str | None:
    """The role of the first pair whose group is one of these, else the default; None is no way in."""
    held = set(groups)
    return next((role for group, role in mapping if group in held), default)


def proved_twice(claims: Mapping[str, Any]) -> bool:
    """Whether the provider asked for more than one factor (RFC 8176: `mfa`)."""
    methods = claims.get("amr")
    return isinstance(methods, list) and "mfa" in methods
