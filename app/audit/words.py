"""The words for events of records and of accounts. Features above describe their own (`core.sentences`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.audit.rules import rule_named
from app.core.sentences import Words, describe, is_described


def _alert(data: Mapping[str, Any]) -> str:
    rule = rule_named(str(data.get("rule", "")))
    return f"raised an alert: {rule.title if rule else data.get('rule', '')}"


def _import(data: Mapping[str, Any]) -> str:
    verb = {"importing": "began to import", "imported": "imported", "undone": "took back the import of"}
    said = verb.get(str(data.get("state")), f"import {data.get('state', '')}:")
    counts = [f"{data[name]:,} {name}" for name in ("created", "updated", "skipped", "refused") if data.get(name)]
    return f"{said} {data.get('filename', '')} {'(' + ', '.join(counts) + ')' if counts else ''}"


def _list(data: Mapping[str, Any], name: str) -> str:
    return ", ".join(str(item).replace("_", " ") for item in data.get(name) or [])


def _role(data: Mapping[str, Any]) -> str:
    before, after = (data.get(side) or {} for side in ("before", "after"))
    if "role" in after:
        return f"changed the role of {data['subject']} from {before.get('role', 'none')} to {after['role']}"
    return f"changed the teams of {data['subject']}"


def _turned_away(data: Mapping[str, Any]) -> str:
    who = f"with {data['address']}" if data.get("address") else f"of {data['subject']}"
    return f"turned away a sign-in {who}: {data.get('reason', '')}"


WORDS: dict[str, Words] = {
    "*.created": "added {subject}",
    "*.changed": "changed {subject}",
    "*.moved": "moved {subject} from {before} to {after}",
    "*.deleted": "deleted {subject}",
    "*.restored": "restored {subject}",
    "*.noted": "wrote a note on {subject}",
    "*.note-deleted": "deleted a note of {subject}",
    "*.exported": "exported {kind} records",
    "*.import": _import,
    "audit.exported": "exported the audit log",
    "alert.raised": _alert,
    "alert.seen": lambda data: _alert(data).replace("raised an alert", "has seen the alert"),
    "sign_in.started": "signed in",
    "sign_in.refused": _turned_away,
    "sign_in.locked": "was locked out after too many tries {address}",
    "sign_in.unlocked": "unlocked the sign-in of {subject}",
    "session.ended": "signed out",
    "session.all_ended": "ended every session of {subject}",
    "session.confirmed": "confirmed who they are",
    "device.seen": "came with a new browser: {browser}",
    "second_factor.added": "added a second factor: {what} {name}",
    "second_factor.renamed": "renamed a second factor: {what} {name}",
    "second_factor.removed": "removed a second factor of {subject}: {what} {name}",
    "second_factor.codes_made": "made new recovery codes",
    "second_factor.code_used": "used a recovery code; {left} are left",
    "link.issued": "was sent a link: {purpose}",
    "link.used": "used a link from mail: {purpose}",
    "user.invited": "invited {subject} as {role}",
    "user.invited_again": "sent the invitation of {subject} again",
    "user.invitation_withdrawn": "withdrew the invitation of {subject}",
    "user.joined": "joined",
    "user.updated": "changed the profile of {subject}",
    "user.rights_changed": _role,
    "rights.rights_refused": "tried to give or take rights and was refused: {why}",
    "user.disabled": "disabled the account of {subject}",
    "user.enabled": "enabled the account of {subject}",
    "user.password_changed": "changed the password of {subject}",
    "user.address_change_asked": "asked to change an e-mail address",
    "user.address_confirmed": "confirmed an e-mail address",
    "user.address_restored": "took back a change of e-mail address",
    "recovery.asked": "asked for a new password",
    "role.created": lambda data: f"made the role {(data.get('after') or {}).get('name', '')}",
    "role.updated": lambda data: f"changed the role {(data.get('after') or {}).get('name', '')}",
    "role.deleted": lambda data: f"deleted the role {(data.get('before') or {}).get('name', '')}",
    "team.created": "made the team {name}",
    "team.updated": "renamed the team {before} to {after}",
    "team.deleted": "deleted the team {name}",
    "identity_provider.created": "set up single sign-on with {name}",
    "identity_provider.updated": lambda data: f"changed single sign-on with {data['name']}: {_list(data, 'changed')}",
    "identity_provider.deleted": "deleted single sign-on with {name}",
    "user.identity_linked": "came in by {provider} for the first time",
    "user.identity_unlinked": "comes in by {provider} no more: the new role is more than its administrator's",
    "api_token.created": "made the API token {name}",
    "api_token.revoked": "revoked the API token {name}",
    "token_family.revoked": "signed a program out",
    "token_family.reused": "a program's token was used twice; it was signed out",
}


def register() -> None:
    """Gives these words, unless the feature itself has given its own."""
    for type, words in WORDS.items():
        if not is_described(type):
            describe(type, words)
