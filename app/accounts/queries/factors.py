"""Who would be asked for a second factor and has none."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import and_, exists, or_, select

from app.accounts.models import Passkey, Role, TotpSecret, User
from app.accounts.rules import CUSTOM, ROLES
from app.core.scope import Scope
from app.extensions import db

_MOST = 200


def list_without_second_factor(scope: Scope, roles: Iterable[str]) -> list[User]:
    """People with one of these roles (a built-in one's name, or the id of one's own) who have neither an
    authenticator app nor a passkey; by name, 200 at most.
    """
    wanted = list(roles)
    totp = exists().where(
        TotpSecret.tenant_id == User.tenant_id, TotpSecret.user_id == User.id, TotpSecret.confirmed_at.is_not(None)
    )
    passkey = exists().where(Passkey.tenant_id == User.tenant_id, Passkey.user_id == User.id)
    custom = [UUID(one) for one in wanted if one not in ROLES]
    holds = or_(User.role.in_(wanted), and_(User.role == CUSTOM, User.role_id.in_(custom)))
    return list(
        db.session.scalars(
            select(User)
            .where(User.tenant_id == scope.tenant_id, User.disabled_at.is_(None), holds, ~totp, ~passkey)
            .order_by(User.name, User.id)
            .limit(_MOST)
        )
    )


def list_role_choices(scope: Scope) -> list[tuple[str, str]]:
    """The tenant's own roles: id and name, by name."""
    rows = db.session.execute(select(Role.id, Role.name).where(Role.tenant_id == scope.tenant_id).order_by(Role.name))
    return [(str(identifier), name) for identifier, name in rows]
