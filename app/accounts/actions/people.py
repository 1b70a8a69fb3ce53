"""Adding people and changing them."""

from __future__ import annotations

from uuid import UUID

from app.accounts import passwords
from app.accounts.events import UserCreated
from app.accounts.models import User
from app.accounts.queries import find_user_by_email
from app.accounts.rules import PASSWORD_MAX, PASSWORD_MIN, ROLES, email_key
from app.core.clock import new_id
from app.core.errors import Conflict, Invalid
from app.core.events import publish
from app.core.scope import Scope
from app.extensions import db


def create_user(scope: Scope, *, email: str, name: str, role: str, password: str) -> UUID:
    """Adds a person to the tenant.

    Raises:
        Invalid: role or password are not acceptable.
        Conflict: somebody in this tenant has the address already.
    """
    if role not in ROLES:
        raise Invalid({"role": f"Choose one of {', '.join(ROLES)}."})
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise Invalid({"password": f"Use {PASSWORD_MIN} to {PASSWORD_MAX} characters."})
    if find_user_by_email(email) is not None:
        raise Conflict("Somebody with this e-mail address is already here.")
    row = User(
        tenant_id=scope.tenant_id,
        id=new_id(),
        email=email.strip(),
        email_key=email_key(email),
        name=name.strip() or email,
        role=role,
        password_hash=passwords.hash_password(password),
        password_changed_at=scope.now,
        joined_at=scope.now,
        email_confirmed_at=scope.now,
        created_at=scope.now,
        updated_at=scope.now,
    )
    db.session.add(row)
    db.session.flush()
    publish(scope, UserCreated("user", row.id, role))
    return row.id
