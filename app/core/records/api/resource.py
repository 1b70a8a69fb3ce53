"""`/api/<plural>`: list, make, read, change, delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, jsonify, request, url_for

from app.core import people
from app.core.access import requires
from app.core.errors import Invalid, PreconditionNeeded, StaleVersion
from app.core.openapi import IF_MATCH, KEY, PROBLEM, Answer, Header, documented, once, read_body, read_query
from app.core.pipeline import current_scope
from app.core.records import actions, listing, queries
from app.core.records.api.schemas import Schemas, schemas_of
from app.core.records.api.values import as_json, read_values
from app.core.records.fields import ParseContext
from app.core.records.kind import RecordKind
from app.core.records.models import Record
from app.core.records.queries import ListPage
from app.core.scope import Scope
from app.extensions import limiter

PER_MINUTE = 1_200
_ETAG = Header("ETag", "The version, in quotation marks.")


def record_api(kind: RecordKind) -> Blueprint:
    """The kind's resource; its folder says no more than `blueprint = record_api(KIND)`."""
    blueprint = Blueprint(f"{kind.plural}_api", __name__, url_prefix=f"/api/{kind.plural}")
    limiter.limit(f"{PER_MINUTE} per minute", key_func=_asker)(blueprint)
    told = schemas_of(kind)
    for add in (_add_list, _add_create, _add_show, _add_update, _add_delete):
        add(blueprint, kind, told)
    return blueprint


def _asker() -> str:
    scope = current_scope()
    return f"{scope.tenant_id}:{scope.user_id}"


def _add_list(blueprint: Blueprint, kind: RecordKind, told: Schemas) -> None:
    link = Header("Link", 'Addresses of the next and the previous page, as `<…>; rel="next"`.')

    @blueprint.get("", endpoint="list")
    @requires(kind.permission("read"))
    @documented(
        f"List {kind.label_plural.lower()}",
        tag=kind.label_plural,
        query=told.query,
        answers={200: Answer("One page.", told.page, headers=(link,))},
    )
    def list_() -> Response:
        scope = current_scope()
        asked = read_query()
        state = listing.read(kind, asked, ParseContext(scope, people.ByAnyName(scope)))
        if state.errors:
            raise Invalid(state.errors)
        columns = tuple(spec.name for spec in kind.listable)
        limit = int(asked.get("limit", [str(listing.PAGE_SIZE)])[0])
        page = queries.list_records(scope, kind, replace(state, columns=columns, limit=limit))
        return _page_answer(kind, state, page, asked)


def _page_answer(
    kind: RecordKind, state: listing.ListRequest, page: ListPage, asked: Mapping[str, list[str]]
) -> Response:
    sides = {"next": page.next, "previous": page.previous}
    cursors = {name: cursor.encode() if cursor else None for name, cursor in sides.items()}
    response = jsonify(
        items=[as_json(kind, row) for row in page.rows],
        count={"value": page.count.value, "capped": page.count.capped},
        **cursors,
    )
    limit = asked.get("limit", [None])[0]
    for name, cursor in cursors.items():
        if cursor:
            address = url_for(".list", _external=False) + state.search_string(columns=None, limit=limit, cursor=cursor)
            response.headers.add("Link", f'<{address}>; rel="{"prev" if name == "previous" else name}"')
    return response


def _add_create(blueprint: Blueprint, kind: RecordKind, told: Schemas) -> None:
    place = Header("Location", "The address of what was made.")

    @blueprint.post("")
    @requires(kind.permission("create"))
    @documented(
        f"Add a {kind.label.lower()}",
        tag=kind.label_plural,
        body=told.new,
        headers=(KEY,),
        answers={
            201: Answer("It was made.", told.record, headers=(place, _ETAG)),
            409: Answer("A request with this Idempotency-Key is still running.", PROBLEM),
        },
        text="With an `Idempotency-Key` a request that is sent twice, because an answer was lost, makes one record.",
    )
    @once
    def create() -> Response:
        scope = current_scope()
        values = read_values(kind, read_body(), _context(scope))
        record = actions.make_record(scope, kind, values)
        response = _record_answer(kind, record)
        response.status_code = 201
        response.headers["Location"] = url_for(".show", record_id=record.id)
        return response


