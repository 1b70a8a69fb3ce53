"""The OpenAPI 3.1 document, from the URL map and what each view says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from app.core.access import PUBLIC, SIGNED_IN, access_of
from app.core.openapi.describing import (
    BEARER,
    JSON,
    MOST_VALUES,
    PROBLEM,
    PROBLEM_JSON,
    READ_ONLY,
    SENTENCE,
    Answer,
    Header,
    Operation,
    Query,
    Schema,
    operation_of,
)

VERSION = "1.0.0"
_PART = re.compile(r"<(?:(?P<type>\w+)(?:\([^)]*\))?:)?(?P<name>\w+)>")
_TYPES: Mapping[str, dict[str, Any]] = {
    "uuid": {"type": "string", "format": "uuid"},
    "int": {"type": "integer", "minimum": 0},
}
_ABOUT = """The API of Fairlead. Each address belongs to one organisation: ask under `/t/<name>/api/…`, at its own
host, or anywhere with the header `X-Tenant-ID`; a token also tells by itself which one it is of.

Show who you are with `Authorization: Bearer …`: a personal token, made on the page of your account, may do what its
scopes say; the access token of a sign-in (`POST /api/auth/login`) may do what you may. Cookies count for nothing here.

Whatever goes wrong is told as `application/problem+json` (RFC 9457): `detail` is a sentence, `errors` has one for
each field. A record that you may not see is 404, exactly like one that does not exist.
"""
_RETRY = (Header("Retry-After", "After how many seconds to ask again.", {"type": "integer", "minimum": 1}),)
_CHALLENGE = (Header("WWW-Authenticate", "`Bearer`, and what is wrong with the token (RFC 6750)."),)


def operations_of(app: Flask) -> Iterator[tuple[Rule, str, Operation]]:
    """Every documented operation: its rule, its method, what it says."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        operation = operation_of(app.view_functions[rule.endpoint])
        if rule.rule.startswith("/api/") and operation is not None:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method, operation


def build(app: Flask, root: str) -> dict[str, Any]:
    """The document as asked for under `root`, the address of a tenant or nothing.

    Raises:
        ValueError: two schemas have the same title and differ.
    """
    components: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    for rule, method, operation in operations_of(app):
        path = paths.setdefault(_PART.sub(lambda part: f"{{{part['name']}}}", rule.rule), {})
        path[method.lower()] = _operation(app, rule, operation, components)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {"title": "Fairlead", "version": VERSION, "description": _ABOUT},
        "servers": [{"url": root or "/"}],
        "security": [{BEARER: []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {BEARER: {"type": "http", "scheme": "bearer"}},
        },
    }


def need_of(app: Flask, rule: Rule) -> str:
    """The permission a token needs for this, or nothing."""
    access = access_of(app.view_functions[rule.endpoint])
    return "" if access is None or access.need in (PUBLIC, SIGNED_IN) else access.need


def answers_of(rule: Rule, operation: Operation) -> dict[int, Answer]:
    """What the operation says, and what every such operation may answer."""
    return dict(sorted((_usual(rule, operation) | dict(operation.answers)).items()))


def _usual(rule: Rule, operation: Operation) -> dict[int, Answer]:
    told = {
        400: "The request cannot be understood.",
        404: "There is nothing here, or it is not yours to see.",
        429: "Too many requests.",
        503: "Something needed is not answering. Nothing was saved.",
    }
    if operation.security:
        told |= {401: "No token, or none that is good.", 403: "The role, the token or the record does not allow it."}
    if operation.body is not None:
        told |= {413: "The body is too large.", 415: "The body is not `application/json`."}
    if operation.body is not None or operation.query or operation.headers:
        told |= {422: "Something that was sent cannot be used; `errors` has a sentence for each."}
    headers = {401: _CHALLENGE, 429: _RETRY, 503: _RETRY}
    # Told by the web server, before the application sees the request: its own words, not a problem.
    long = {414: Answer("The address is longer than 8,190 bytes.", None)} if operation.query else {}
    return long | {
        status: Answer(text, PROBLEM, headers.get(status, ()), media=PROBLEM_JSON) for status, text in told.items()
    }


def _operation(app: Flask, rule: Rule, operation: Operation, components: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": rule.endpoint,
        "summary": operation.summary,
        "tags": [operation.tag or rule.endpoint.partition(".")[0]],
        "security": [{BEARER: []}] if operation.security else [],
        "responses": {
            str(status): _response(answer, components) for status, answer in answers_of(rule, operation).items()
        },
    }
    if parameters := [*_path(rule), *map(_query, operation.query), *map(_asked, operation.headers)]:
        made["parameters"] = parameters
    if operation.body is not None:
        content = {JSON: {"schema": _hoisted(operation.body, components)}}
        made["requestBody"] = {"required": True, "content": content}
    if need := need_of(app, rule):
        made["x-permission"] = need
    needs = f"Needs the permission `{need}`." if need else ""
    if description := "\n\n".join(filter(None, (operation.text, needs))):
        made["description"] = description
    return made


def _path(rule: Rule) -> Iterator[dict[str, Any]]:
    for part in _PART.finditer(rule.rule):
        schema = _TYPES.get(part["type"] or "", {"type": "string"})
        yield {"name": part["name"], "in": "path", "required": True, "schema": schema}


def _query(query: Query) -> dict[str, Any]:
    schema: dict[str, Any] = (
        {"type": "array", "items": query.schema, "maxItems": MOST_VALUES} if query.many else dict(query.schema)
    )
    return {"name": query.name, "in": "query", "description": query.text, "schema": schema}


def _asked(header: Header) -> dict[str, Any]:
    told = {"name": header.name, "in": "header", "description": header.text, "schema": dict(header.schema)}
    return told | ({"required": True} if header.required else {})


def _response(answer: Answer, components: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"description": answer.text}
    if answer.headers:
        made["headers"] = {
            header.name: {"description": header.text, "schema": dict(header.schema)} for header in answer.headers
        }
    if answer.schema is not None:
        made["content"] = {answer.media: {"schema": _hoisted(answer.schema, components)}}
    return made


def _hoisted(schema: Schema, components: dict[str, Any]) -> Any:
    """The schema, with every one that has a title put among the components and referred to."""
    told = {name: value for name, value in schema.items() if name not in (READ_ONLY, SENTENCE)}
    walked = {name: _walked(name, value, components) for name, value in told.items()}
    title = schema.get("title")
    if not title:
        return walked
    if components.setdefault(title, walked) != walked:
        raise ValueError(f"Two schemas are called {title}.")
    return {"$ref": f"#/components/schemas/{title}"}


def _walked(name: str, value: Any, components: dict[str, Any]) -> Any:
    match name, value:
        case (("properties" | "$defs" | "patternProperties"), Mapping()):
            return {key: _hoisted(inner, components) for key, inner in value.items()}
        case (("items" | "additionalProperties" | "not"), Mapping()):
            return _hoisted(value, components)
        case (("anyOf" | "oneOf" | "allOf"), list()):
            return [_hoisted(inner, components) for inner in value]
        case _:
            return value
