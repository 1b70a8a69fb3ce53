"""ID tokens: those of a real provider, altered and forged. What signs us in is signed by it, for us, now, for this."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from app.core.clock import now
from app.gateways import openid, web
from app.gateways.openid import Client, OpenIdError
from tests.support.oidc_provider import OidcProvider
from tests.support.servers import with_settings
from tests.support.waiting import PATIENCE

BACK = "http://localhost/back"
NONCE, VERIFIER = "n" * 40, "v" * 60


@dataclass(frozen=True)
class Given:
    """What the provider gave, and how it is read."""

    client: Client
    metadata: dict[str, Any]
    token: dict[str, Any]

    def read(
        self, id_token: Any = None, *, client: Client | None = None, nonce: str = NONCE, at: datetime | None = None
    ) -> dict[str, Any]:
        token = self.token if id_token is None else {**self.token, "id_token": id_token}
        return openid.read_id_token(client or self.client, self.metadata, token, nonce, at or now())

    @property
    def parts(self) -> tuple[dict[str, Any], dict[str, Any]]:
        head, body, _ = self.token["id_token"].split(".")
        return json.loads(unpacked(head)), json.loads(unpacked(body))


def unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


def packed(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.fixture
def given(app_context: Flask, oidc_provider: OidcProvider, monkeypatch: pytest.MonkeyPatch) -> Given:
    allowed = with_settings(app_context.extensions["fairlead.settings"], outbound_private_hosts=(oidc_provider.host,))
    monkeypatch.setitem(app_context.extensions, "fairlead.settings", allowed)
    oidc_provider.allow(BACK)
    client = Client(oidc_provider.issuer, oidc_provider.client_id, oidc_provider.client_secret)
    metadata = openid.discover(client.issuer)
    url = openid.ask(client, redirect_uri=BACK, state="s" * 30, nonce=NONCE, verifier=VERIFIER)
    back = dict(parse_qsl(urlsplit(oidc_provider.authorize(url, "ada")).query))
    form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": BACK, "code_verifier": VERIFIER}
    answer = requests.post(
        metadata["token_endpoint"], form, auth=(client.client_id, client.client_secret), timeout=PATIENCE
    )
    return Given(client, metadata, answer.json())


def refused(read: Callable[[], Any]) -> None:
    with pytest.raises(OpenIdError):
        read()


def test_a_good_one_is_read(given: Given) -> None:
    assert given.read()["sub"] == "sub-ada"


@pytest.mark.parametrize("nonce", ["", "x", NONCE[:-1], NONCE + "n"])
def test_another_nonce(given: Given, nonce: str) -> None:
    refused(lambda: given.read(nonce=nonce))


def test_another_client_issuer_or_time(given: Given) -> None:
    refused(lambda: given.read(client=replace(given.client, client_id="other")))
    refused(lambda: given.read(client=replace(given.client, issuer="https://other.example")))
    refused(lambda: given.read(client=replace(given.client, issuer=given.client.issuer + "/")))
    refused(lambda: given.read(at=now() + timedelta(hours=1)))
    refused(lambda: given.read(at=now() - timedelta(hours=1)))


def test_alg_none(given: Given) -> None:
    header, claims = given.parts
    for name in ("none", "None", "NONE", ""):
        refused(lambda name=name: given.read(f"{packed(header | {'alg': name})}.{packed(claims)}."))


def test_a_shared_secret_is_no_signature(given: Given) -> None:
    """The provider's public key, or our secret there, used as the key of an HMAC."""
    header, claims = given.parts
    (key, *_) = requests.get(given.metadata["jwks_uri"], timeout=PATIENCE).json()["keys"]
    public = RSAKey.import_key(key)
    secrets = [given.client.client_secret.encode(), public.as_pem(private=False), json.dumps(key).encode()]
    for secret in secrets:
        text = f"{packed(header | {'alg': 'HS256'})}.{packed(claims)}"
        signature = packed(hmac.digest(secret, text.encode(), hashlib.sha256))
        refused(lambda signature=signature, text=text: given.read(f"{text}.{signature}"))


@pytest.mark.parametrize("named", [True, False])
def test_another_key(given: Given, named: bool) -> None:
    header, claims = given.parts
    own = RSAKey.generate_key(2048, private=True)
    told = header if named else {**header, "kid": "unknown"}
    refused(lambda: given.read(jwt.encode(told, claims, own, ["RS256"])))
    without = {name: value for name, value in header.items() if name != "kid"}
    refused(lambda: given.read(jwt.encode(without, claims, own, ["RS256"])))
    with_key = {**header, "jwk": own.as_dict(private=False)}
    refused(lambda: given.read(jwt.encode(with_key, claims, own, ["RS256"])))
    curve = ECKey.generate_key("P-256", private=True)
    refused(lambda: given.read(jwt.encode({**told, "alg": "ES256"}, claims, curve, ["ES256"])))


def test_altered_claims(given: Given) -> None:
    _, claims = given.parts
    head, _, signature = given.token["id_token"].split(".")
    for altered in ({"sub": "sub-ann"}, {"email": "owner@acme.example"}, {"email_verified": True, "exp": 2**40}):
        refused(lambda altered=altered: given.read(f"{head}.{packed(claims | altered)}.{signature}"))


@pytest.mark.parametrize("text", ["", "x", "..", "a.b.c", "é.é.é", "x" * 30_000, 5, None, {"a": 1}])
def test_what_is_no_token(given: Given, text: Any) -> None:
    broken = Given(given.client, given.metadata, {"id_token": text} if text is not None else {})
    refused(broken.read)


@lru_cache(maxsize=1)
def key_of(kid: str) -> RSAKey:
    """Another key of the same number, made once: it takes a quarter of a second."""
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"}, private=True)


def forged(given: Given, wrong: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> str:
    """Signed by the very key that the provider publishes: the provider itself misbehaves, or serves another's."""
    header, claims = given.parts
    own = key_of(header["kid"])
    published = {"keys": [own.as_dict(private=False)]}
    monkeypatch.setattr(openid, "_keys", lambda *_: openid._key_set(published))
    made = {name: value for name, value in (claims | wrong).items() if value is not None}
    return jwt.encode(header, made, own, ["RS256"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://evil.example"},
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": ["fairlead", "other"]},
        {"aud": ["fairlead", "other"], "azp": "other"},
        {"azp": "other"},
        {"nonce": None},
        {"nonce": ["n" * 40]},
        {"exp": None},
        {"exp": "later"},
        {"iat": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 5},
        {"sub": "x" * 256},
        {"iss": None},
        {"aud": None},
        {"at_hash": "wrong"},
    ],
    ids=str,
)
def test_signed_and_still_wrong(given: Given, wrong: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert given.read(forged(given, {}, monkeypatch))["sub"] == "sub-ada", "without the fault it is believed"
    refused(lambda: given.read(forged(given, wrong, monkeypatch)))


def test_discovery_must_name_the_issuer(given: Given) -> None:
    for issuer in (given.client.issuer + "/", given.client.issuer.replace("127.0.0.1", "localhost")):
        with pytest.raises((OpenIdError, web.Refused)):
            openid.test_connection(issuer)


@pytest.mark.parametrize(
    "issuer",
    ["http://127.0.0.1:1", "https://10.0.0.1", "https://169.254.169.254/latest", "https://localhost", "file:///etc"],
)
def test_claim_30_an_issuer_inside_is_not_asked(app_context: Flask, issuer: str) -> None:
    for asking in (openid.discover, openid.test_connection):
        with pytest.raises(web.Refused):
            asking(issuer)