def _add_show(blueprint: Blueprint, kind: RecordKind, told: Schemas) -> None:
    @blueprint.get("/<uuid:record_id>")
    @requires(kind.permission("read"))
    @documented(
        f"Read a {kind.label.lower()}",
        tag=kind.label_plural,
        answers={200: Answer("As it is stored.", told.record, headers=(_ETAG,))},
    )
    def show(record_id: UUID) -> Response:
        return _record_answer(kind, queries.get_record(current_scope(), kind, record_id))


def _add_update(blueprint: Blueprint, kind: RecordKind, told: Schemas) -> None:
    @blueprint.patch("/<uuid:record_id>")
    @requires(kind.permission("update"))
    @documented(
        f"Change a {kind.label.lower()}",
        tag=kind.label_plural,
        body=told.change,
        headers=(IF_MATCH,),
        answers={
            200: Answer("As it is now.", told.record, headers=(_ETAG,)),
            409: Answer("Somebody changed the same since the `version` you sent: both versions.", PROBLEM),
            412: Answer("It is not at the version of your `If-Match` any more: both versions.", PROBLEM),
            428: Answer("Neither `If-Match` nor `version` was sent.", PROBLEM),
        },
        text="Say which version you read: as `If-Match` it must still be that one; as `version` in the body it may "
        "have been changed since, if in other fields.",
    )
    def update(record_id: UUID) -> Response:
        scope = current_scope()
        record = queries.get_record(scope, kind, record_id, lock=True, change=True)
        body = read_body()
        to, reason = body.pop(_status(kind), None), body.pop("reason", None)
        values = read_values(kind, body, _context(scope))
        version = _version(record, body.get("version"), values)
        if reason is not None and to is None:
            raise Invalid({"reason": "A reason goes with a status."})
        if values:
            record = actions.update_record(scope, kind, record_id, version, values)
            version = record.version
        if to is not None:
            record = actions.move_record(scope, kind, record_id, version, to, reason or "")
        return _record_answer(kind, record)


def _add_delete(blueprint: Blueprint, kind: RecordKind, told: Schemas) -> None:
    @blueprint.delete("/<uuid:record_id>")
    @requires(kind.permission("delete"))
    @documented(
        f"Delete a {kind.label.lower()}",
        tag=kind.label_plural,
        headers=(IF_MATCH,),
        answers={204: None, 412: Answer("It is not at the version of your `If-Match` any more.", PROBLEM)},
        text="It can be restored on its pages for 30 days.",
    )
    def delete(record_id: UUID) -> Response:
        scope = current_scope()
        record = queries.get_record(scope, kind, record_id, lock=True, change=True)
        if "If-Match" in request.headers:
            _version(record, None, {})
        actions.delete_records(scope, kind, [record_id])
        return Response(status=204)


def _context(scope: Scope) -> ParseContext:
    return ParseContext(scope, people.ByAnyName(scope))


def _status(kind: RecordKind) -> str:
    """What is moved and not set; for a kind without a lifecycle a name that no body has."""
    return kind.lifecycle.field if kind.lifecycle else ""


def _version(record: Record, told: int | None, changes: Mapping[str, Any]) -> int:
    """The version that the asker read: by `If-Match` (RFC 9110, 13.1.1) or by the body.

    Raises:
        PreconditionNeeded: neither says it.
        StaleVersion: `If-Match` names another than the present one.
        Invalid: they contradict each other.
    """
    if "If-Match" not in request.headers:
        if told is None:
            raise PreconditionNeeded
        return told
    current = str(record.version)
    if current not in request.if_match:
        theirs = {name: getattr(record, name) for name in changes}
        raise StaleVersion(mine=changes, theirs=theirs, version=record.version)
    if told is not None and told != record.version:
        raise Invalid({"version": "This is not the version of your If-Match."})
    return record.version


def _record_answer(kind: RecordKind, record: Record) -> Response:
    row = {name: getattr(record, name) for name in ("id", "version", "created_at", "updated_at")}
    response = jsonify(as_json(kind, row | actions.values_of(kind, record)))
    response.set_etag(str(record.version))
    return response
