"""The only way out over HTTP to addresses that people can set: identity providers, webhooks (claim 30).

A name is looked up once, every address it has must be a public one, and the connection goes to the very
address that was checked, so that a name that changes its mind in between leads nowhere. Hosts inside the
operator's network are reached only if OUTBOUND_PRIVATE_HOSTS names them. Redirects, where somebody asks for
them, pass the same checks one by one; proxies of the environment are not used, and answers are limited in
time and size.
"""

from __future__ import annotations

import ipaddress
import os
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

import httpcore2
import httpx2
from flask import current_app

from app.config import Settings
from app.core.errors import FairleadError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]

SECONDS = 10.0
BYTES = 1024 * 1024
PORTS = (443, 8443)
_ADDRESSES_TRIED = 3
_HEADERS = {"User-Agent": "Fairlead", "Accept": "application/json", "Accept-Encoding": "identity"}
# The last part of a name that lookups read as a number: 2130706433, 0x7f.1, 0177.0.0.1 (WHATWG URL, section 3.5).
_NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?")
_NUMERIC_END = re.compile(r"(?:^|\.)(?:\d+|0[xX][0-9a-fA-F]*)\.?$")
# What is inside 2000::/3, where all public addresses are (IANA), and is none, or holds an IPv4 address.
_NOT_PUBLIC = tuple(map(ipaddress.ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Kept here too, as what Python calls global has changed between releases.
_NOT_PUBLIC_V4 = tuple(
    map(
        ipaddress.ip_network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
            *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        ),
    )
)


class Refused(FairleadError):
    """We do not go there; the message says why, for whoever set the address."""

    status = 422
    title = "This address is not used"


class Unreachable(FairleadError):
    """Nobody answered there, or not in a way we can use."""

    status = 502
    title = "No usable answer"


def client(*, timeout: float = SECONDS, redirects: int = 0, most: int = BYTES) -> httpx2.Client:
    """A client whose requests are checked; use it in a `with` block.

    Its requests raise Refused and Unreachable, nothing else.

    Args:
        timeout: seconds for a whole request, lookup and body included.
        redirects: how many are followed; each is checked like the first address.
        most: bytes an answer may have.
    """
    return httpx2.Client(
        transport=transport(timeout=timeout, most=most),
        headers=_HEADERS,
        timeout=timeout,
        follow_redirects=redirects > 0,
        max_redirects=redirects,
        trust_env=False,
    )


def transport(*, timeout: float = SECONDS, most: int = BYTES, resolver: Resolver | None = None) -> httpx2.BaseTransport:
    """What `client` is made of, for a library with an httpx2 client of its own (Authlib), with `trust_env=False`."""
    return _CheckedTransport(_private_hosts(), resolver or look_up, timeout, most)


def get_json(url: str, *, timeout: float = SECONDS) -> Any:
    """What stands at the address, read as JSON. Raises Refused, Unreachable."""
    with client(timeout=timeout) as asking:
        try:
            answer = asking.get(url)
        except httpx2.InvalidURL:
            raise Refused("This is no address of a web page.") from None
        if answer.status_code != 200:
            raise Unreachable(f"{answer.url.host} answered with status {answer.status_code} instead of 200.")
        try:
            return answer.json()
        except ValueError:
            raise Unreachable(f"{answer.url.host} answered, but not with JSON.") from None


def check_url(url: str) -> str:
    """The address without spaces around it, if it looks like one we would go to; nothing is looked up.

    For forms: what the name leads to is checked whenever it is used.

    Raises:
        Refused: says why.
    """
    text = url.strip()
    try:
        parsed = httpx2.URL(text)
    except (httpx2.InvalidURL, ValueError, TypeError):
        raise Refused("This is no address of a web page.") from None
    if len(text) > 2000:
        raise Refused("This address is too long.")
    _check_form(parsed, _private_hosts())
    return text


def connect(host: str, port: int, seconds: float, *, ports: tuple[int, ...]) -> socket.socket:
    """A plain connection to a host that somebody named, checked like every other: for mail servers.

    Raises:
        Refused: the port is none of these, or the host is not one of the public internet.
        OSError: nobody answers there.
    """
    private = _private_hosts()
    if _named(host, port) not in private and port not in ports:
        raise Refused(f"Port {port} is not used for this: choose {' or '.join(map(str, ports))}.")
    until = time.monotonic() + seconds
    try:
        found = _in_time(lambda: look_up(host, port), seconds)
    except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
        raise socket.gaierror(socket.EAI_NONAME, "The name has no address.") from None
    if _named(host, port) not in private and not all(map(is_public, found)):
        raise Refused(f"{host} is not an address on the public internet.")
    trouble: OSError = socket.gaierror(socket.EAI_NONAME, "The name has no address.")
    for address in found[:_ADDRESSES_TRIED]:
        try:
            return socket.create_connection((address, port), max(0.1, until - time.monotonic()))
        except OSError as failed:
            trouble = failed
    raise trouble


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet.

    An IPv4 address inside an IPv6 one (mapped, NAT64) is looked at itself; 6to4 and Teredo are never public.
    """
    try:
        parsed: Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped
        if inner is None and parsed in _NAT64:
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner is None:
            outside = parsed not in _GLOBAL_UNICAST or any(parsed in network for network in _NOT_PUBLIC)
            return not outside and "%" not in address
        parsed = inner
    return parsed.is_global and not any(parsed in network for network in _NOT_PUBLIC_V4)


def look_up(host: str, port: int) -> list[str]:
    """All IP addresses of a name, as the machine resolves it. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@lru_cache(maxsize=8)
def _authorities(file: str | None, directory: str | None) -> ssl.SSLContext:
    """The machine's authorities, or those of SSL_CERT_FILE and SSL_CERT_DIR; read once, which takes 20 ms."""
    return httpx2.create_ssl_context(trust_env=True)


class _CheckedTransport(httpx2.HTTPTransport):
    """The library's transport on our own network backend, one connection a request."""

    def __init__(self, private: frozenset[str], resolver: Resolver, timeout: float, most: int) -> None:
        tls = _authorities(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        super().__init__(verify=tls, trust_env=False)
        self._private, self._most = private, most
        self._pool = httpcore2.ConnectionPool(
            ssl_context=tls,
            max_connections=10,
            max_keepalive_connections=0,
            network_backend=_CheckedBackend(private, resolver, timeout),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        _check_form(request.url, self._private)
        request.headers["Accept-Encoding"] = "identity"
        host = request.url.host
        try:
            response = super().handle_request(request)
        except (httpx2.TransportError, httpcore2.NetworkError, httpcore2.TimeoutException, OSError) as error:
            raise _unreachable(host, error) from error
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            # A few bytes of it can be gigabytes.
            response.close()
            raise Unreachable(f"{host} sent a compressed answer, which was not asked for.")
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _Limited(response.stream, host, self._most)
        return response


class _Limited(httpx2.SyncByteStream):
    """A body that ends with an error when it grows too large."""

    def __init__(self, body: httpx2.SyncByteStream, host: str, most: int) -> None:
        self._body, self._host, self._most = body, host, most

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        try:
            for part in self._body:
                size += len(part)
                if size > self._most:
                    raise Unreachable(f"The answer of {self._host} is too large.")
                yield part
        except (httpx2.TransportError, httpcore2.NetworkError, httpcore2.TimeoutException, OSError) as error:
            raise _unreachable(self._host, error) from error

    def close(self) -> None:
        self._body.close()


class _CheckedBackend(httpcore2.NetworkBackend):
    """Looks a name up, checks all it leads to, and connects to what it checked."""

    def __init__(self, private: frozenset[str], resolver: Resolver, timeout: float) -> None:
        self._private, self._resolver, self._timeout = private, resolver, timeout
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        until = time.monotonic() + self._timeout
        found = _in_time(lambda: self._resolver(host, port), self._timeout)
        if _named(host, port) not in self._private and not all(map(is_public, found)):
            raise Refused(f"{host} is not an address on the public internet.")
        trouble: Exception = httpcore2.ConnectError("The name has no address.")
        for address in found[:_ADDRESSES_TRIED]:
            try:
                stream = self._sockets.connect_tcp(address, port, _left(until), socket_options=socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as failed:
                trouble = failed
            else:
                return _TimedStream(stream, until)
        raise trouble

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        raise Refused("Sockets of this machine are not used.")

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class _TimedStream(httpcore2.NetworkStream):
    """A connection that ends at a fixed time, however busy the other side looks."""

    def __init__(self, stream: httpcore2.NetworkStream, until: float) -> None:
        self._stream, self._until = stream, until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._until))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._until))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, _left(self._until)), self._until)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _check_form(url: httpx2.URL, private: frozenset[str]) -> None:
    """What can be seen without looking anything up. Raises Refused."""
    host = url.raw_host.decode("ascii")
    if url.scheme not in ("http", "https") or not host:
        raise Refused("Use an address that begins with https://.")
    if url.userinfo:
        raise Refused("Leave the user name and password out of the address.")
    port = url.port or (443 if url.scheme == "https" else 80)
    if _named(host, port) in private:
        return
    if url.scheme != "https":
        raise Refused("Use an address that begins with https://.")
    if port not in PORTS:
        raise Refused(f"Port {port} is not used: an address may name {' or '.join(map(str, PORTS))}.")
    literal = _literal(host)
    if literal is None and (_NUMERIC_END.search(host) or not _NAME.fullmatch(host)):
        raise Refused("Write the address with the name of the host.")
    if (literal is not None and not is_public(literal)) or _is_local_name(host):
        raise Refused(f"{host} is not an address on the public internet.")


