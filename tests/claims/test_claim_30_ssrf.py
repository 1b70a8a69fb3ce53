"""Claim 30: no address that people can set makes us connect to anything inside.

A real server listens on every loopback address; it must see no connection.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress

import httpx2
import pytest

from app.gateways import web
from app.gateways.web import Refused, Unreachable
from tests.support.certificates import certificate
from tests.support.servers import with_settings


class Listener:
    """A TCP server on IPv4 and IPv6 that counts who connects, and says what it is told to say."""

    def __init__(self, say=None, tls=None):
        self.connections, self._tls = [], tls
        self._say = say or (lambda connection: None)
        self._socket = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, address = self._socket.accept()
            except OSError:
                return
            self.connections.append(address)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with connection, suppress(OSError):
            spoken = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
            spoken.recv(65536)
            self._say(spoken)

    def close(self):
        self._socket.close()


@contextmanager
def listening(say=None, tls=None):
    server = Listener(say, tls)
    try:
        yield server
    finally:
        server.close()


def says(body=b"{}", status="200 OK", headers=""):
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}Connection: close\r\n\r\n"
    return lambda connection: connection.sendall(head.encode() + body)


@pytest.fixture
def allow(app, settings):
    """`allow("127.0.0.1:99")`: the operator names these hosts."""

    def use(*hosts):
        app.extensions["fairlead.settings"] = with_settings(settings, outbound_private_hosts=hosts)

    yield use
    app.extensions["fairlead.settings"] = settings


LOOPBACK = (
    *("127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.0.0.1", "0X7F.1"),
    *("0177.0.0.1", "017700000001", "0x7f.0x0.0x0.0x1", "0", "0.0.0.0", "0x0", "localhost", "LOCALHOST", "localhost."),
    *("127.0.0.1.", "a.localhost", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
    *("[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "[::1%25lo]"),
    *("①②⑦.⓪.⓪.①", "127。0。0。1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "127.0.0.1%2eexample.com", "%31%32%37.0.0.1"),
)
INSIDE = (
    *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.255"),
    *("192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "0.1.2.3"),
    *("255.255.255.255", "192.88.99.1", "[fc00::1]", "[fd12:3456::1]", "[fe80::1]", "[fec0::1]", "[ff02::1]"),
    *("[2001:db8::1]", "[2001::1]", "[2002:a00:1::]", "[64:ff9b::a00:1]", "[::ffff:10.0.0.1]", "[100::1]"),
    *("metadata.google.internal", "printer.local", "router.home.arpa"),
)


@pytest.mark.parametrize("host", [*LOOPBACK, *INSIDE])
def test_claim_30_every_spelling_is_refused_without_a_connection(app_context, host):
    with listening() as inside, listening() as other:
        for url in (
            f"https://{host}:{inside.port}/",
            f"http://{host}:{inside.port}/",
            f"http://{host}/",
            f"https://{host}/.well-known/openid-configuration",
            f"https://{host}:443/",
            f"https://good.example:443@{host}:{other.port}/",
        ):
            with pytest.raises((Refused, Unreachable)):
                web.get_json(url)
        assert inside.connections + other.connections == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "localhost", "::1", "::ffff:127.0.0.1"]
)
def test_claim_30_the_check_is_on_the_address_not_on_its_spelling(app_context, host):
    """The backend alone, as if every check of the text had let it through, on the very port that listens."""
    backend = web._CheckedBackend(frozenset(), web.look_up, 2)
    with listening() as inside:
        with pytest.raises(Refused):
            backend.connect_tcp(host, inside.port)
        assert inside.connections == []


@pytest.mark.parametrize(
    "answers", [["127.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["::1"], ["10.0.0.1"], ["nonsense"]]
)
def test_claim_30_a_name_that_leads_inside(app_context, answers):
    """One private address among public ones is enough to refuse them all."""
    leading = web.transport(resolver=lambda host, port: answers)
    with httpx2.Client(transport=leading, trust_env=False) as client, pytest.raises(Refused, match="public internet"):
        client.get("https://rebound.example/")


def test_claim_30_a_name_that_changes_its_mind(app_context):
    """Public when it is checked, loopback right after: asked once, and the connection goes where the check went."""
    answers = [["198.41.0.4"], ["127.0.0.1"], ["127.0.0.1"]]
    asked, went = [], []

    def resolver(host, port):
        asked.append(host)
        return answers[len(asked) - 1]

    class Recording:
        def connect_tcp(self, address, port, *args, **kwargs):
            went.append(address)
            raise web.httpcore2.ConnectError("not really")

    backend = web._CheckedBackend(frozenset(), resolver, 2)
    backend._sockets = Recording()
    with pytest.raises(web.httpcore2.ConnectError):
        backend.connect_tcp("rebound.example", 443)
    assert (asked, went) == (["rebound.example"], ["198.41.0.4"])
    with pytest.raises(Refused):
        backend.connect_tcp("rebound.example", 443)
    assert went == ["198.41.0.4"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "ftp://a.example/",
        "file:///etc/passwd",
        "gopher://a.example/",
        "unix:///tmp/x",
        "//a.example/",
        "https://",
        "https://a.example:22/",
        "https://a.example:6379/",
        "https://a.example:80/",
        "http://a.example/",
        "https://user:pass@a.example/",
        "https://a.example\\@127.0.0.1/",
        "https://a b/",
        "https://[::1/",
        "https://a.example:99999/",
    ],
)
def test_claim_30_other_schemes_ports_and_names(app_context, url):
    for use in (web.get_json, web.check_url):
        with pytest.raises(Refused):
            use(url)


def test_claim_30_a_form_says_so_before_anything_is_stored(app_context):
    assert web.check_url(" https://login.example.com/realms/a ") == "https://login.example.com/realms/a"
    assert web.check_url("https://login.example.com:8443/") == "https://login.example.com:8443/"
    for host in ("127.0.0.1", "2130706433", "[::1]", "10.1.2.3", "localhost"):
        with pytest.raises(Refused):
            web.check_url(f"https://{host}/")


def test_claim_30_a_redirect_inside(app_context, allow):
    with listening() as inside:
        with listening(
            says(status="302 Found", headers=f"Location: http://127.0.0.1:{inside.port}/secret\r\n")
        ) as outside:
            allow(f"localhost:{outside.port}")
            url = f"http://localhost:{outside.port}/"
            with web.client() as client:
                assert client.get(url).status_code == 302, "redirects are not followed unless asked for"
            with web.client(redirects=3) as client, pytest.raises(Refused):
                client.get(url)
            with pytest.raises(Unreachable, match="status 302"):
                web.get_json(url)
            assert len(outside.connections) == 3
        assert inside.connections == []


def test_claim_30_redirects_that_never_end(app_context, allow):
    with listening(lambda connection: says(status="302 Found", headers="Location: /again\r\n")(connection)) as server:
        allow(f"127.0.0.1:{server.port}")
        with web.client(redirects=3) as client, pytest.raises(httpx2.TooManyRedirects):
            client.get(f"http://127.0.0.1:{server.port}/")
        assert len(server.connections) == 4


def test_claim_30_what_the_operator_names_is_reached(app_context, allow):
    with listening(says(b'{"issuer": "x"}')) as server:
        allow(f"127.0.0.1:{server.port}")
        assert web.get_json(f"http://127.0.0.1:{server.port}/") == {"issuer": "x"}
        for other in (
            f"http://127.0.0.2:{server.port}/",
            f"http://localhost:{server.port}/",
            f"http://127.1:{server.port}/",
        ):
            with pytest.raises(Refused):
                web.get_json(other)
        assert len(server.connections) == 1


def test_claim_30_proxies_of_the_environment_are_not_used(app_context, allow, monkeypatch):
    with listening() as proxy, listening(says()) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        allow(f"127.0.0.1:{server.port}")
        assert web.get_json(f"http://127.0.0.1:{server.port}/") == {}
        assert proxy.connections == []


@pytest.mark.parametrize("slow", ["silence", "head", "body"])
def test_claim_30_an_answer_a_byte_at_a_time(app_context, allow, slow):
    def drip(connection):
        text = {
            "silence": b"",
            "head": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 5_000,
            "body": b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5_000,
        }
        for byte in text[slow]:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)  # the point of the test
        connection.recv(1)

    with listening(drip) as server:
        allow(f"127.0.0.1:{server.port}")
        began = time.monotonic()
        with pytest.raises(Unreachable, match="did not answer in time"):
            web.get_json(f"http://127.0.0.1:{server.port}/", timeout=1)
        assert time.monotonic() - began < 25, "it takes minutes to its end"


def test_claim_30_a_lookup_that_hangs(app_context):
    gone = threading.Event()
    began = time.monotonic()
    slow = web.transport(timeout=0.5, resolver=lambda host, port: gone.wait(120) and [])
    with httpx2.Client(transport=slow, trust_env=False) as client, pytest.raises(Unreachable, match="in time"):
        client.get("https://slow.example/")
    gone.set()
    assert time.monotonic() - began < 20


def test_claim_30_a_huge_answer(app_context, allow):
    sent = []

    def pour(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(200):
            connection.sendall(b"x" * 1_000_000)
            sent.append(1)

    with listening(pour) as server:
        allow(f"127.0.0.1:{server.port}")
        with pytest.raises(Unreachable, match="too large"):
            web.get_json(f"http://127.0.0.1:{server.port}/")
    assert len(sent) < 50, "it was read to the end"


def test_claim_30_huge_headers_and_compressed_answers(app_context, allow):
    with listening(says(headers="X: " + "x" * 500_000 + "\r\n")) as server:
        allow(f"127.0.0.1:{server.port}")
        with pytest.raises(Unreachable):
            web.get_json(f"http://127.0.0.1:{server.port}/")
    with listening(says(b"\x1f\x8b", headers="Content-Encoding: gzip\r\n")) as server:
        allow(f"127.0.0.1:{server.port}")
        with pytest.raises(Unreachable, match="compressed"):
            web.get_json(f"http://127.0.0.1:{server.port}/")


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"\xff\xfe"])
def test_an_answer_that_is_no_json(app_context, allow, body):
    with listening(says(body)) as server:
        allow(f"127.0.0.1:{server.port}")
        with pytest.raises(Unreachable, match="not with JSON"):
            web.get_json(f"http://127.0.0.1:{server.port}/")


def test_nobody_there(app_context, allow):
    with listening() as server:
        port = server.port
    allow(f"127.0.0.1:{port}")
    with pytest.raises(Unreachable, match="could not be reached"):
        web.get_json(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_public_addresses_are_public(address):
    assert web.is_public(address)


def test_a_certificate_of_somebody_else(app_context, allow, tmp_path, monkeypatch):
    """TLS is checked against the name of the address, though the connection goes to a number."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    names = certificate(tmp_path, "other.example")
    tls.load_cert_chain(*names)
    with listening(says(), tls) as server:
        allow(f"localhost:{server.port}")
        with pytest.raises(Unreachable, match="certificate"):
            web.get_json(f"https://localhost:{server.port}/")
        monkeypatch.setenv("SSL_CERT_FILE", str(names[0]))
        with pytest.raises(Unreachable, match="certificate"):
            web.get_json(f"https://localhost:{server.port}/")


