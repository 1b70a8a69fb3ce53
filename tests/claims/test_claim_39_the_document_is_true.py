"""Claim 39: no 5xx, the document is true, and nobody gets in without a token. The long run is in tests/fuzz."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from app.core.access import PUBLIC, access_of
from app.core.openapi import operation_of
from app.core.scope import Scope
from tests.support.api import address_of, operations
from tests.support.programs import Program, personal_token, program_of
from tests.support.world import World

_FEW = settings(
    max_examples=12,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def document(client: Any) -> dict[str, Any]:
    told: dict[str, Any] = client.get("/api/openapi.json").get_json()
    return told


@pytest.fixture
def program(app: Flask, inside: Any, acme: Scope) -> Program:
    return program_of(app, "acme", personal_token(inside, acme))


def test_claim_39_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert list(OPENAPI_31_VALIDATOR.iter_errors(document)) == []
    for name, schema in document["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert schema["title"] == name
    assert document["servers"] == [{"url": "/t/acme"}]
    ids = [told["operationId"] for _, _, told in operations(document)]
    assert len(ids) == len(set(ids)) > 8
    assert "x-read-only" not in str(document)
    assert "search_text" not in str(document), "what is only for us is no business of the document"


def test_claim_39_every_route_is_in_it(app: Flask, document: dict[str, Any]) -> None:
    """A view under /api/ says what it takes and answers: @documented."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/"):
            assert operation_of(app.view_functions[rule.endpoint]), f"{rule.endpoint}: @documented(…)"
    for method, path, told in operations(document):
        access = access_of(app.view_functions[told["operationId"]])
        assert access is not None
        open_to_all = access.need == PUBLIC
        assert (told["security"] == []) == open_to_all, f"{method} {path}: says one thing and does another"
        assert told.get("x-permission", access.need) == access.need


def test_claim_39_nobody_gets_in_without_a_token(app: Flask, document: dict[str, Any]) -> None:
    for bearer in ("", "nonsense", "flp_nonsense"):
        nobody = program_of(app, "acme", bearer)
        for method, path, told in operations(document):
            if told["security"]:
                answer = nobody.open(address_of(path, told), method=method, json={} if "requestBody" in told else None)
                assert answer.status_code == 401, f"{method} {path} with {bearer!r}"
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
                assert answer.mimetype == "application/problem+json"


def test_claim_39_other_methods_are_405(program: Program, document: dict[str, Any]) -> None:
    there: dict[str, set[str]] = {}
    for method, path, told in operations(document):
        there.setdefault(address_of(path, told), set()).add(method)
    for address, methods in there.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - methods:
            answer = program.open(address, method=method, json={})
            allowed = answer.headers.get("Allow", "")
            assert (answer.status_code, methods <= set(allowed.split(", "))) == (405, True), f"{method} {address}"


def test_claim_39_a_few_generated_requests_each(app: Flask, inside: Any, acme: Scope, world: World) -> None:
    """Whatever the document allows is answered as the document says; so is what it does not allow."""
    from tests.fuzz.test_api import CHECKS, config

    schema = schemathesis.openapi.from_wsgi("/t/acme/api/openapi.json", app, config=config())
    headers = {"Authorization": f"Bearer {personal_token(inside, acme)}"}
    modes = schemathesis.GenerationMode
    lead = str(world.add())
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.startswith("/api/auth/") or operation.path.startswith("/api/health"):
            continue  # fuzzed with limits on sign-in in the long run

        @_FEW
        @given(case=st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes)), known=st.booleans())
        def ask(case: Any, known: bool) -> None:
            if known and "record_id" in case.path_parameters:
                case.path_parameters["record_id"] = lead
            response = case.call(headers=headers)
            case.validate_response(response, checks=CHECKS)

        ask()