def _literal(host: str) -> str | None:
    """The host if it is an IP address in its one usual spelling."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return None
    return host


def _is_local_name(host: str) -> bool:
    """Names that never lead outside (RFC 6761, RFC 6762, RFC 8375)."""
    name = host.rstrip(".").lower()
    return name.endswith((".localhost", ".local", ".internal", ".home.arpa")) or name == "localhost"


def _named(host: str, port: int) -> str:
    """As OUTBOUND_PRIVATE_HOSTS writes it."""
    return f"[{host}]:{port}" if ":" in host else f"{host.lower()}:{port}"


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("The time for this request is over.")
    return left


def _in_time(call: Callable[[], list[str]], seconds: float) -> list[str]:
    """What `call` returns; a lookup cannot be told to give up, so it is left behind."""
    done: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put(call())
        except Exception as error:
            done.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        found = done.get(timeout=seconds)
    except queue.Empty:
        raise httpcore2.ConnectTimeout("The lookup took too long.") from None
    if isinstance(found, UnicodeError | OSError):
        raise httpcore2.ConnectError("The name has no address.") from found
    if isinstance(found, Exception):
        raise found
    return found


def _unreachable(host: str, error: Exception) -> Unreachable:
    if isinstance(error, httpx2.TimeoutException | httpcore2.TimeoutException):
        return Unreachable(f"{host} did not answer in time.")
    if "CERTIFICATE" in str(error).upper():
        return Unreachable(f"The certificate of {host} is not valid.")
    return Unreachable(f"{host} could not be reached.")


def _private_hosts() -> frozenset[str]:
    settings: Settings = current_app.extensions["fairlead.settings"]
    return frozenset(settings.outbound_private_hosts)
