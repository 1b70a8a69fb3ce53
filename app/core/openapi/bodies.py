"""A JSON body, checked against the very schema that is documented."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from flask import abort, current_app, request
from jsonschema import Draft202012Validator, ValidationError

from app.core.errors import FairleadError, Invalid
from app.core.events import jsonable
from app.core.openapi.describing import MOST_VALUES, READ_ONLY, SENTENCE, Query, Schema, obj, operation_of

_MOST_ERRORS = 30
_WHOLE = re.compile(r"-?[0-9]{1,9}")
_TYPES = {
    "string": "text in quotation marks",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_FORMATS = {
    "email": "an e-mail address",
    "date": "a date like 2026-11-21",
    "date-time": "an instant like 2026-11-21T09:30:00Z",
    "uuid": "an id like 01900000-0000-7000-8000-000000000000",
}


def json_value(value: Any) -> Any:
    """A stored value as the API writes it: amounts and ids as text, instants in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return jsonable(value)


class BadJson(FairleadError):
    """The body is no JSON, or not of the kind that was asked for."""

    title = "The body cannot be read"


def read_body() -> dict[str, Any]:
    """The body of this request, as its view's `@documented(body=…)` describes it.

    Raises:
        BadJson: 400, it is not JSON, or no object.
        HTTPException: 415 for another content type, 413 for too large a body.
        Invalid: 422, a sentence for each field that does not fit.
    """
    view = current_app.view_functions[request.endpoint or ""]
    operation = operation_of(view)
    if operation is None or operation.body is None:
        raise RuntimeError(f"{request.endpoint} documents no body: @documented(body=…).")
    if request.mimetype not in ("application/json", "application/merge-patch+json"):
        abort(415)
    body = _parsed(request.get_data(cache=True))
    if not isinstance(body, dict):
        raise BadJson("The body must be a JSON object: {…}.")
    check(operation.body, body)
    return body


def read_query() -> dict[str, list[str]]:
    """The parameters of this request's address, as its view's `@documented(query=…)` describes them.

    Raises:
        Invalid: 422, a sentence for each that does not fit, that stands there too often, or that does not exist.
    """
    view = current_app.view_functions[request.endpoint or ""]
    operation = operation_of(view)
    known = {query.name: query for query in operation.query} if operation else {}
    sent = request.args.to_dict(flat=False)
    errors = {name[:60]: "There is no such parameter." for name in sent if name not in known}
    for name, values in sent.items():
        if name in known:
            errors |= _query_errors(known[name], values)
    if errors:
        raise Invalid(errors)
    return sent


def _query_errors(query: Query, values: list[str]) -> dict[str, str]:
    if len(values) > (MOST_VALUES if query.many else 1):
        return {query.name: "Send this once." if not query.many else f"At most {MOST_VALUES} of these."}
    for value in values:
        try:
            check(obj({query.name: query.schema}), {query.name: _meant(query.schema, value)})
        except Invalid as refused:
            return {query.name: refused.errors[query.name]}
    return {}


def _meant(schema: Schema, value: str) -> Any:
    """Text as the JSON value it stands for; what stands for none stays text, which the schema then refuses."""
    match schema.get("type"):
        case "integer" if _WHOLE.fullmatch(value):
            return int(value)
        case "boolean" if value in ("true", "false"):
            return value == "true"
        case _:
            return value


def check(schema: Schema, body: Any) -> None:
    """Raises Invalid with a sentence for each field of `body` that does not fit the schema."""
    found = sorted(
        _validator_of(_Same(schema)).iter_errors(body), key=lambda error: list(map(str, error.absolute_path))
    )
    errors: dict[str, str] = {}
    for error in found[:_MOST_ERRORS]:
        for name, sentence in _said(error).items():
            errors.setdefault(name, sentence)
    if errors:
        raise Invalid(errors)


def _parsed(data: bytes) -> Any:
    """The body's JSON (RFC 8259): UTF-8, no NaN, no name twice, no half of a character."""
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_refuse, parse_float=_number, object_pairs_hook=_once)
    except (ValueError, RecursionError) as wrong:
        raise BadJson("The body is not JSON, or not in UTF-8. Check its quotation marks, commas and braces.") from wrong
    return value


def _number(text: str) -> int | float:
    """JSON knows one kind of number: 3.0 is an integer to JSON Schema (draft 2020-12, 6.1.1), and so to us."""
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name stands twice")
    return made


class _Same:
    """A schema by identity: those of the API are made once and never changed."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.schema is self.schema


@lru_cache(maxsize=512)
def _validator_of(same: _Same) -> Draft202012Validator:
    Draft202012Validator.check_schema(same.schema)
    return Draft202012Validator(same.schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _said(error: ValidationError) -> dict[str, str]:
    """The fields an error is about, each with a sentence; the key "" is the body itself."""
    name = str(error.absolute_path[0]) if error.absolute_path else ""
    value = error.validator_value
    match error.validator:
        case "additionalProperties" if isinstance(error.instance, Mapping):
            known = error.schema.get("properties", {})
            extra = [key for key in error.instance if key not in known]
            return {str(key)[:60]: _unknown(error.schema, str(key)) for key in extra[:_MOST_ERRORS]}
        case "required":
            missing = [key for key in value if key not in error.instance]
            return {str(key): "This is needed." for key in missing}
        case "type":
            wanted = [value] if isinstance(value, str) else list(value)
            return {name: f"This must be {' or '.join(_TYPES[kind] for kind in wanted)}."}
        case "maxLength":
            return {name: f"At most {value:,} characters; this has {len(error.instance):,}."}
        case "minLength":
            return {name: "This cannot be empty." if value == 1 else f"At least {value:,} characters."}
        case "enum":
            known = ", ".join(json.dumps(item) for item in value)
            return {name: f"This can be: {known}."}
        case "format":
            return {name: f"This must be {_FORMATS.get(value, value)}."}
        case "maxItems":
            return {name: f"At most {value:,}; these are {len(error.instance):,}."}
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            side = "at least" if "inimum" in error.validator else "at most"
            return {name: f"This must be {side} {value:,}."}
        case "anyOf" | "oneOf" | "minProperties":
            return {name: error.schema.get(SENTENCE, "Something is missing.")}
        case "pattern":
            return {name: error.schema.get(SENTENCE, "This is not written as it should be.")}
        case _:
            return {name: "This cannot be used."}


def _unknown(schema: Mapping[str, Any], name: str) -> str:
    """Why a property is refused: read-only ones are named by the schema that leaves them out."""
    if name in schema.get(READ_ONLY, ()):
        return "This cannot be set: it is kept by Fairlead."
    return "There is no such field."
