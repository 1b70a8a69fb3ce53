"""An authenticator in software: answers WebAuthn questions as a browser would, or wrongly where a test wants it."""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

_PRESENT, _VERIFIED, _HAS_KEY = 0x01, 0x04, 0x40


class SoftwarePasskey:
    """One ES256 credential for one origin. `count` is its signature counter; 0 for ever if it keeps none."""

    def __init__(self, origin: str, rp_id: str, *, verified: bool = True) -> None:
        self.origin, self.rp_id, self.verified = origin, rp_id, verified
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(16)
        self.count = 0
        self.user_handle = b""

    def create(self, question: str) -> str:
        """The answer to `navigator.credentials.create`."""
        asked = json.loads(question)
        self.user_handle = base64url_to_bytes(asked["user"]["id"])
        data = self._client_data("webauthn.create", asked["challenge"])
        credential = b"\0" * 16 + struct.pack(">H", len(self.id)) + self.id + self._public_key()
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": self._data(_HAS_KEY) + credential})
        return self._answer(
            {
                "clientDataJSON": bytes_to_base64url(data),
                "attestationObject": bytes_to_base64url(attestation),
                "transports": ["internal"],
            }
        )

    def get(self, question: str, **changed: Any) -> str:
        """The answer to `navigator.credentials.get`."""
        asked = json.loads(question)
        data = self._client_data("webauthn.get", changed.get("challenge", asked["challenge"]))
        signed = self._data(0)
        signature = self.key.sign(signed + hashlib.sha256(data).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            {
                "clientDataJSON": bytes_to_base64url(data),
                "authenticatorData": bytes_to_base64url(signed),
                "signature": bytes_to_base64url(changed.get("signature", signature)),
                "userHandle": bytes_to_base64url(self.user_handle),
            }
        )

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _data(self, flags: int) -> bytes:
        flags |= _PRESENT | (_VERIFIED if self.verified else 0)
        return hashlib.sha256(self.rp_id.encode()).digest() + struct.pack(">BI", flags, self.count)

    def _public_key(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        point = {-2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        return cbor2.dumps({1: 2, 3: -7, -1: 1, **point})

    def _answer(self, response: dict[str, Any]) -> str:
        identifier = bytes_to_base64url(self.id)
        return json.dumps({"id": identifier, "rawId": identifier, "type": "public-key", "response": response})
