"""Signing in for programs: `/api/auth/…`. No cookie is set or read here (ADR 23)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, jsonify, request

from app.accounts import actions, bearer
from app.accounts.actions import Origin, SignInOver, Tokens
from app.accounts.forms.plain import EMAIL_MAX
from app.accounts.gate import account_key, tenant_info
from app.accounts.queries import TenantInfo
from app.accounts.routes.arriving import origin
from app.accounts.rules import ACCESS_LIFETIME, PASSWORD_MAX
from app.core.access import public, signed_in
from app.core.clock import now
from app.core.errors import Forbidden, Invalid, NotFound, Unauthenticated
from app.core.openapi import PROBLEM, Answer, documented, obj, read_body, text
from app.core.pipeline import current_scope
from app.core.scope import Scope
from app.extensions import limiter

_OVER = "This sign-in ran out of time or tries, or was answered already. Sign in again."

blueprint = Blueprint("auth_api", __name__, url_prefix="/api/auth")

_ID = {"type": "string", "format": "uuid"}
_SECONDS = {"type": "integer", "minimum": 1}
USER = obj(
    {
        "id": _ID,
        "name": text(200),
        "email": text(254),
        "role": {"type": "string", "examples": ["agent"]},
        "permissions": {"type": "array", "items": {"type": "string"}, "examples": [["lead:read"]]},
        "organisation": obj({"id": _ID, "slug": text(63), "name": text(200)}, required=("id", "slug", "name")),
    },
    required=("id", "name", "email", "role", "permissions", "organisation"),
    title="SignedInUser",
    description="Whose token it is, and what the token may do now.",
)
TOKENS = obj(
    {
        "access_token": {"type": "string", "description": "Send it as `Authorization: Bearer …`."},
        "token_type": {"const": "Bearer"},
        "expires_in": {**_SECONDS, "description": "Seconds the access token lives."},
        "refresh_token": {"type": "string", "description": "Good once: keep the one that comes back."},
        "refresh_expires_in": {**_SECONDS, "description": "Seconds the refresh token lives."},
        "user": USER,
    },
    required=("access_token", "token_type", "expires_in", "refresh_token", "refresh_expires_in", "user"),
    title="Tokens",
)
CHALLENGE = obj(
    {
        "requires_second_factor": {"const": True},
        "challenge": {"type": "string", "description": "Send it back with the code."},
        "methods": {"type": "array", "items": {"enum": ["totp", "recovery_code"]}},
        "expires_in": _SECONDS,
    },
    required=("requires_second_factor", "challenge", "methods", "expires_in"),
    title="SecondFactorNeeded",
)
SIGN_IN = obj(
    {
        "email": text(EMAIL_MAX, least=1, examples=["ada@example.com"]),
        "password": text(PASSWORD_MAX, least=1, examples=["correct horse battery"]),
    },
    required=("email", "password"),
    title="SignInRequest",
)
CODE = obj(
    {
        "challenge": text(200, least=1),
        "code": text(40, least=1, description="Of the authenticator app.", examples=["123456"]),
        "recovery_code": text(40, least=1, description="In place of a code; each is good once."),
    },
    required=("challenge",),
    title="SecondFactorRequest",
    oneOf=[{"required": ["code"]}, {"required": ["recovery_code"]}],
    **{"x-sentence": "Send code or recovery_code, one of them."},
)
REFRESH = obj({"refresh_token": text(2_000, least=1)}, required=("refresh_token",), title="RefreshRequest")


def _per_account() -> str:
    """Who is being guessed at, from where: address, tenant, e-mail."""
    sent = request.get_json(silent=True)
    return f"{request.remote_addr}|{account_key(sent.get('email') if isinstance(sent, dict) else None)}"


@blueprint.post("/login")
@public("The way in for programs.")
@limiter.limit("10 per 5 minutes", key_func=_per_account)
@limiter.limit("100 per 5 minutes")
@documented(
    "Sign in",
    tag="Sign-in",
    body=SIGN_IN,
    answers={
        200: {"oneOf": [TOKENS, CHALLENGE]},
        401: Answer("They do not fit together; the same for an address nobody has, and after too many tries.", PROBLEM),
        403: Answer("A second factor is needed that a program cannot give.", PROBLEM),
    },
    security=None,
    text="Answers tokens, or `requires_second_factor` with a `challenge` for `/api/auth/mfa/verify`. For a program of "
    "your own a personal token is simpler: it is made on the page *API tokens* and holds only the rights you choose. "
    "No cookie is set.",
)
def login() -> Response:
    tenant, asked = _tenant(), read_body()
    try:
        made = actions.sign_in_program(tenant, _origin(), email=asked["email"], password=asked["password"], at=now())
    except Invalid as refused:
        raise Unauthenticated(" ".join(refused.errors.values()), token=False) from refused
    if isinstance(made, Tokens):
        return _tokens(made)
    return jsonify(requires_second_factor=True, challenge=made.challenge, methods=made.methods, expires_in=made.seconds)


@blueprint.post("/mfa/verify")
@public("The challenge in the body was given to whoever knew the password; tries are counted and few.")
@limiter.limit("30 per 5 minutes")
@documented(
    "Answer with a second factor",
    tag="Sign-in",
    body=CODE,
    answers={
        200: TOKENS,
        401: Answer("The code does not fit or was used before, or the challenge is over.", PROBLEM),
    },
    security=None,
    text="A challenge lives ten minutes and takes five tries.",
)
def verify() -> Response:
    tenant, asked = _tenant(), read_body()
    try:
        made = actions.answer_program(
            tenant,
            asked["challenge"],
            _origin(),
            code=asked.get("code", ""),
            recovery_code=asked.get("recovery_code", ""),
            at=now(),
        )
    except Invalid as refused:
        raise Unauthenticated(" ".join(refused.errors.values()), token=False) from refused
    except SignInOver as over:
        raise Unauthenticated(_OVER, token=False) from over
    return _tokens(made)


@blueprint.post("/refresh")
@public("The refresh token in the body is the proof.")
@limiter.limit("120 per minute")
@documented(
    "Renew the tokens",
    tag="Sign-in",
    body=REFRESH,
    answers={200: TOKENS, 401: Answer("It is unknown, over, or was used before; the sign-in is over then.", PROBLEM)},
    security=None,
    text="Each refresh token is good once and is answered with the next one. Sent again within ten seconds, because "
    "an answer was lost, it is told the same next one. Later, whoever sends it has a copy: the sign-in ends for "
    "everybody, and its owner is told by mail.",
)
def refresh() -> Response:
    tenant = _tenant()
    return _tokens(actions.refresh_family(tenant, read_body()["refresh_token"], _origin(), at=now()))


@blueprint.post("/logout")
@signed_in
@documented(
    "Sign out",
    tag="Sign-in",
    answers={204: None},
    text="Ends the sign-in that the access token came of. Its refresh token is worth nothing from now on.",
)
def logout() -> Response:
    family_id = bearer.family_id()
    if family_id is None:
        raise Forbidden("A personal token is revoked on the page where it was made.")
    actions.revoke_family(current_scope(), family_id)
    return Response(status=204)


@blueprint.get("/me")
@signed_in
@documented("Who am I", tag="Sign-in", answers={200: USER})
def me() -> Response:
    return jsonify(_user(current_scope()))


def _origin() -> Origin:
    """Without the browser's known devices: cookies count for nothing under /api/."""
    return replace(origin(), devices=())


def _tenant() -> TenantInfo:
    """Raises NotFound: the address names no organisation."""
    tenant = tenant_info()
    if tenant is None:
        raise NotFound("Say which organisation: /t/<name>/api/…, its own host, or the header X-Tenant-ID.")
    return tenant


def _tokens(made: Tokens) -> Response:
    lives = made.refresh_expires_at - made.scope.now
    return jsonify(
        access_token=made.access,
        token_type="Bearer",  # noqa: S106 - the name of a scheme
        expires_in=int(ACCESS_LIFETIME.total_seconds()),
        refresh_token=made.refresh,
        refresh_expires_in=max(1, int(lives.total_seconds())),
        user=_user(made.scope),
    )


def _user(scope: Scope) -> dict[str, Any]:
    return {
        "id": str(scope.user_id),
        "name": scope.user_name,
        "email": scope.user_email,
        "role": scope.role,
        "permissions": sorted(scope.permissions),
        "organisation": {"id": str(scope.tenant_id), "slug": scope.tenant_slug, "name": scope.tenant_name},
    }
