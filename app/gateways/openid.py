"""OpenID Connect, as the side that relies on a provider: what it is asked, and what of its answers is believed.

Authorization code flow with PKCE, state and nonce, as OpenID Connect Core 1.0 and RFC 9700 ask for. Authlib writes the
requests and checks the claims, joserfc the signatures; every request leaves by `gateways.web` (claim 30). What a
provider says of itself is kept for a while; nothing here knows tenants or people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from app.core import cache
from app.core.errors import FairleadError
from app.gateways import web

SCOPES = "openid profile email"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures of a key pair only: never `none`, never one made with a shared secret."""
_SHARED, _KIND = "all", "openid"
_DISCOVERY_SECONDS = 3600
_KEYS_SECONDS = 600
_FRESH_SECONDS = 10
_LEEWAY = 60
_MOST_TOKEN = 20_000
_WELL_KNOWN = "/.well-known/openid-configuration"


class OpenIdError(FairleadError):
    """The provider said no, or something we do not believe. The message is for whoever wanted to sign in."""

    status = 400
    title = "Sign-in did not work"


@dataclass(frozen=True, slots=True)
class Client:
    """What we are to one provider."""

    issuer: str
    client_id: str
    client_secret: str


def discover(issuer: str) -> dict[str, Any]:
    """What the provider says of itself (OpenID Connect Discovery 1.0), for an hour the same.

    Raises:
        OpenIdError: it names another issuer, or lacks what is needed.
        web.Refused, web.Unreachable: we do not go there, or nobody answered.
    """
    return cache.get_or_make(
        _SHARED, (_KIND,), f"discovery:{issuer}", lambda: _read_discovery(issuer), ttl=_DISCOVERY_SECONDS
    )


def test_connection(issuer: str) -> dict[str, Any]:
    """The same, asked anew, with its keys. Raises the same."""
    found = _read_discovery(issuer)
    keys = web.get_json(found["jwks_uri"])
    _key_set(keys)
    return found


def ask(client: Client, *, redirect_uri: str, state: str, nonce: str, verifier: str, also: tuple[str, ...] = ()) -> str:
    """The address to send the browser to. Raises as `discover`.

    Args:
        state, nonce: random; the one comes back with the answer, the other in the ID token.
        verifier: random, 43 to 128 characters (RFC 7636); sent with the code only.
        also: scopes to ask for beyond the usual ones, where the provider knows them.
    """
    metadata = discover(client.issuer)
    known = metadata.get("scopes_supported")
    scopes = [SCOPES, *(name for name in also if isinstance(known, list) and name in known)]
    with _session(client, metadata, redirect_uri) as session:
        url, _ = session.create_authorization_url(
            metadata["authorization_endpoint"], state=state, code_verifier=verifier, nonce=nonce, scope=" ".join(scopes)
        )
    return str(url)


def answer(
    client: Client,
    *,
    redirect_uri: str,
    code: str,
    verifier: str,
    nonce: str,
    at: datetime,
    issuer: str | None = None,
) -> dict[str, Any]:
    """Who came back with this code: claims of the ID token, with those of userinfo it leaves out.

    Args:
        issuer: what the answer says it comes from (RFC 9207), if it does.

    Raises:
        OpenIdError: the code is not good (any more), or the ID token is none of this provider, for us, of now, for
            this very request.
        web.Refused, web.Unreachable: as `discover`.
    """
    metadata = discover(client.issuer)
    _check_issuer(metadata, issuer)
    with _session(client, metadata, redirect_uri) as session:
        token = _fetch_token(session, metadata, code, verifier)
        claims = read_id_token(client, metadata, token, nonce, at)
        if "email" not in claims and metadata.get("userinfo_endpoint"):
            claims = {**_userinfo(session, metadata, claims["sub"]), **claims}
    return claims


def read_id_token(
    client: Client, metadata: Mapping[str, Any], token: Mapping[str, Any], nonce: str, at: datetime
) -> dict[str, Any]:
    """The claims of the ID token, all checked (OpenID Connect Core, 3.1.3.7). Raises OpenIdError."""
    text = token.get("id_token")
    if not isinstance(text, str) or len(text) > _MOST_TOKEN:
        raise OpenIdError("The provider sent no proof of who you are.")
    try:
        found = _verified(text, metadata, at)
        options: Any = {"iss": {"essential": True, "value": client.issuer}, "sub": {"essential": True}}
        options |= {"aud": {"essential": True, "value": client.client_id}, "nonce": {"essential": True}}
        params = {"nonce": nonce, "client_id": client.client_id, "access_token": token.get("access_token")}
        claims = CodeIDToken(found.claims, found.header, options, params)
        claims.validate(now=int(at.timestamp()), leeway=_LEEWAY)
    except (JoseError, AuthlibBaseError, ValueError, TypeError, KeyError) as wrong:
        raise OpenIdError("The provider's proof of who you are is not valid. Try again.") from wrong
    # Looked at here too: Authlib asks for no nonce where it was told of none.
    if not nonce or claims.get("nonce") != nonce:
        raise OpenIdError("The provider's answer belongs to another sign-in. Try again.")
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
        raise OpenIdError("The provider's proof of who you are is not valid. Try again.")
    return dict(claims)


