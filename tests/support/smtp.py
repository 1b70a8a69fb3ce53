"""A real SMTP server in a thread, which takes mail, refuses it, or is slow, as a test says."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

Answer = Callable[["Taken"], "str | None"]


class Taken:
    """One message as it came over the wire."""

    def __init__(self, sender: str, to: list[str], raw: bytes, options: list[str]) -> None:
        self.sender, self.to, self.raw, self.options = sender, to, raw, options

    @property
    def mail(self) -> EmailMessage:
        made = email.message_from_string(self.raw.decode(), policy=email.policy.default)
        assert isinstance(made, EmailMessage)
        return made

    @property
    def message_id(self) -> str:
        return str(self.mail["Message-ID"])


class MailServer:
    """What it has taken is in `taken`. Each list of answers is used up first; None means "taken"."""

    def __init__(self, **options: Any) -> None:
        self.taken: list[Taken] = []
        self.signed_in: list[tuple[str, str]] = []
        self.greeted: list[str] = []
        self.answers: list[str | None] = []
        self.to_recipients: list[str | None] = []
        self.when_taken: Callable[[Taken], None] | None = None
        self.delay = 0.0
        options.setdefault("enable_SMTPUTF8", True)
        self._controller = Controller(self, "127.0.0.1", port=_free_port(), authenticator=self._authenticate, **options)

    @property
    def port(self) -> int:
        return int(self._controller.port)

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]) -> Any:
        session.host_name = hostname
        self.greeted.append(hostname)
        return responses

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        answer = self.to_recipients.pop(0) if self.to_recipients else None
        if answer is not None:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.delay:
            await asyncio.sleep(self.delay)
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            return answer
        made = Taken(envelope.mail_from, envelope.rcpt_tos, envelope.content, envelope.mail_options)
        self.taken.append(made)
        if self.when_taken is not None:
            self.when_taken(made)
        return "250 Taken"

    def _authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        name, password = data.login.decode(), data.password.decode()
        self.signed_in.append((name, password))
        return AuthResult(success=password == "right", handled=False)


@contextmanager
def mail_server(tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[MailServer]:
    """A server that listens on 127.0.0.1; with `tls` it offers STARTTLS."""
    server = MailServer(tls_context=tls, **options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
