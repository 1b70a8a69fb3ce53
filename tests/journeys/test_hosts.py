"""What a client can do to the Host header below HTTP libraries: raw requests to the running server (ADR 28)."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

from tests.support.site import Site


def ask(site: Site, request: str) -> tuple[int, str]:
    address = urlsplit(site.address)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as connection:
        connection.sendall(request.encode("latin-1"))
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while block := connection.recv(65536):
            answer += block
    text = answer.decode("utf-8", "replace")
    return int(text.split(" ", 2)[1]), text


END = "Connection: close\r\n\r\n"


@pytest.mark.parametrize(
    "request_lines",
    [
        "GET /t/acme/sign-in HTTP/1.1\r\nHost: evil.example\r\n",
        "GET /t/acme/sign-in HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n",
        "GET /t/acme/sign-in HTTP/1.1\r\nHost: localhost, evil.example\r\n",
        "GET /t/acme/sign-in HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost\r\n",
        "GET /t/acme/sign-in HTTP/1.1\r\nHost: localhost\revil.example\r\n",
        "GET /t/acme/sign-in HTTP/1.1\r\nHost: localhost\x00.evil.example\r\n",
        "GET /t/acme/sign-in HTTP/1.1\r\nHost : localhost\r\n",
        "GET /t/acme/sign-in HTTP/1.1\r\nHost:\r\n",
        "GET http://localhost/t/acme/sign-in HTTP/1.1\r\nHost: evil.example\r\n",
        "GET /t/acme/sign-in HTTP/1.1\r\nHost: localhost:99999\r\n",
    ],
)
def test_refused(site: Site, request_lines: str) -> None:
    status, text = ask(site, request_lines + END)
    assert status == 400
    assert "evil" not in text
    assert "Sign in to" not in text


@pytest.mark.parametrize(
    "request_lines",
    [
        # The absolute form names a stranger: its host counts for nothing, and stands in nothing we answer.
        "GET http://evil.example/t/acme/sign-in HTTP/1.1\r\nHost: localhost\r\n",
        "GET /t/acme/sign-in HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Host: evil.example\r\n",
        "GET /t/acme/sign-in HTTP/1.1\r\nHost: localhost\r\nSCRIPT_NAME: /evil\r\nScript-Name: /evil\r\n",
    ],
)
def test_believed_by_nobody(site: Site, request_lines: str) -> None:
    status, text = ask(site, request_lines + END)
    assert status in {200, 400}
    assert "evil" not in text


def test_a_line_break_in_the_address_makes_no_header(site: Site) -> None:
    status, text = ask(site, f"GET /t/acme/sign-in%0d%0aSet-Cookie:%20evil=1 HTTP/1.1\r\nHost: localhost\r\n{END}")
    assert status == 404
    assert "Set-Cookie: evil" not in text.partition("\r\n\r\n")[0]
