"""What must be secret even from a reader of the database: sealed columns, and keys derived for other purposes.

A sealed value is text, ``<key id>.<base64>``: AES-256-GCM with a random nonce, and with the tenant, table,
column and row it belongs to as associated data. Moved to any other place it does not open (claim 34).

`Settings.encryption_keys` is the ring: the first key seals, all of them open. No key is used as it stands;
each purpose gets its own by HKDF (RFC 5869), so that what signs a link can never open a column.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app

from app.config import ConfigurationError, Settings

_SEALING = "sealed columns"
_NONCE = 12
_TAG = 16


class CannotOpen(Exception):
    """A sealed value that was made for another place, or by a key that is gone, or is no sealed value at all.

    Says where it stood, never what it holds.
    """


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column that holds sealed text, and how to write and read it: rows have `tenant_id` and `id`."""

    model: type[Any]
    column: str

    @property
    def table(self) -> str:
        return str(self.model.__tablename__)

    def seal(self, plain: str | bytes, *, tenant_id: UUID | None, row_id: UUID) -> str:
        return seal(plain, tenant_id=tenant_id, table=self.table, row_id=row_id, column=self.column)

    def open(self, row: Any) -> str:
        """The text in this column of `row`. Raises CannotOpen."""
        return self.open_bytes(row).decode()

    def open_bytes(self, row: Any) -> bytes:
        """The bytes in this column of `row`. Raises CannotOpen, also if the column is null."""
        tenant_id = getattr(row, "tenant_id", None)
        sealed = getattr(row, self.column) or ""
        return open_bytes(sealed, tenant_id=tenant_id, table=self.table, row_id=row.id, column=self.column)


_registered: dict[tuple[str, str], SealedColumn] = {}


def register_sealed(model: type[Any], column: str) -> SealedColumn:
    """Makes `flask rotate-secrets` look after this column. Called once, beside the model.

    The column is text that may be null; the table's key is `tenant_id` and `id`, or `id` alone.
    """
    made = SealedColumn(model, column)
    _registered[made.table, column] = made
    return made


def sealed_columns() -> Iterator[SealedColumn]:
    """Every registered column, in a fixed order."""
    for key in sorted(_registered):
        yield _registered[key]


def seal(plain: str | bytes, *, tenant_id: UUID | None, table: str, row_id: UUID, column: str) -> str:
    """Seals a value for the one place it will stand in; `tenant_id` is None in tables that have no tenant."""
    nonce = os.urandom(_NONCE)
    data = plain.encode() if isinstance(plain, str) else plain
    sealed = _cipher(current_key_id()).encrypt(nonce, data, _place(tenant_id, table, row_id, column))
    return f"{current_key_id()}.{base64.b64encode(nonce + sealed).decode()}"


def open_sealed(text: str, *, tenant_id: UUID | None, table: str, row_id: UUID, column: str) -> str:
    """The text that was sealed for this place. Raises CannotOpen."""
    return open_bytes(text, tenant_id=tenant_id, table=table, row_id=row_id, column=column).decode()


def open_bytes(text: str, *, tenant_id: UUID | None, table: str, row_id: UUID, column: str) -> bytes:
    """The bytes that were sealed for this place. Raises CannotOpen."""
    where = f"{table}.{column} of row {row_id}"
    kid, _, encoded = text.partition(".")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except ValueError as broken:
        raise CannotOpen(f"{where} holds no sealed value.") from broken
    if len(raw) < _NONCE + _TAG:
        raise CannotOpen(f"{where} holds no sealed value.")
    try:
        return _cipher(kid).decrypt(raw[:_NONCE], raw[_NONCE:], _place(tenant_id, table, row_id, column))
    except InvalidTag:
        raise CannotOpen(f"{where} was sealed for another place, or altered.") from None


def needs_rotation(text: str) -> bool:
    """Whether a key other than the current one sealed this."""
    return text.partition(".")[0] != current_key_id()


def current_key_id() -> str:
    """The key that seals and signs now."""
    return _ring()[0][0]


def key_ids() -> tuple[str, ...]:
    """Every key that still opens and verifies, the current one first."""
    return tuple(kid for kid, _ in _ring())


def derive(purpose: str) -> bytes:
    """32 bytes for one purpose, such as "links", from the current key; they change when the key does.

    Whoever keeps what was made with them keeps `current_key_id()` beside it, for `derive_for`.
    """
    return derive_for(current_key_id(), purpose)


def derive_for(kid: str, purpose: str) -> bytes:
    """The 32 bytes of a purpose under the named key. Raises CannotOpen: that key is not on the ring."""
    if purpose == _SEALING:
        raise ValueError("That key is for sealed columns alone.")
    return _derived(_key(kid), purpose)


def _cipher(kid: str) -> AESGCM:
    return _aesgcm(_key(kid))


@lru_cache(maxsize=64)
def _aesgcm(key: bytes) -> AESGCM:
    return AESGCM(_derived(key, _SEALING))


@lru_cache(maxsize=256)
def _derived(key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=f"fairlead/{purpose}".encode()).derive(key)


def _key(kid: str) -> bytes:
    for name, key in _ring():
        if name == kid:
            return key
    raise CannotOpen("The key that made this is not on the ring (ENCRYPTION_KEYS).")


def _ring() -> tuple[tuple[str, bytes], ...]:
    settings: Settings = current_app.extensions["fairlead.settings"]
    if not settings.encryption_keys:
        raise ConfigurationError("Set ENCRYPTION_KEYS: docs/operations.md says how to make one.")
    return settings.encryption_keys


def _place(tenant_id: UUID | None, table: str, row_id: UUID, column: str) -> bytes:
    """None of the four holds a bar: two are ids, two are names of the schema."""
    return f"{tenant_id or ''}|{table}|{row_id}|{column}".encode()
