"""Access tokens: signed claims (JWT, RFC 7519 and 9068) that a program shows for a quarter of an hour.

HS256 by a key derived for this alone (`core.secrets`), named by `kid`; only we issue them and only we read them, so
there is nothing to publish. What they say is only who and which sign-in: rights are read anew at each request.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import OctKey
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from app.accounts.rules import ACCESS_LIFETIME
from app.core.secrets import CannotOpen, current_key_id, derive_for

ISSUER = "fairlead"
AUDIENCE = "fairlead-api"
TYPE = "at+jwt"
_ALGORITHMS = ["HS256"]
_PURPOSE = "access tokens"
_MOST = 2_000
_SKEW_SECONDS = 5


class BadToken(Exception):
    """No access token of ours, or not any more. The text may be told to whoever sent it."""


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """Whose token this is, of which organisation, and from which sign-in."""

    tenant_id: UUID
    user_id: UUID
    family_id: UUID
    expires_at: datetime


def issue(tenant_id: UUID, user_id: UUID, family_id: UUID, at: datetime) -> str:
    """A token that lives `ACCESS_LIFETIME` from `at`."""
    kid = current_key_id()
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(user_id),
        "tid": str(tenant_id),
        "fam": str(family_id),
        "iat": int(at.timestamp()),
        "exp": int((at + ACCESS_LIFETIME).timestamp()),
        "jti": uuid4().hex,
    }
    return jwt.encode({"alg": "HS256", "kid": kid, "typ": TYPE}, claims, _key(kid), _ALGORITHMS)


def read(token: str, at: datetime) -> AccessClaims:
    """What the token says, once its signature, type, audience, issuer and times are found good.

    Raises:
        BadToken: any of them is not.
    """
    if len(token) > _MOST:
        raise BadToken("This is not an access token.")
    try:
        found = jwt.decode(token, _key_named, registry=JWSRegistry(algorithms=_ALGORITHMS))
        if found.header.get("typ") != TYPE:
            raise BadToken("This is not an access token.")
        _registry(at).validate(found.claims)
        return _claims(found.claims)
    except ExpiredTokenError as over:
        raise BadToken("This access token has expired.") from over
    except (JoseError, CannotOpen, ValueError, TypeError, RecursionError) as wrong:
        raise BadToken("This is not an access token.") from wrong


def _key_named(token: Any) -> OctKey:
    """The key that the header names, if it is on our ring: a name is only ever compared, never looked up elsewhere.

    Raises:
        CannotOpen: it is not.
    """
    kid = token.headers().get("kid")
    if not isinstance(kid, str):
        raise CannotOpen("The token names no key.")
    return _key(kid)


def _key(kid: str) -> OctKey:
    return OctKey.import_key(derive_for(kid, _PURPOSE))


def _registry(at: datetime) -> JWTClaimsRegistry:
    needed: Any = {name: {"essential": True} for name in ("sub", "tid", "fam", "iat", "exp", "jti")}
    return JWTClaimsRegistry(
        now=int(at.timestamp()),
        leeway=_SKEW_SECONDS,
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": AUDIENCE},
        **needed,
    )


def _claims(claims: dict[str, Any]) -> AccessClaims:
    ids = [UUID(str(claims[name])) for name in ("tid", "sub", "fam")]
    return AccessClaims(ids[0], ids[1], ids[2], datetime.fromtimestamp(claims["exp"], UTC))
