"""Claim 23: an access token is ours, unaltered, for this, and of now; and rights are those of the next request."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from sqlalchemy import update

from app.accounts import access_tokens, queries
from app.accounts.actions import Tokens
from app.accounts.models import User
from app.core.clock import now
from app.core.events import turn_over
from app.core.scope import Scope
from app.core.secrets import derive_for
from app.extensions import db
from tests.support.programs import program_of, signed_in_program
from tests.support.servers import with_settings

ME = "/api/auth/me"
HOUR = 3600


@pytest.fixture
def begun(inside: Callable[..., Any], acme: Scope) -> Tokens:
    return signed_in_program(inside, acme)


@pytest.fixture
def key(app_context: Flask) -> bytes:
    """What we sign with: the strongest forger knows everything but this; here even this."""
    return derive_for("t2", "access tokens")


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    head, body, _ = token.split(".")
    return tuple(json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, body))  # type: ignore[return-value]


def packed(value: Any) -> bytes:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def signed(header: dict[str, Any], claims: Any, key: bytes) -> str:
    text = packed(header) + b"." + packed(claims)
    return (text + b"." + packed(hmac.digest(key, text, hashlib.sha256))).decode()


def opens(app: Flask, token: str) -> int:
    answer = program_of(app, bearer=token).get(ME)
    if answer.status_code == 401:
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    return answer.status_code


def test_the_forger_of_these_tests_can_make_a_good_one(app: Flask, begun: Tokens, key: bytes) -> None:
    """Else everything below would be refused for the wrong reason."""
    assert opens(app, signed(*parts(begun.access), key)) == 200


def test_claim_23_alg_none(app: Flask, begun: Tokens, key: bytes) -> None:
    header, claims = parts(begun.access)
    for name in ("none", "None", "NONE", "nOnE", ""):
        unsigned = (packed(header | {"alg": name}) + b"." + packed(claims) + b".").decode()
        assert opens(app, unsigned) == 401
        assert opens(app, unsigned + begun.access.rpartition(".")[2]) == 401
    without = {name: value for name, value in header.items() if name != "alg"}
    assert opens(app, signed(without, claims, key)) == 401


def test_claim_23_another_algorithm_even_with_our_key(app: Flask, begun: Tokens, key: bytes) -> None:
    header, claims = parts(begun.access)
    for name, digest in (("HS384", hashlib.sha384), ("HS512", hashlib.sha512)):
        text = packed(header | {"alg": name}) + b"." + packed(claims)
        assert opens(app, (text + b"." + packed(hmac.digest(key, text, digest))).decode()) == 401
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signed_by_rsa = jwt.encode(header | {"alg": "RS256"}, claims, RSAKey.import_key(rsa_key), ["RS256"])
    assert opens(app, signed_by_rsa) == 401
    for name in ("RS256", "ES256", "PS256", "EdDSA", "HS256 ", "hs256"):
        assert opens(app, signed(header | {"alg": name}, claims, key)) == 401


def test_claim_23_a_key_in_the_header_is_not_used(app: Flask, begun: Tokens) -> None:
    header, claims = parts(begun.access)
    own = OctKey.import_key(b"a key of the forger, 32 bytes....")
    for extra in (
        {"jwk": own.as_dict()},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/"},
        {"crit": ["exp"]},
        {"b64": False, "crit": ["b64"]},
    ):
        assert opens(app, signed(header | extra, claims, b"a key of the forger, 32 bytes....")) == 401


def test_claim_23_another_key(app: Flask, begun: Tokens, app_context: Flask, key: bytes) -> None:
    header, claims = parts(begun.access)
    ring = app.extensions["fairlead.settings"].encryption_keys
    others = [b"", b"x" * 32, key[::-1], app.config["SECRET_KEY"].encode(), *(raw for _, raw in ring)]
    others += [derive_for("t2", "refresh tokens"), derive_for("t1", "access tokens")]
    for other in others:
        assert opens(app, signed(header, claims, other)) == 401


def test_claim_23_altered_kid(app: Flask, begun: Tokens, key: bytes) -> None:
    header, claims = parts(begun.access)
    kids: list[Any] = ["t1", "t3", "", "../../dev/null", "/dev/null", "t2\x00", "t2 ", "T2", "' or '1'='1", "x" * 500]
    kids += [None, 2, True, ["t2"], {"t2": 1}, "t2/../t2", "file:///etc/passwd"]
    for kid in kids:
        assert opens(app, signed(header | {"kid": kid}, claims, key)) == 401, kid
    without = {name: value for name, value in header.items() if name != "kid"}
    assert opens(app, signed(without, claims, key)) == 401


@pytest.mark.parametrize(
    "wrong",
    [
        *({"aud": value} for value in ("fairlead", "other", "", None, [], ["other"], 5, {"a": 1})),
        *({"iss": value} for value in ("other", "", None, ["fairlead"], "https://fairlead", 5)),
        *({"exp": value} for value in (0, -1, None, "never", True, [], 1e400, "9999999999")),
        *({"sub": value} for value in (None, "", "x", 5, "00000000-0000-0000-0000-000000000000")),
        *({"tid": value} for value in (None, "", "x", "acme")),
        *({"fam": value} for value in (None, "", "x", "00000000-0000-0000-0000-000000000000")),
        *({"jti": value} for value in (None, "", 5)),
        *({"iat": value} for value in (None, "x")),
    ],
    ids=str,
)
def test_claim_23_wrong_claims_even_with_our_signature(
    app: Flask, begun: Tokens, key: bytes, wrong: dict[str, Any]
) -> None:
    header, claims = parts(begun.access)
    assert opens(app, signed(header, claims | wrong, key)) == 401
    (name,) = wrong
    assert opens(app, signed(header, {n: v for n, v in claims.items() if n != name}, key)) == 401


def test_claim_23_expired_and_not_yet_valid(app: Flask, begun: Tokens, key: bytes) -> None:
    header, claims = parts(begun.access)
    at = int(now().timestamp())
    assert opens(app, signed(header, claims | {"exp": at - 10}, key)) == 401
    assert opens(app, signed(header, claims | {"nbf": at + HOUR}, key)) == 401
    assert opens(app, signed(header, claims | {"iat": at + HOUR}, key)) == 401
    assert "expired" in program_of(app, bearer=signed(header, claims | {"exp": at - 10}, key)).get(ME).text


@pytest.mark.parametrize("typ", ["JWT", "", "rt+jwt", "id+jwt", "application/at+jwt", None, 5])
def test_claim_23_wrong_type(app: Flask, begun: Tokens, key: bytes, typ: Any) -> None:
    header, claims = parts(begun.access)
    assert opens(app, signed(header | {"typ": typ}, claims, key)) == 401


def test_claim_23_one_bit_changed_anywhere(app: Flask, begun: Tokens) -> None:
    token = begun.access
    for place in range(0, len(token), 3):
        letter = "A" if token[place] != "A" else "B"
        altered = token[:place] + letter + token[place + 1 :]
        # The last letter of a part carries bits that stand for nothing.
        if place + 1 < len(token) and token[place + 1] != ".":
            assert opens(app, altered) == 401, place


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"5", b'"x"', b"{", b"\xff", b"[" * 5_000])
def test_claim_23_a_payload_that_is_no_object(app: Flask, begun: Tokens, key: bytes, body: bytes) -> None:
    header, _ = parts(begun.access)
    assert opens(app, signed(header, body, key)) == 401


def test_claim_23_a_refresh_token_is_no_access_token(app: Flask, begun: Tokens) -> None:
    assert opens(app, begun.refresh) == 401


def test_claim_23_the_family_of_somebody_else(
    app: Flask, begun: Tokens, key: bytes, inside: Callable[..., Any], scope_in: Callable[..., Scope]
) -> None:
    header, claims = parts(begun.access)
    agents = parts(signed_in_program(inside, scope_in("acme", "agent")).access)[1]
    assert opens(app, signed(header, claims | {"fam": agents["fam"]}, key)) == 401
    assert opens(app, signed(header, agents | {"sub": claims["sub"]}, key)) == 401


def test_claim_23_old_tokens_verify_by_kid_after_rotation(
    app: Flask, begun: Tokens, monkeypatch: pytest.MonkeyPatch, inside: Callable[..., Any], acme: Scope
) -> None:
    before = app.extensions["fairlead.settings"]
    fresh = ("t3", b"only for tests, a newer key than")
    both = with_settings(before, encryption_keys=(fresh, *before.encryption_keys))
    monkeypatch.setitem(app.extensions, "fairlead.settings", both)
    assert opens(app, begun.access) == 200
    newer = signed_in_program(inside, acme).access
    assert parts(newer)[0]["kid"] == "t3"
    assert opens(app, newer) == 200
    monkeypatch.setitem(app.extensions, "fairlead.settings", with_settings(before, encryption_keys=(fresh,)))
    assert opens(app, begun.access) == 401, "the key is gone, and what it signed with it"
    assert opens(app, newer) == 200


def test_claim_23_a_demoted_person_loses_access_at_the_next_request(
    app: Flask, begun: Tokens, inside: Callable[..., Any], acme: Scope
) -> None:
    program = program_of(app, bearer=begun.access)
    assert "user:manage" in program.get(ME).json["permissions"]
    with inside(acme):
        db.session.execute(update(User).where(User.id == acme.user_id).values(role="viewer"))
        turn_over(acme.tenant_id, "user")
    assert "user:manage" not in program.get(ME).json["permissions"]
    with inside(acme):
        db.session.execute(update(User).where(User.id == acme.user_id).values(disabled_at=now()))
        turn_over(acme.tenant_id, "user")
    assert program.get(ME).status_code == 401


def test_the_token_says_no_more_than_it_must(begun: Tokens, acme: Scope, app_context: Flask) -> None:
    header, claims = parts(begun.access)
    assert header == {"typ": "at+jwt", "alg": "HS256", "kid": "t2"}
    assert set(claims) == {"iss", "aud", "sub", "tid", "fam", "iat", "exp", "jti"}
    assert claims["exp"] - claims["iat"] == 15 * 60
    read = access_tokens.read(begun.access, now())
    assert (read.tenant_id, read.user_id) == (acme.tenant_id, acme.user_id)
    assert queries.find_tenant(claims["tid"]) is not None
