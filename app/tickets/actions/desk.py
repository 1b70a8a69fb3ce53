"""How the service desk is set up, changed by who may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from app.core.clock import new_id
from app.core.errors import Conflict
from app.core.events import publish
from app.core.merging import merge
from app.core.scope import Scope
from app.extensions import db
from app.tickets import queries
from app.tickets.events import DeskChanged
from app.tickets.models import DeskRow
from app.tickets.rules.settings import read_settings, stored_settings


def change_desk(scope: Scope, version: int, typed: Mapping[str, Any]) -> bool:
    """Writes the settings somebody typed who had seen `version`; returns whether that changed anything.

    What they left as it was stays as others have made it meanwhile. Only what somebody chose is stored: the rest
    follows the defaults of later releases.

    Raises:
        Conflict: others have changed meanwhile what was changed here as well. `mine` is all that was changed
            here, `theirs` what stands in its way.
    """
    row = _locked_row(scope)
    stored = stored_settings(read_settings(row.settings))
    merged = merge(typed, _as_of(scope, row, stored, version), stored)
    if merged.theirs:
        raise _conflict(scope, row, merged.mine, merged.theirs)
    if not (changed := merged.changed):
        return False
    row.settings = {**row.settings, **changed}
    row.version += 1
    row.updated_at = scope.now
    db.session.flush()
    pairs = {name: (stored[name], value) for name, value in changed.items()}
    publish(scope, DeskChanged(queries.DESK_KIND, row.id, pairs, row.version))
    return True


def _locked_row(scope: Scope) -> DeskRow:
    """The tenant's row until the transaction ends; made when settings are changed for the first time."""
    empty = {"settings": {}, "created_at": scope.now, "updated_at": scope.now, "version": 0}
    new = insert(DeskRow).values(tenant_id=scope.tenant_id, id=new_id(), **empty)
    db.session.execute(new.on_conflict_do_nothing(index_elements=["tenant_id"]))
    row = queries.get_desk_row(scope, lock=True)
    assert row is not None
    return row


def _as_of(scope: Scope, row: DeskRow, stored: Mapping[str, Any], version: int) -> Mapping[str, Any]:
    """The settings of an earlier version, by taking back what was changed since; nothing if that is not known."""
    since = queries.list_desk_changes(scope, row.id, version)
    if len(since) != row.version - version:
        return {}
    seen = dict(stored)
    for event in since:
        # The log holds fractions as text: they are exact there.
        seen |= {name: type(seen[name])(before) for name, (before, _) in event.data["changes"].items() if name in seen}
    return seen


def _conflict(scope: Scope, row: DeskRow, mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> Conflict:
    last = queries.list_desk_changes(scope, row.id, row.version - 1)
    by = last[0].actor_name if last else "Someone"
    said = f"{by} changed these settings while you were editing them."
    return Conflict(said, mine=mine, theirs=theirs, version=row.version, by=by)
