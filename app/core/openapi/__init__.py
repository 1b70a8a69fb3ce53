"""The API describes itself: what a view says with `@documented` is what it checks and what `/api/openapi.json` tells.

    SIGN_IN = obj({"email": text(254, format="email"), "password": text(200)}, required=("email", "password"))

    @blueprint.post("/api/auth/login")
    @public("Whoever signs in is not signed in yet.")
    @documented("Sign in", tag="Sign-in", body=SIGN_IN, answers={200: TOKENS, 202: CHALLENGE}, security=None)
    def login() -> Response:
        asked = read_body()                      # checked against SIGN_IN; what does not fit is a 400, 415 or 422
        ...

A schema is JSON Schema 2020-12 as a dict. One with a `title` becomes a component of that name. What every operation
may answer (400, 404, 429, 503; 401 and 403 with a bearer; 413, 415 and 422 with a body) is added by itself.
"""

from __future__ import annotations

from app.core.openapi.bodies import read_body, read_query
from app.core.openapi.describing import (
    BEARER,
    IF_MATCH,
    KEY,
    PROBLEM,
    Answer,
    Header,
    Operation,
    Query,
    documented,
    obj,
    operation_of,
    text,
)
from app.core.openapi.once import once

__all__ = [
    "BEARER",
    "IF_MATCH",
    "KEY",
    "PROBLEM",
    "Answer",
    "Header",
    "Operation",
    "Query",
    "documented",
    "obj",
    "once",
    "operation_of",
    "read_body",
    "read_query",
    "text",
]
