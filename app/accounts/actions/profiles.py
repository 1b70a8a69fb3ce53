"""What people say of themselves."""

from __future__ import annotations

from app.accounts.actions.rights import touch
from app.accounts.events import UserUpdated
from app.accounts.queries import get_user
from app.core.events import publish
from app.core.scope import Scope


def update_profile(scope: Scope, *, name: str, zone: str | None, locale: str | None) -> None:
    """The asker's own name, time zone and language; None is the organisation's."""
    assert scope.user_id is not None
    user = get_user(scope, scope.user_id, lock=True)
    wanted = {"name": name, "zone": zone, "locale": locale}
    changed = tuple(field for field, value in wanted.items() if getattr(user, field) != value)
    if not changed:
        return
    for field in changed:
        setattr(user, field, wanted[field])
    touch(scope, user)
    publish(scope, UserUpdated("user", user.id, changed))
