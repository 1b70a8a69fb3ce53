"""The provider that other tests sign in at: the whole flow, so that a failure there is not one here."""

from __future__ import annotations

import base64
import hashlib
import json
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from tests.support.waiting import PATIENCE

BACK = "http://127.0.0.1:9/callback"
VERIFIER = "v" * 60


def challenge():
    return base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def known(oidc_provider):
    return requests.get(oidc_provider.discovery, timeout=PATIENCE).json()


def address(known, provider, **more):
    asked = {
        "client_id": provider.client_id,
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": "openid profile email groups offline_access",
        "state": "s",
        "nonce": "n",
        "code_challenge": challenge(),
        "code_challenge_method": "S256",
    }
    return f"{known['authorization_endpoint']}?{urlencode(asked | more)}"


def tokens(known, provider, code, verifier=VERIFIER):
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": verifier}
    auth = (provider.client_id, provider.client_secret)
    return requests.post(known["token_endpoint"], data=form, auth=auth, timeout=PATIENCE)


def part(jwt, number):
    text = jwt.split(".")[number]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def sign_in(known, provider, login):
    code = parse_qs(urlsplit(provider.authorize(address(known, provider), login)).query)["code"][0]
    answer = tokens(known, provider, code)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_whole_flow(known, oidc_provider):
    oidc_provider.allow(BACK)
    made = sign_in(known, oidc_provider, "ada")
    claims = part(made["id_token"], 1)
    assert claims["iss"] == oidc_provider.issuer == known["issuer"]
    assert (claims["aud"], claims["nonce"], claims["sub"]) == ("fairlead", "n", "sub-ada")
    assert (claims["email"], claims["email_verified"], claims["groups"]) == (
        "ada@idp.example",
        True,
        ["sales", "everyone"],
    )
    bearer = {"Authorization": f"Bearer {made['access_token']}"}
    assert requests.get(known["userinfo_endpoint"], headers=bearer, timeout=PATIENCE).json()["name"] == "Ada Lovelace"


def test_asking_for_consent_changes_nothing(known, oidc_provider):
    oidc_provider.allow(BACK)
    back = oidc_provider.authorize(address(known, oidc_provider, prompt="login consent"), "ada")
    assert tokens(known, oidc_provider, parse_qs(urlsplit(back).query)["code"][0]).status_code == 200


def test_claims_only_from_userinfo(known, oidc_provider):
    oidc_provider.allow(BACK)
    oidc_provider.set(token_claims=False)
    assert "email" not in part(sign_in(known, oidc_provider, "ada")["id_token"], 1)


def test_a_code_needs_its_verifier(known, oidc_provider):
    oidc_provider.allow(BACK)
    code = parse_qs(urlsplit(oidc_provider.authorize(address(known, oidc_provider), "bob")).query)["code"][0]
    assert tokens(known, oidc_provider, code, "w" * 60).status_code == 400


def test_refusing(known, oidc_provider):
    oidc_provider.allow(BACK)
    back = oidc_provider.authorize(address(known, oidc_provider), "ada", refuse=True)
    assert parse_qs(urlsplit(back).query)["error"] == ["access_denied"]


def test_an_address_that_was_not_allowed(known, oidc_provider):
    with pytest.raises(AssertionError, match="redirect_uri"):
        oidc_provider.authorize(address(known, oidc_provider), "ada")


def test_keys_rotate(known, oidc_provider):
    oidc_provider.allow(BACK)
    before = part(sign_in(known, oidc_provider, "ada")["id_token"], 0)["kid"]
    oidc_provider.rotate_keys()
    after = part(sign_in(known, oidc_provider, "ada")["id_token"], 0)["kid"]
    published = {key["kid"] for key in requests.get(known["jwks_uri"], timeout=PATIENCE).json()["keys"]}
    assert before != after
    assert {before, after} <= published


def test_sign_out_has_an_address(known):
    assert known["end_session_endpoint"]
    assert known["code_challenge_methods_supported"] == ["S256"]