def end_session_url(client: Client, *, back: str) -> str | None:
    """Where the browser signs out of the provider too (RP-Initiated Logout 1.0); None if it offers that nowhere, or
    cannot be asked now.
    """
    try:
        endpoint = discover(client.issuer).get("end_session_endpoint")
    except FairleadError:
        return None
    if not isinstance(endpoint, str):
        return None
    query = urlencode({"client_id": client.client_id, "post_logout_redirect_uri": back})
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"


def _read_discovery(issuer: str) -> dict[str, Any]:
    found = web.get_json(issuer.rstrip("/") + _WELL_KNOWN)
    if not isinstance(found, dict) or found.get("issuer") != issuer:
        named = found.get("issuer") if isinstance(found, dict) else None
        hint = f" It calls itself {named}." if isinstance(named, str) and len(named) < 300 else ""
        raise OpenIdError(f"There is no OpenID Connect provider of this name.{hint}")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        _check_endpoint(found, name, needed=True)
    for name in ("userinfo_endpoint", "end_session_endpoint"):
        _check_endpoint(found, name, needed=False)
    methods = found.get("code_challenge_methods_supported")
    if isinstance(methods, list) and "S256" not in methods:
        raise OpenIdError("This provider does not do PKCE with S256, which we need.")
    return found


def _check_endpoint(found: Mapping[str, Any], name: str, *, needed: bool) -> None:
    value = found.get(name)
    if value is None and not needed:
        return
    if not isinstance(value, str):
        raise OpenIdError(f"This provider does not say its {name}.")
    web.check_url(value)


def _check_issuer(metadata: Mapping[str, Any], issuer: str | None) -> None:
    """RFC 9207: an answer says who it comes from, so that two providers cannot be mixed up."""
    missing = issuer is None and metadata.get("authorization_response_iss_parameter_supported") is True
    if missing or (issuer is not None and issuer != metadata["issuer"]):
        raise OpenIdError("The answer came from another provider than the one that was asked.")


def _session(client: Client, metadata: Mapping[str, Any], redirect_uri: str) -> OAuth2Client:
    offered = metadata.get("token_endpoint_auth_methods_supported")
    basic = not isinstance(offered, list) or "client_secret_basic" in offered or "client_secret_post" not in offered
    return OAuth2Client(
        client_id=client.client_id,
        client_secret=client.client_secret,
        token_endpoint_auth_method="client_secret_basic" if basic else "client_secret_post",
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
        transport=web.transport(),
        trust_env=False,
        timeout=web.SECONDS,
        follow_redirects=False,
    )


def _fetch_token(session: OAuth2Client, metadata: Mapping[str, Any], code: str, verifier: str) -> dict[str, Any]:
    try:
        token = session.fetch_token(
            metadata["token_endpoint"], grant_type="authorization_code", code=code, code_verifier=verifier
        )
    except (AuthlibBaseError, httpx2.HTTPError, ValueError, TypeError, KeyError) as refused:
        raise OpenIdError(
            "The provider did not accept this sign-in. It may have taken too long: try again."
        ) from refused
    if not isinstance(token, dict):
        raise OpenIdError("The provider's answer cannot be understood.")
    return dict(token)


def _userinfo(session: OAuth2Client, metadata: Mapping[str, Any], subject: str) -> dict[str, Any]:
    try:
        reply = session.get(metadata["userinfo_endpoint"])
        found = reply.json() if reply.status_code == 200 else {}
    except (AuthlibBaseError, httpx2.HTTPError, ValueError, TypeError) as wrong:
        raise OpenIdError("The provider did not say who you are. Try again.") from wrong
    # OpenID Connect Core, 5.3.4: else it may be about somebody else.
    return found if isinstance(found, dict) and found.get("sub") == subject else {}


def _verified(text: str, metadata: Mapping[str, Any], at: datetime) -> jwt.Token:
    offered = metadata.get("id_token_signing_alg_values_supported")
    allowed = [name for name in ALGORITHMS if not isinstance(offered, list) or name in offered]
    registry = JWSRegistry(algorithms=allowed, strict_check_header=False)
    uri, seconds = metadata["jwks_uri"], int(at.timestamp())
    try:
        return jwt.decode(text, _keys(uri, seconds // _KEYS_SECONDS, "kept"), registry=registry)
    except InvalidKeyIdError:
        # Signed by a key we have not seen: the provider may have turned its keys since.
        return jwt.decode(text, _keys(uri, seconds // _FRESH_SECONDS, "fresh"), registry=registry)


def _keys(uri: str, bucket: int, name: str) -> KeySet:
    found = cache.get_or_make(
        _SHARED, (_KIND,), f"keys:{name}:{bucket}:{uri}", lambda: web.get_json(uri), ttl=_KEYS_SECONDS
    )
    return _key_set(found)


def _key_set(found: Any) -> KeySet:
    """The provider's public keys; a secret among them is left out."""
    listed = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(listed, list) or len(listed) > 100:
        raise OpenIdError("The provider's keys cannot be read.")
    public = [key for key in listed if isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP")]
    signing = [key for key in public if key.get("use", "sig") == "sig"]
    try:
        return KeySet.import_key_set({"keys": signing})
    except (JoseError, ValueError, TypeError, KeyError) as wrong:
        raise OpenIdError("The provider's keys cannot be read.") from wrong
