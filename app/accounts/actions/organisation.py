"""An organisation's settings, changed by its own people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.accounts.events import OrganisationChanged
from app.accounts.models import TenantRecord
from app.accounts.queries import list_settings_changes, locked_tenant, settings_of
from app.accounts.rules import Policy
from app.core.errors import Conflict
from app.core.events import publish
from app.core.merging import merge
from app.core.scope import Scope
from app.extensions import db

_ON_THE_ROW = ("name", "zone", "locale", "region", "currency")


def change_organisation(scope: Scope, version: int, typed: Mapping[str, Any]) -> bool:
    """Writes the settings somebody typed who had seen `version`; returns whether that changed anything.

    What they left as it was stays as others have made it meanwhile.

    Raises:
        Conflict: others have changed meanwhile what was changed here as well. `mine` is all that was changed
            here, `theirs` what stands in its way.
    """
    row = locked_tenant(scope)
    stored = settings_of(row)
    merged = merge(typed, _as_of(scope, row, stored, version), stored)
    if merged.theirs:
        raise _conflict(scope, row, merged.mine, merged.theirs)
    if not (changed := merged.changed):
        return False
    _write(row, stored | changed)
    before = {name: stored[name] for name in changed}
    publish(scope, OrganisationChanged("tenant", row.id, before, changed, row.version))
    return True


def _as_of(scope: Scope, row: TenantRecord, stored: Mapping[str, Any], version: int) -> Mapping[str, Any]:
    """The settings of an earlier version, by taking back what was changed since; nothing if that is not known."""
    since = list_settings_changes(scope, version)
    if len(since) != row.version - version:
        return {}
    seen = dict(stored)
    for event in since:
        seen |= event.data["before"]
    return seen


def _conflict(scope: Scope, row: TenantRecord, mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> Conflict:
    last = list_settings_changes(scope, row.version - 1)
    by = last[0].actor_name if last else "Someone"
    return Conflict(
        f"{by} changed these settings while you were editing them.",
        mine=mine,
        theirs=theirs,
        version=row.version,
        by=by,
    )


def _write(row: TenantRecord, settings: Mapping[str, Any]) -> None:
    for name in _ON_THE_ROW:
        setattr(row, name, settings[name])
    row.policy = Policy.read(settings).stored()
    row.version += 1
    db.session.flush()
