"""Where mail is handed over: an SMTP server, or a folder on a workstation.

A transport raises `TryAgain` for what may pass (4xx, no connection), `Refused` for what never will (5xx).
"""

from __future__ import annotations

import mailbox
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import parse_qs, unquote, urlsplit

from app.config import ConfigurationError

STEP_SECONDS = 10.0
# For one message with everything around it. A server that answers a byte at a time is not waited for longer.
DEADLINE_SECONDS = 25.0
_PORTS = {"smtp": 587, "smtps": 465}


class TryAgain(Exception):
    """It could not be handed over now. `everything`: nor could any other mail, so stop asking for a while."""

    def __init__(self, reason: str, *, everything: bool = False) -> None:
        super().__init__(reason)
        self.everything = everything


class Refused(Exception):
    """It will never be taken; the text is the server's answer."""


class Transport(Protocol):
    """One conversation, for as many messages as there are."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def send(self, sender: str, to: str, raw: bytes) -> None:
        """Returns once the other side has taken it. Raises TryAgain, Refused."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """What SMTP_URL says. `tls` is "starttls", "implicit" or "none"."""

    host: str
    port: int
    tls: str
    user: str = ""
    password: str = ""


def made(url: str, own_name: str) -> Transport | None:
    """The transport an address names; None for the empty one. `own_name` is how we greet servers.

    Raises:
        ConfigurationError: the address cannot be used.
    """
    if not url:
        return None
    if url.startswith("maildir:"):
        return Folder(Path(url.removeprefix("maildir:")))
    return Smtp(parse(url), own_name)


def parse(url: str) -> SmtpServer:
    """``smtp://user:password@host:587?tls=starttls`` (or ``tls=none``), or ``smtps://host``.

    STARTTLS is asked for unless the address says none, and a password never travels in the clear.

    Raises:
        ConfigurationError: it is no such address; the message does not repeat it, as it holds a password.
    """
    parts = urlsplit(url)
    try:
        port = parts.port or _PORTS[parts.scheme]
    except (KeyError, ValueError) as wrong:
        raise ConfigurationError("SMTP_URL is smtp://user:password@host:587 or smtps://host.") from wrong
    tls = "implicit" if parts.scheme == "smtps" else parse_qs(parts.query).get("tls", ["starttls"])[-1]
    if not parts.hostname or tls not in ("starttls", "implicit", "none"):
        raise ConfigurationError("SMTP_URL is smtp://user:password@host:587?tls=starttls; tls is starttls or none.")
    if tls == "none" and parts.password and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ConfigurationError("SMTP_URL would send its password in the clear: leave out tls=none.")
    return SmtpServer(parts.hostname, port, tls, unquote(parts.username or ""), unquote(parts.password or ""))


class Folder:
    """A Maildir, for workstations and tests: what would leave can be read there."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def send(self, sender: str, to: str, raw: bytes) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            mailbox.Maildir(self._path, create=True).add(raw)
        except OSError as full:
            raise TryAgain(f"The folder of mail cannot be written: {full.strerror}.", everything=True) from full


class Smtp:
    """A mail server, by the standard library's client. Connects at the first message, and again after trouble."""

    def __init__(self, server: SmtpServer, own_name: str) -> None:
        self._server, self._own_name = server, own_name
        self._client: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._client.quit()
        self._hang_up()

    def send(self, sender: str, to: str, raw: bytes) -> None:
        try:
            with self._in_time():
                self._hand_over(self._connected(), sender, to, raw)
        except smtplib.SMTPRecipientsRefused as refused:
            raise _verdict(*next(iter(refused.recipients.values()))) from None
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPHeloError, smtplib.SMTPConnectError) as refused:
            # Not this mail's fault: they will not talk to us at all.
            self._hang_up()
            raise TryAgain(f"{refused.smtp_code} {_text(refused.smtp_error)}", everything=True) from None
        except smtplib.SMTPResponseException as refused:
            if refused.smtp_code == 421:
                self._hang_up()
            raise _verdict(refused.smtp_code, refused.smtp_error) from None
        except smtplib.SMTPNotSupportedError as lacking:
            raise TryAgain(str(lacking), everything=True) from None
        except (smtplib.SMTPException, OSError) as broken:
            self._hang_up()
            raise TryAgain(f"The mail server did not answer: {_what(broken)}.", everything=True) from None

    def _hand_over(self, client: smtplib.SMTP, sender: str, to: str, raw: bytes) -> None:
        options: tuple[str, ...] = ()
        if not (to.isascii() and raw.partition(b"\r\n\r\n")[0].isascii()):
            client.ehlo_or_helo_if_needed()
            if client.has_extn("smtputf8"):
                options = ("SMTPUTF8", "BODY=8BITMIME")
            elif not to.isascii():
                raise Refused("The mail server takes no addresses with letters outside ASCII (SMTPUTF8).")
        client.sendmail(sender, [to], raw, mail_options=options)

    def _connected(self) -> smtplib.SMTP:
        if self._client is not None:
            return self._client
        server = self._server
        if server.tls == "implicit":
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                local_hostname=self._own_name, timeout=STEP_SECONDS, context=ssl.create_default_context()
            )
        else:
            client = smtplib.SMTP(local_hostname=self._own_name, timeout=STEP_SECONDS)
        # Known before it is connected, so that the deadline can cut it off while it greets.
        self._client = client
        # What connect() leaves unsaid when it is called by itself: the name that the certificate must have.
        client._host = server.host  # type: ignore[attr-defined]
        code, greeting = client.connect(server.host, server.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, greeting)
        if server.tls == "starttls":
            client.starttls(context=ssl.create_default_context())
        if server.user:
            client.login(server.user, server.password)
        return client

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """Cuts the connection at the deadline; whoever waits for the server then gets an error."""
        timer = threading.Timer(DEADLINE_SECONDS, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        sock = self._client.sock if self._client is not None else None
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def _verdict(code: int, answer: bytes | str) -> TryAgain | Refused:
    text = f"{code} {_text(answer)}"
    return Refused(text) if 500 <= code < 600 else TryAgain(text, everything=code == 421)


def _text(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer


def _what(error: Exception) -> str:
    """The kind of trouble, without the address that some messages carry."""
    if isinstance(error, TimeoutError):
        return "time-out"
    if isinstance(error, ssl.SSLError):
        return f"TLS, {error.reason or type(error).__name__}"
    return error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
