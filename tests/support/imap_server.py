"""An IMAP server as a process (pymap, in memory), and a gate in front of it that speaks TLS or breaks off.

with ImapServer() as server:
    server.append(b"Subject: Hi\\r\\n\\r\\nHello")
    server.account()                    an Account that fetches from it
    with Gate(server.port, cut_after=[500]) as gate: ...      the first connection ends after 500 bytes
"""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Self

from imapclient import IMAPClient

from app.gateways.mail.incoming.imap import Account
from tests.support.waiting import PATIENCE

_USER, _PASSWORD = "support@acme.example", "correct horse"
_START_SECONDS = PATIENCE


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ImapServer:
    """A server that runs. Stopped and started again, its mailboxes are empty and have another UIDVALIDITY."""

    def __init__(self, cert: Path | None = None, key: Path | None = None) -> None:
        self.port = free_port()
        self._tls = ["--cert", str(cert), "--key", str(key)] if cert and key else []
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        program = Path(sys.executable).parent / "pymap"
        backend = ["dict", "--demo-user", _USER, "--demo-password", _PASSWORD]
        command = [str(program), "--host", "127.0.0.1", "--port", str(self.port), *self._tls, *backend]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + _START_SECONDS
        while True:
            assert self._process.poll() is None, "the IMAP server ended"
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert time.monotonic() < until, "the IMAP server did not start"
            time.sleep(0.05)  # between two looks at a port another process opens

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def account(self, **changes: object) -> Account:
        plain = Account("127.0.0.1", _USER, _PASSWORD, port=self.port, tls="none")
        return replace(plain, **changes)  # type: ignore[arg-type]

    def client(self) -> IMAPClient:
        made = IMAPClient("127.0.0.1", self.port, ssl=False)
        made.login(_USER, _PASSWORD)
        return made

    def append(self, *messages: bytes, folder: str = "INBOX") -> None:
        with self.client() as client:
            for message in messages:
                client.append(folder, message)

    def texts(self, folder: str = "INBOX") -> list[bytes]:
        """What is in a folder."""
        with self.client() as client:
            client.select_folder(folder, readonly=True)
            found = client.fetch(client.search("ALL"), ["BODY.PEEK[]"])
            return [item[b"BODY[]"] for _, item in sorted(found.items())]

    def seen(self, folder: str = "INBOX") -> int:
        with self.client() as client:
            client.select_folder(folder, readonly=True)
            return len(client.search("SEEN"))


class Gate:
    """Passes connections on to a port. `cut_after`: for each connection in turn, the bytes of answers it may give;
    `refuses`: commands that are answered with NO, and never reach the server; `ends_at`: those it hangs up at.
    `says`: what the server says at last, and what is said instead.
    """

    def __init__(
        self,
        port: int,
        *,
        tls: ssl.SSLContext | None = None,
        cut_after: list[int] | None = None,
        refuses: re.Pattern[bytes] | None = None,
        ends_at: re.Pattern[bytes] | None = None,
        says: tuple[bytes, bytes] | None = None,
    ) -> None:
        self._target, self._tls, self._cuts = port, tls, list(cut_after or [])
        self._refuses, self._ends_at, self._says = refuses, ends_at, says
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.connections = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                inner, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=[inner], daemon=True).start()

    def _serve(self, inner: socket.socket) -> None:
        left = self._cuts.pop(0) if self._cuts else None
        with suppress(OSError):
            if self._tls is not None:
                inner = self._tls.wrap_socket(inner, server_side=True)
            outer = socket.create_connection(("127.0.0.1", self._target))
            threading.Thread(target=self._ask, args=[inner, outer], daemon=True).start()
            if self._says is None:
                _pump(outer, inner, left)
            else:
                for line in outer.makefile("rb"):
                    inner.sendall(re.sub(self._says[0], self._says[1], line))

    def _ask(self, inner: socket.socket, outer: socket.socket) -> None:
        """Passes on a client's commands, a line each, but for those that are not to get through."""
        if self._refuses is None and self._ends_at is None:
            _pump(inner, outer, None)
            return
        with suppress(OSError):
            for line in inner.makefile("rb"):
                if self._ends_at is not None and self._ends_at.search(line):
                    inner.shutdown(socket.SHUT_RDWR)
                elif self._refuses is not None and self._refuses.search(line):
                    inner.sendall(line.split(b" ", 1)[0] + b" NO refused\r\n")
                else:
                    outer.sendall(line)


def _pump(source: socket.socket, target: socket.socket, left: int | None) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data if left is None else data[:left])
            if left is not None:
                left -= len(data)
                if left <= 0:
                    break
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
