"""Claim 34: a sealed value opens in its place only, and keys are changed while people work."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import select

from app.core import db as database
from app.core import rotation, secrets
from app.core.scope import tenant_context
from app.core.secrets import CannotOpen
from app.extensions import db
from app.gateways.mail import send_mail
from app.gateways.mail.models import BODY, OutgoingMail
from jobs.commands import rotate_secrets
from tests.support.servers import KEYS, with_settings

OLD, NEW = KEYS[1], ("t3", b"only for tests, the new key now.")


@pytest.fixture
def ring(app, settings):
    """`ring(OLD, NEW)`: the keys this application has from now on."""

    def use(*keys):
        app.extensions["fairlead.settings"] = with_settings(settings, encryption_keys=keys)

    yield use
    app.extensions["fairlead.settings"] = settings


@pytest.fixture
def mails(inside):
    """`mails(scope, 3)` stores three and returns their ids."""

    def make(scope, number):
        with inside(scope):
            context = {"name": "Ada", "at": scope.now}
            return [send_mail(scope, to="ada@x.example", template="mail/test", context=context) for _ in range(number)]

    return make


@pytest.fixture
def stored(admin):
    def read():
        return dict(admin.execute("select id, body_sealed from outgoing_mails").fetchall())

    return read


def test_claim_34_a_moved_ciphertext_does_not_open(app_context):
    place = {"tenant_id": uuid4(), "table": "things", "row_id": uuid4(), "column": "secret"}
    sealed = secrets.seal("hush", **place)
    moves = [{"tenant_id": uuid4()}, {"tenant_id": None}, {"table": "others"}, {"row_id": uuid4()}, {"column": "note"}]
    for move in moves:
        with pytest.raises(CannotOpen):
            secrets.open_sealed(sealed, **place | move)
    assert secrets.open_sealed(sealed, **place) == "hush"


def test_claim_34_no_bit_of_it_can_be_changed(app_context):
    place = {"tenant_id": uuid4(), "table": "things", "row_id": uuid4(), "column": "secret"}
    # 33 bytes with nonce and tag: each letter of the base64 counts.
    kid, _, encoded = secrets.seal("hush!", **place).partition(".")
    for position in range(len(encoded)):
        other = "A" if encoded[position] != "A" else "B"
        with pytest.raises(CannotOpen):
            secrets.open_sealed(f"{kid}.{encoded[:position]}{other}{encoded[position + 1 :]}", **place)
    with pytest.raises(CannotOpen):
        secrets.open_sealed(f"t1.{encoded}", **place)


def test_claim_34_nor_does_a_stored_one(mails, acme, globex, admin, inside):
    """Copied by somebody who can write to the database, from row to row and from tenant to tenant."""
    (source, target), (foreign,) = mails(acme, 2), mails(globex, 1)
    for scope, mail_id in ((acme, target), (globex, foreign)):
        admin.execute(
            "update outgoing_mails set body_sealed = (select body_sealed from outgoing_mails where id = %s) "
            "where id = %s",
            (source, mail_id),
        )
        with inside(scope):
            row = db.session.scalars(select(OutgoingMail).where(OutgoingMail.id == mail_id)).one()
            with pytest.raises(CannotOpen):
                BODY.open(row)


def test_claim_34_a_moved_mail_is_not_sent(mails, acme, admin, sent_mails):
    first, second = mails(acme, 2)
    admin.execute(
        "update outgoing_mails set body_sealed = (select body_sealed from outgoing_mails where id = %s) where id = %s",
        (first, second),
    )
    assert [mail["Message-ID"] for mail in sent_mails()] == [f"<{first}@localhost>"]
    assert admin.execute("select status from outgoing_mails where id = %s", (second,)).fetchone() == ("failed",)


def test_claim_34_rotation_while_serving(app, ring, mails, acme, globex, stored, inside, monkeypatch):
    """Readers in threads open everything all the time; afterwards the old key is not needed."""
    monkeypatch.setattr(rotation, "BATCH", 7)
    ring(OLD, NEW)
    mails(acme, 60)
    mails(globex, 20)
    assert {text[:3] for text in stored().values()} == {"t1."}
    ring(NEW, OLD)
    stop, read = threading.Event(), []

    def keep_reading(scope):
        count = 0
        while not stop.is_set() or not count:
            with inside(scope):
                for row in db.session.scalars(select(OutgoingMail)):
                    assert "Hello Ada" in BODY.open(row)
                    count += 1
        read.append(count)

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(keep_reading, scope) for scope in (acme, globex)]
        try:
            told = app.test_cli_runner().invoke(rotate_secrets)
        finally:
            stop.set()
        for reader in readers:
            reader.result()
    assert told.exit_code == 0, told.output
    assert told.output == "80 sealed again, 0 written by somebody else meanwhile.\n"
    assert min(read) >= 20
    ring(NEW)
    for scope in (acme, globex):
        with inside(scope):
            assert all("Hello Ada" in BODY.open(row) for row in db.session.scalars(select(OutgoingMail)))


def test_claim_34_rotation_twice_and_at_once(app, ring, mails, acme, stored):
    ring(OLD, NEW)
    mails(acme, 40)
    ring(NEW, OLD)

    def rotate(_):
        with app.app_context():
            try:
                return rotation.rotate_tenant(acme.tenant_id)
            finally:
                db.session.remove()

    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(rotate, range(3)))
    assert sum(one.done for one in outcomes) == 40
    assert all(one.lost == 0 for one in outcomes)
    assert {text[:3] for text in stored().values()} == {"t3."}
    assert rotate(0) == rotation.Rotated()


def test_claim_34_a_value_written_meanwhile_stays(app_context, ring, mails, acme, stored, admin):
    ring(OLD, NEW)
    (mail_id,) = mails(acme, 1)
    stale = stored()[mail_id]
    ring(NEW, OLD)
    admin.execute("update outgoing_mails set body_sealed = 'newer' where id = %s", (mail_id,))
    with tenant_context(acme.tenant_id):
        assert rotation._value(BODY, acme.tenant_id, mail_id, stale) == rotation.Rotated(overtaken=1)
        database.commit()
    assert stored()[mail_id] == "newer"


def test_claim_34_what_no_key_opens_is_said_and_kept(app, ring, mails, acme, stored):
    ring(("gone", b"a key that somebody threw away!!"))
    mails(acme, 1)
    before = stored()
    ring(NEW)
    told = app.test_cli_runner().invoke(rotate_secrets)
    assert told.exit_code == 1
    assert "1 cannot be opened with any key" in told.output
    assert stored() == before


def test_claim_34_every_sealed_column_is_registered(app, admin):
    """A column that is named as sealed and is not on the list would be left behind by a rotation."""
    named = admin.execute(
        "select table_name, column_name from information_schema.columns "
        "where table_schema = 'public' and column_name like '%sealed%'"
    ).fetchall()
    # Out of the application login's reach, so sealed again on its own (tests/operator/test_operators.py).
    own = {("operators", "secret_sealed")}
    assert set(named) - own == {(item.table, item.column) for item in secrets.sealed_columns()}