def test_a_certificate_of_an_authority_of_ours(app_context, allow, tmp_path, monkeypatch):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    names = certificate(tmp_path, "localhost")
    tls.load_cert_chain(*names)
    monkeypatch.setenv("SSL_CERT_FILE", str(names[0]))
    with listening(says(), tls) as server:
        allow(f"localhost:{server.port}")
        assert web.get_json(f"https://localhost:{server.port}/") == {}


def test_a_library_with_a_client_of_its_own(app_context, allow, oidc_provider):
    """Authlib's client is an httpx2 client: it takes the transport, and meets the same walls."""
    allow(oidc_provider.host)
    with httpx2.Client(transport=web.transport(), trust_env=False) as client:
        assert client.get(oidc_provider.discovery).json()["issuer"] == oidc_provider.issuer
    authlib = pytest.importorskip("authlib.integrations.httpx_client")
    with authlib.OAuth2Client("fairlead", "x", transport=web.transport(), trust_env=False) as client:
        token = {"access_token": "x", "token_type": "Bearer"}
        client.token = token
        assert client.get(oidc_provider.discovery).json()["issuer"] == oidc_provider.issuer
        with pytest.raises(Refused):
            client.get("https://127.0.0.1/")
        with pytest.raises(Refused):
            client.fetch_token("https://10.0.0.1/token", code="x")
