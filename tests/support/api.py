"""The API as its document tells it: for tests that are generated from the document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

METHODS = ("get", "post", "put", "patch", "delete")
FILLED = {"uuid": str(UUID(int=7)), "string": "x", "integer": "1"}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every method and address of the document, with what it says."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def address_of(path: str, told: dict[str, Any]) -> str:
    """The address with something well formed for each of its parts."""
    for parameter in told.get("parameters", ()):
        if parameter["in"] == "path":
            schema = parameter["schema"]
            path = path.replace(f"{{{parameter['name']}}}", FILLED[schema.get("format", schema["type"])])
    return path
