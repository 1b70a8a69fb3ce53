"""The document turned into what the page about the API prints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask
from markupsafe import Markup

from app.core.markdown import render_markdown
from app.core.openapi.document import build

_SAMPLE_FIELDS = 4


@dataclass(frozen=True, slots=True)
class Line:
    """A parameter, a header or a property: its name, its kind of value, what it is."""

    name: str
    kind: str
    text: Markup
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """An answer: its status, what it means, the schema it has, if that has a name."""

    status: str
    text: Markup
    schema: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation."""

    id: str
    method: str
    path: str
    summary: str
    text: Markup
    permission: str
    public: bool
    parameters: tuple[Line, ...]
    body: tuple[Line, ...]
    answers: tuple[Told, ...]
    curl: str


@dataclass(frozen=True, slots=True)
class DocsPage:
    """All of it, by tag; `permissions` are those a token can be given for what is here."""

    about: Markup
    tags: tuple[tuple[str, tuple[Entry, ...]], ...]
    schemas: tuple[tuple[str, str, tuple[Line, ...]], ...]
    permissions: tuple[str, ...]


def docs_page(app: Flask, root: str, host: str) -> DocsPage:
    """Everything the document says; `root` is the tenant's part of the address, `host` what curl asks."""
    document = build(app, root)
    schemas = document["components"]["schemas"]
    tags: dict[str, list[Entry]] = {}
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            entry = _entry(path, method, told, schemas, host + root)
            tags.setdefault(told["tags"][0], []).append(entry)
    return DocsPage(
        about=render_markdown(_flowing(document["info"]["description"])),
        tags=tuple((tag, tuple(entries)) for tag, entries in sorted(tags.items())),
        schemas=tuple((name, schema.get("description", ""), _properties(schema)) for name, schema in schemas.items()),
        permissions=tuple(sorted({entry.permission for entries in tags.values() for entry in entries} - {""})),
    )


def _entry(path: str, method: str, told: Mapping[str, Any], schemas: Mapping[str, Any], address: str) -> Entry:
    body = _resolved(_schema_of(told.get("requestBody", {})), schemas)
    return Entry(
        id=told["operationId"].replace(".", "-"),
        method=method.upper(),
        path=path,
        summary=told["summary"],
        text=render_markdown(told.get("description", "")),
        permission=told.get("x-permission", ""),
        public=not told["security"],
        parameters=tuple(_parameter(parameter) for parameter in told.get("parameters", ())),
        body=_properties(body),
        answers=tuple(
            Told(status, _worded(answer["description"]), _name(_schema_of(answer)))
            for status, answer in told["responses"].items()
        ),
        curl=_curl(path, method, told, body, address),
    )


def _worded(text: str) -> Markup:
    """A sentence in which `names` stand out."""
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(part) if n % 2 else part for n, part in enumerate(parts))


def _flowing(text: str) -> str:
    """Paragraphs as one line each: where a line ends in our source means nothing."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def _parameter(told: Mapping[str, Any]) -> Line:
    place = {"query": "", "path": "in the path, ", "header": "header, "}[told["in"]]
    return Line(
        told["name"], place + _kind(told["schema"]), _worded(told.get("description", "")), told.get("required", False)
    )


def _properties(schema: Mapping[str, Any]) -> tuple[Line, ...]:
    needed = schema.get("required", ())
    return tuple(
        Line(name, _kind(inner), _worded(inner.get("description", "")), name in needed)
        for name, inner in schema.get("properties", {}).items()
    )


def _kind(schema: Mapping[str, Any]) -> str:
    """The kind of value in a few words: `text, at most 100 characters`."""
    if "$ref" in schema:
        return _name(schema)
    if "enum" in schema:
        return "one of " + ", ".join(json.dumps(value) for value in schema["enum"])
    kinds = schema.get("type", "anything")
    named = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
    if "items" in schema:
        named = f"list of {_kind(schema['items'])}"
    more = [schema["format"]] if "format" in schema else []
    more += [f"at most {schema['maxLength']:,} characters"] if "maxLength" in schema else []
    more += [f"at most {schema['maxItems']:,} of them"] if "maxItems" in schema else []
    if "minimum" in schema and "maximum" in schema:
        more.append(f"{schema['minimum']:,} to {schema['maximum']:,}")
    return ", ".join([named, *more])


def _schema_of(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a body or an answer, or nothing."""
    return next((content["schema"] for content in told.get("content", {}).values()), {})


def _name(schema: Mapping[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    return schemas[_name(schema)] if "$ref" in schema else schema


def _curl(path: str, method: str, told: Mapping[str, Any], body: Mapping[str, Any], address: str) -> str:
    """The operation as a command that can be pasted, once the token stands in $TOKEN."""
    target = path.replace("{", "$").replace("}", "")
    parts = [f"curl -X {method.upper()} {address}{target}"]
    if told["security"]:
        parts.append('-H "Authorization: Bearer $TOKEN"')
    if body:
        parts += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(_sample(body))}'"]
    return " \\\n  ".join(parts)


def _sample(body: Mapping[str, Any]) -> dict[str, Any]:
    """What is needed, and enough of the rest to see how it is written."""
    properties: Mapping[str, Any] = body.get("properties", {})
    needed = [name for name in properties if name in body.get("required", ())]
    others = [name for name in properties if name not in needed][: max(0, _SAMPLE_FIELDS - len(needed))]
    return {name: _sample_value(properties[name]) for name in (*needed, *others)}


def _sample_value(schema: Mapping[str, Any]) -> Any:
    if schema.get("examples"):
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    kinds = schema.get("type", "string")
    first = kinds[0] if isinstance(kinds, list) else kinds
    return {"boolean": True, "integer": 1, "array": [], "object": {}}.get(first, "…")
