"""Sealing, the key ring and derived keys; claim 34 has what an attacker would try."""

from __future__ import annotations

import base64
from pathlib import Path
from uuid import uuid4

import pytest

from app.config import ConfigurationError, load_settings
from app.core import secrets
from app.core.secrets import CannotOpen

SERVERS = {"DATABASE_URL": "postgresql://x/x", "REDIS_URL": "redis://x", "SECRET_KEY": "x" * 40}
KEY = base64.b64encode(bytes(range(32))).decode()


def _place() -> dict:
    return {"tenant_id": uuid4(), "table": "things", "row_id": uuid4(), "column": "secret"}


@pytest.mark.parametrize("plain", ["", "tr3s secrét", "x" * 100_000])
def test_what_was_sealed_opens_again(app_context, plain):
    place = _place()
    sealed = secrets.seal(plain, **place)
    assert secrets.open_sealed(sealed, **place) == plain
    assert sealed.startswith("t2.")
    assert not plain or plain not in sealed
    assert sealed != secrets.seal(plain, **place), "the same value twice must not look the same"


def test_bytes(app_context):
    place = _place()
    assert secrets.open_bytes(secrets.seal(b"\x00\xff", **place), **place) == b"\x00\xff"


@pytest.mark.parametrize("text", ["", "t2", "t2.", "t2.!!!", "t2.AAAA", "nothing sealed", "t9." + KEY])
def test_what_is_no_sealed_value_is_refused_without_telling_it(app_context, text):
    with pytest.raises(CannotOpen) as refused:
        secrets.open_sealed(text, **_place())
    assert len(text) < 3 or text not in str(refused.value)


def test_derived_keys_differ_by_purpose_and_by_key(app_context):
    made = {secrets.derive("links"), secrets.derive("audit"), secrets.derive_for("t1", "links")}
    assert len(made) == 3
    assert {len(key) for key in made} == {32}
    assert secrets.derive("links") == secrets.derive_for("t2", "links")
    assert secrets.key_ids() == ("t2", "t1")
    with pytest.raises(CannotOpen):
        secrets.derive_for("gone", "links")
    with pytest.raises(ValueError, match="sealed columns"):
        secrets.derive("sealed columns")


def test_settings_show_no_key(settings):
    assert "only for tests, the" not in repr(settings)


def test_the_ring_is_read_from_the_environment():
    other = base64.b64encode(bytes(32)).decode()
    ring = load_settings({**SERVERS, "ENCRYPTION_KEYS": f"k2:{KEY}, k1:{other}"}).encryption_keys
    assert ring == (("k2", bytes(range(32))), ("k1", bytes(32)))


@pytest.mark.parametrize("text", ["", "k1", "k1:short", f"K1:{KEY}", KEY, f"k1:{KEY},k1:{KEY}", f"k1:{KEY},", "k1:é"])
def test_a_ring_that_cannot_be_read_stops_the_start_and_is_not_printed(text):
    with pytest.raises(ConfigurationError, match="ENCRYPTION_KEYS") as refused:
        load_settings({**SERVERS, "ENCRYPTION_KEYS": text})
    assert KEY not in str(refused.value)


def test_a_workstation_makes_its_own_and_keeps_it(tmp_path: Path):
    from app.config import _encryption_keys

    first = _encryption_keys({}, tmp_path, local=True)
    assert first == _encryption_keys({}, tmp_path, local=True)
    assert len(first[0][1]) == 32
    assert (tmp_path / "encryption_keys").stat().st_mode & 0o777 == 0o600
