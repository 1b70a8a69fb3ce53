"""Polling a real IMAP server: nothing lost, nothing doubled, whatever breaks."""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.gateways.mail.incoming import imap
from app.gateways.mail.incoming.imap import Account, Fetched, State, poll
from tests.support.imap_server import Gate, ImapServer, free_port


def _mail(number: int, size: int = 0) -> bytes:
    return b"Subject: number %d\r\n\r\nHello" % number + b"x" * size


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    built = built.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    built = built.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    built = built.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(built.sign(key, hashes.SHA256()).public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(private)
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def server(certificate: tuple[Path, Path]) -> Iterator[ImapServer]:
    with ImapServer(*certificate) as running:
        yield running


class Taker:
    """Takes mail as a caller would: each key once."""

    def __init__(self) -> None:
        self.mails: list[Fetched] = []
        self.refuse: set[bytes] = set()
        self.calls = 0

    def __call__(self, mail: Fetched) -> bool:
        self.calls += 1
        raw = mail.raw or mail.head
        if any(word in raw for word in self.refuse):
            return False
        if all(mail.key != known.key for known in self.mails):
            self.mails.append(mail)
        return True

    @property
    def texts(self) -> list[bytes]:
        return [mail.raw or mail.head for mail in self.mails]


def test_each_mail_is_handed_over_once_and_marked(server: ImapServer):
    server.append(*(_mail(n) for n in range(5)))
    taker = Taker()
    state = poll(server.account(), State(), taker)
    assert taker.texts == [_mail(n) for n in range(5)]
    assert (state.trouble, server.seen()) == ("", 5)
    state = poll(server.account(), state, taker)
    server.append(_mail(5))
    state = poll(server.account(), state, taker)
    assert taker.calls == 6
    assert taker.mails[-1].received is not None


def test_what_is_done_is_moved_into_a_folder_made_for_it(server: ImapServer):
    server.append(_mail(1), _mail(2))
    taker = Taker()
    taker.refuse = {b"number 2"}
    state = poll(server.account(done_folder="Done"), State(), taker)
    assert (server.texts(), server.texts("Done")) == ([_mail(2)], [_mail(1)])
    taker.refuse = set()
    state = poll(server.account(done_folder="Done"), state, taker)
    assert (server.texts(), server.texts("Done")) == ([], [_mail(1), _mail(2)])
    assert state.waiting == ()


def test_a_mail_that_cannot_be_stored_waits_and_holds_up_nobody(server: ImapServer):
    server.append(*(_mail(n) for n in range(3)))
    taken: list[bytes] = []

    def fails(mail: Fetched) -> bool:
        if mail.raw == _mail(1) and len(taken) < 3:
            taken.append(b"")
            raise RuntimeError("the database is away")
        taken.append(mail.raw or b"")
        return True

    state = poll(server.account(), State(), fails)
    assert len(state.waiting) == 1
    assert (state.through, "1 mail could not be taken" in state.trouble) == (True, True)
    assert server.seen() == 2
    state = poll(server.account(), state, fails)
    assert state.waiting == ()
    assert [text for text in taken if text] == [_mail(0), _mail(2), _mail(1)]


@pytest.mark.parametrize("command", [rb"(?i)UID MOVE", rb"(?i)UID STORE", rb"(?i)CREATE"])
def test_a_server_that_lets_nothing_be_moved_holds_up_no_mail(server: ImapServer, command: bytes):
    server.append(*(_mail(n) for n in range(3)))
    taker = Taker()
    with Gate(server.port, refuses=re.compile(command)) as gate:
        account = server.account(port=gate.port, done_folder="Done")
        state = poll(account, State(), taker)
        assert taker.texts == [_mail(n) for n in range(3)]
        assert (state.through, "moved to “Done”" in state.trouble) == (True, True)
        poll(account, state, taker)
    assert taker.calls == 3


def test_a_mail_the_server_does_not_give_waits_and_holds_up_nobody(server: ImapServer):
    server.append(*(_mail(n) for n in range(3)))
    with server.client() as client:
        client.select_folder("INBOX", readonly=True)
        uids = sorted(client.search("ALL"))
    taker = Taker()
    alone, together = rb"UID FETCH %d \(BODY" % uids[1], rb"UID FETCH %d[:,]\S+ \(BODY" % uids[0]
    broken = re.compile(rb"%s|%s" % (alone, together))
    with Gate(server.port, refuses=broken) as gate:
        state = poll(server.account(port=gate.port), State(), taker)
    assert (taker.texts, state.waiting) == ([_mail(0), _mail(2)], (uids[1],))
    assert "1 mail could not be taken" in state.trouble
    state = poll(server.account(), state, taker)
    assert (taker.texts[-1], state.waiting, state.trouble) == (_mail(1), (), "")


def test_more_than_fits_into_a_visit_is_no_trouble(server: ImapServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(imap, "BATCH_MAX", 1)
    server.append(*(_mail(n) for n in range(3)))
    taker = Taker()
    until: list[float] = []

    def takes_its_time(mail: Fetched) -> bool:
        while taker.calls == 1 and time.monotonic() < until[0]:
            time.sleep(0.02)  # the second mail takes all the time there is
        return taker(mail)

    until.append(time.monotonic() + 3)
    state = poll(server.account(), State(), takes_its_time, seconds=3)
    assert (state.more, state.trouble, taker.calls) == (True, "", 2)
    state = poll(server.account(), state, taker)
    assert (state.more, state.trouble, taker.texts) == (False, "", [_mail(n) for n in range(3)])


@pytest.mark.parametrize("cut", [60, 400, 700, 1200])
def test_a_connection_that_breaks_anywhere_loses_and_doubles_nothing(server: ImapServer, cut: int):
    server.append(*(_mail(n, 200) for n in range(10)))
    taker = Taker()
    with Gate(server.port, cut_after=[cut, cut + 300]) as gate:
        state = poll(server.account(port=gate.port, done_folder="Done"), State(), taker)
    assert state.trouble == ""
    assert taker.texts == [_mail(n, 200) for n in range(10)]
    assert len(taker.texts) == taker.calls
    assert server.texts() == []
    assert set(server.texts("Done")) == {_mail(n, 200) for n in range(10)}


def test_killed_before_the_state_was_stored_the_keys_tell(server: ImapServer):
    server.append(_mail(1), _mail(2))
    taker = Taker()
    poll(server.account(), State(), taker)
    poll(server.account(), State(), taker)
    assert taker.calls == 4
    assert taker.texts == [_mail(1), _mail(2)]


def test_a_new_uidvalidity_begins_again_and_digests_tell(server: ImapServer):
    server.append(_mail(1), _mail(2))
    taker = Taker()
    state = poll(server.account(), State(), taker)
    server.stop()
    server.start()
    server.append(_mail(1))
    after = poll(server.account(), state, taker)
    assert after.uidvalidity != state.uidvalidity
    assert taker.mails[2].digest == taker.mails[0].digest
    assert taker.mails[2].key != taker.mails[0].key


def test_what_is_too_large_is_handed_over_by_its_head(server: ImapServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(imap, "RAW_MAX", 1000)
    server.append(_mail(1, 5000), _mail(2))
    taker = Taker()
    poll(server.account(), State(), taker)
    large, small = taker.mails
    assert (large.raw, large.size) == (None, len(_mail(1, 5000)))
    assert large.head.startswith(b"Subject: number 1")
    assert small.raw == _mail(2)


def test_many_are_fetched_in_batches(server: ImapServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(imap, "BATCH_MAX", 7)
    monkeypatch.setattr(imap, "_SIZES_AT_ONCE", 20)
    server.append(*(_mail(n) for n in range(45)))
    taker = Taker()
    assert poll(server.account(), State(), taker).trouble == ""
    assert taker.texts == [_mail(n) for n in range(45)]


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_encrypted_connections_check_the_certificate(server: ImapServer, certificate: tuple[Path, Path], tls: str):
    server.append(_mail(1))
    front = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    front.load_cert_chain(*certificate)
    trusting = ssl.create_default_context(cafile=str(certificate[0]))
    with Gate(server.port, tls=front if tls == "implicit" else None) as gate:
        account = server.account(port=gate.port, tls=tls)
        taker = Taker()
        refused = poll(account, State(), taker)
        assert "certificate" in refused.trouble
        assert taker.calls == 0
        assert poll(account, refused, taker, ssl_context=trusting).trouble == ""
        assert taker.texts == [_mail(1)]


def test_trouble_is_a_sentence_and_the_state_is_kept(server: ImapServer):
    known = State(uidvalidity=7, last_uid=99, waiting=(3,))
    taker = Taker()
    wrong = poll(server.account(password="wrong"), known, taker)
    assert wrong == State(7, 99, (3,), "The mail server refused the name or the password.")
    assert "no folder" in poll(server.account(folder="Nowhere"), State(), taker).trouble
    closed = poll(server.account(port=free_port()), known, taker)
    assert closed == State(7, 99, (3,), "The mail server takes no connections at that port.")
    far = poll(Account("mail.example.com", "a", "b", tls="none"), known, taker)
    assert "encrypted" in far.trouble
    assert taker.calls == 0


def test_a_connection_that_breaks_at_the_sign_in_says_nothing_of_the_password(server: ImapServer):
    with Gate(server.port, ends_at=re.compile(rb"(?i)LOGIN")) as gate:
        broken = poll(server.account(port=gate.port), State(), Taker())
    assert "connection" in broken.trouble
    assert gate.connections == 3, "it is tried again"


@pytest.mark.parametrize("instead", [b"* OK [NOTHING 1]", b"* OK [UIDVALIDITY x]", b"* OK [UIDVALIDITY (((", b"* ((("])
def test_a_server_that_talks_nonsense_is_told_of(server: ImapServer, instead: bytes):
    server.append(_mail(1))
    taker = Taker()
    with Gate(server.port, says=(rb"\* OK \[UIDVALIDITY \d+\]", instead)) as gate:
        state = poll(server.account(port=gate.port), State(), taker)
    assert state.trouble
    assert taker.calls == 0


def test_a_server_that_says_nothing_is_given_up(server: ImapServer):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        account = server.account(port=int(silent.getsockname()[1]))
        said = poll(account, State(), Taker(), seconds=1).trouble
    assert said.startswith(("The mail server did not answer", "The connection to the mail server broke"))


def test_a_server_that_hangs_up_before_it_says_anything(server: ImapServer):
    with Gate(server.port, cut_after=[0]) as gate:
        assert poll(server.account(port=gate.port), State(), Taker()).trouble == "", "the next connection may do"
        assert gate.connections == 2
    with Gate(server.port, cut_after=[0] * 9) as gate:
        assert "connection" in poll(server.account(port=gate.port), State(), Taker()).trouble


def test_the_caller_opens_the_connection(server: ImapServer):
    def refuses(host: str, port: int, seconds: float):
        raise PermissionError(13, "private address")

    state = poll(server.account(), State(), Taker(), connect=refuses)
    assert state.trouble
