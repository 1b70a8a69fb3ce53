"""Which people there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.accounts.models import User
from app.accounts.rules import email_key
from app.core import cache
from app.core.errors import NotFound
from app.core.scope import Scope
from app.extensions import db


@dataclass(frozen=True, slots=True)
class UserInfo:
    """A person, for pickers and lists."""

    id: UUID
    name: str
    email: str
    role: str
    disabled: bool = False
    role_id: str | None = None


def find_user_by_email(email: str) -> User | None:
    """The person with this address in the present tenant, however it is spelled."""
    return db.session.scalars(select(User).where(User.email_key == email_key(email))).one_or_none()


def list_users(scope: Scope, *, disabled: bool = False) -> list[UserInfo]:
    """The tenant's people by name; those who left only if `disabled`. Cached."""
    made = cache.get_or_make(scope.tenant_id, ("user",), "list", lambda: _read_users(scope.tenant_id))
    users = [UserInfo(**{**item, "id": UUID(item["id"])}) for item in made]
    return users if disabled else [user for user in users if not user.disabled]


def get_user(scope: Scope, user_id: UUID, *, lock: bool = False) -> User:
    """The person, disabled or not; getting them is the check that they are of this tenant.

    Raises:
        NotFound: there is no such person here.
    """
    query = select(User).where(User.tenant_id == scope.tenant_id, User.id == user_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("This person does not exist, or is not yours to see.")
    return found


def _read_users(tenant_id: UUID) -> list[dict[str, Any]]:
    rows = db.session.scalars(select(User).where(User.tenant_id == tenant_id).order_by(User.name, User.id))
    return [{**_facts(_user_info(row)), "id": str(row.id)} for row in rows]


def _user_info(row: User) -> UserInfo:
    return UserInfo(row.id, row.name, row.email, row.role, row.disabled_at is not None, str(row.role_id or "") or None)


def _facts(info: UserInfo) -> dict[str, Any]:
    return {name: getattr(info, name) for name in info.__dataclass_fields__}
