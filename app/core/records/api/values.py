"""Records as JSON, and JSON as what the kind's own fields read: the rules are the form's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.errors import Invalid
from app.core.openapi.bodies import json_value
from app.core.records.fields import FieldError, ParseContext
from app.core.records.kind import RecordKind

STAMPS = ("created_at", "updated_at")


def as_json(kind: RecordKind, row: Mapping[str, Any]) -> dict[str, Any]:
    """The record as the API shows it; `row` has all of the kind's fields, `id`, `version` and the stamps."""
    names = ("id", "version", *(spec.name for spec in kind.fields), *STAMPS)
    return {name: json_value(row[name]) for name in names}


def read_values(kind: RecordKind, body: Mapping[str, Any], context: ParseContext) -> dict[str, Any]:
    """The fields that are in the body, as values.

    Raises:
        Invalid: a sentence for each that its type refuses.
    """
    values, errors = {}, {}
    for spec in kind.editable:
        if spec.name not in body:
            continue
        try:
            values[spec.name] = spec.parse(_typed(body[spec.name]), context)
        except FieldError as wrong:
            errors[spec.name] = str(wrong)
    if errors:
        raise Invalid(errors)
    return values


def _typed(value: Any) -> str:
    """What somebody would type to mean this."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(value)
        case _:
            return str(value)
