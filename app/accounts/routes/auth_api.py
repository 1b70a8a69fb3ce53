"""Signing in for programs: `/api/auth/…`. No cookie is set or read here (ADR 23)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from app.accounts import actions, bearer
from app.accounts.actions import Tokens
from app.accounts.gate import tenant_info
from app.accounts.queries import TenantInfo
from app.accounts.routes.arriving import origin
from app.accounts.rules import ACCESS_LIFETIME
from app.core.access import public, signed_in
from app.core.clock import now
from app.core.errors import Forbidden, NotFound
from app.core.openapi import Answer, documented, obj, read_body, text
from app.core.pipeline import current_scope
from app.core.scope import Scope
from app.extensions import limiter

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
REFRESH = obj({"refresh_token": text(2_000, least=1)}, required=("refresh_token",), title="RefreshRequest")


@blueprint.post("/refresh")
@public("The refresh token in the body is the proof.")
@limiter.limit("120 per minute")
@documented(
    "Renew the tokens",
    tag="Sign-in",
    body=REFRESH,
    answers={200: TOKENS, 401: Answer("It is unknown, over, or was used before; the sign-in is over then.", None)},
    security=None,
    text="Each refresh token is good once and is answered with the next one. Sent again within ten seconds, because "
    "an answer was lost, it is told the same next one. Later, whoever sends it has a copy: the sign-in ends for "
    "everybody, and its owner is told by mail.",
)
def refresh() -> Response:
    tenant = _tenant()
    return _tokens(actions.refresh_family(tenant, read_body()["refresh_token"], origin(), at=now()))


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
