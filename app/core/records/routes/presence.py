"""Who else looks at a record, or writes to it."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, make_response, request

from app.core import hx, people
from app.core.access import requires
from app.core.errors import Invalid
from app.core.live import presence
from app.core.pipeline import current_scope
from app.core.records import queries
from app.core.records.kind import RecordKind


def add_presence(blueprint: Blueprint, kind: RecordKind) -> None:
    @blueprint.get("/<uuid:record_id>/presence")
    @requires(kind.permission("read"))
    def show_presence(record_id: UUID) -> Response:
        scope = current_scope()
        record = queries.get_record(scope, kind, record_id)
        names = people.names_of(scope)
        present = presence.list_present(scope.tenant_id, kind.name, record.id, scope.user_id)
        shown = [(names[one.user_id], presence.WRITING.get(one.writing, "")) for one in present if one.user_id in names]
        return hx.page("records/presence.html", blocks=("presence",), kind=kind, record_id=record.id, present=shown)

    @blueprint.post("/<uuid:record_id>/presence")
    @requires(kind.permission("read"))
    def note_presence(record_id: UUID) -> Response:
        """Said by the page's script; there is nothing to see without it."""
        scope = current_scope()
        record = queries.get_record(scope, kind, record_id)
        state, tab = request.form.get("state", ""), request.form.get("tab", "")
        if state not in presence.STATES or not presence.is_tab(tab):
            raise Invalid({"state": "Say whether you look, write or leave, and in which tab."})
        assert scope.user_id is not None
        presence.note_presence(scope.tenant_id, kind.name, record.id, scope.user_id, tab, state)
        return make_response("", 204)
