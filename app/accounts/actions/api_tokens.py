"""Personal tokens: made by a person for a program of theirs, shown once, with no more rights than chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from app.accounts import queries
from app.accounts.events import ApiTokenCreated, ApiTokenRevoked
from app.accounts.models import ApiToken
from app.accounts.queries import API_TOKEN_KIND, token_hash
from app.accounts.rules import API_TOKEN_LIFETIME, PERSONAL, hint_of, new_token
from app.core.clock import new_id
from app.core.errors import Forbidden, Invalid
from app.core.events import publish
from app.core.scope import Scope
from app.extensions import db

MAX_API_TOKENS = 50
_MOST_NAME = 60


@dataclass(frozen=True, slots=True)
class NewApiToken:
    """The token itself, which nobody can be shown again, and the id of its row."""

    id: UUID
    text: str


def create_api_token(scope: Scope, *, name: str, scopes: Sequence[str], expires_at: datetime) -> NewApiToken:
    """Makes a token of the asker's own.

    Args:
        name: what it is for, at most 60 characters.
        scopes: permissions, all of which the asker holds; what counts later is what they hold then.
        expires_at: at most a year from now.

    Raises:
        Invalid: one of these does not fit, or there are 50 tokens already.
        Forbidden: the asker is no person.
    """
    if scope.user_id is None:
        raise Forbidden
    name = " ".join(name.split())
    if errors := _problems(scope, name, scopes, expires_at):
        raise Invalid(errors)
    text = new_token(PERSONAL, scope.tenant_id)
    row = ApiToken(
        tenant_id=scope.tenant_id,
        id=new_id(),
        user_id=scope.user_id,
        name=name,
        token_hash=token_hash(text),
        hint=hint_of(text),
        scopes=sorted(set(scopes)),
        created_at=scope.now,
        expires_at=expires_at,
    )
    db.session.add(row)
    db.session.flush()
    publish(scope, ApiTokenCreated(API_TOKEN_KIND, row.id, scope.user_id, name, row.scopes, expires_at))
    return NewApiToken(row.id, text)


def revoke_api_token(scope: Scope, user_id: UUID, token_id: UUID) -> str:
    """Ends a token of this person; from the next request on it opens nothing. Returns its name. Raises NotFound."""
    return _revoke(scope, queries.get_api_token(scope, user_id, token_id, lock=True)).name


def revoke_api_tokens(scope: Scope, user_id: UUID) -> int:
    """Ends all of a person's; returns how many. For disabling, and for a new password by a link in a mail: whoever
    needs one may have lost the account to somebody who made tokens.
    """
    rows = queries.list_api_tokens(scope, user_id)
    for row in rows:
        _revoke(scope, row)
    return len(rows)


def _revoke(scope: Scope, row: ApiToken) -> ApiToken:
    row.revoked_at = scope.now
    publish(scope, ApiTokenRevoked(API_TOKEN_KIND, row.id, row.user_id, row.name))
    return row


def _problems(scope: Scope, name: str, scopes: Sequence[str], expires_at: datetime) -> dict[str, str]:
    errors: dict[str, str] = {}
    if not name:
        errors["name"] = "Say what the token is for, such as the name of the program."
    elif len(name) > _MOST_NAME:
        errors["name"] = f"At most {_MOST_NAME} characters."
    if not scopes:
        errors["scopes"] = "Choose at least one thing the token may do."
    elif not scope.permissions.issuperset(scopes):
        errors["scopes"] = "A token can do no more than you can. Choose from the list."
    if not scope.now < expires_at <= scope.now + API_TOKEN_LIFETIME:
        errors["expires"] = "Choose a day from tomorrow to a year from now."
    living = select(func.count()).where(
        ApiToken.tenant_id == scope.tenant_id, ApiToken.user_id == scope.user_id, ApiToken.revoked_at.is_(None)
    )
    if not errors and (db.session.scalar(living) or 0) >= MAX_API_TOKENS:
        errors[""] = f"You have {MAX_API_TOKENS} tokens. Revoke one that is not used any more first."
    return errors
