"""Fetching mail from an IMAP mailbox, so that each mail is handed over and none is lost.

`poll(account, state, handle)` gives the state for the next call; the caller stores it. A mail is marked in the
mailbox only after `handle` returned, and `handle` commits what it made of it. If anything is killed between the
two, the same mail comes again with the same `key`: the caller keeps keys unique, and so nothing is doubled.

UIDs grow and name a mail for as long as the mailbox's UIDVALIDITY stays the same (RFC 3501, 2.3.1.1). When the
server gives it a new one, every mail there is looked at again; `Fetched.digest` tells those that are known.
"""

from __future__ import annotations

import hashlib
import imaplib
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from app.core.errors import FairleadError
from app.gateways.mail.incoming.message import HEADERS_MAX, MEGABYTE, RAW_MAX

_LOG = logging.getLogger(__name__)
STEP_SECONDS = 20.0
DEADLINE_SECONDS = 300.0
BATCH_MAX = 50
BATCH_BYTES = 8 * MEGABYTE
WAITING_MAX = 1000
_SIZES_AT_ONCE = 500
_LITERAL_MAX = RAW_MAX + BATCH_BYTES
_CONNECTIONS = 3

Connect = Callable[[str, int, float], socket.socket]


@dataclass(frozen=True, slots=True)
class Account:
    """A mailbox to fetch from. `tls` is "implicit", "starttls" or "none" (then only to this machine).

    What is done with is marked as seen, and moved to `done_folder` if one is named (made if it is missing).
    """

    host: str
    user: str
    password: str = field(repr=False)
    port: int = 993
    tls: str = "implicit"
    folder: str = "INBOX"
    done_folder: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """Where the last poll ended. `waiting` are mails that could not be handled yet; they are tried at every poll.

    `trouble` is a sentence for people about what went wrong, empty if nothing did. `through`: all that was there was
    looked at all the same. `more`: there is more than could be fetched in time, and nothing is wrong.
    """

    uidvalidity: int | None = None
    last_uid: int = 0
    waiting: tuple[int, ...] = ()
    trouble: str = ""
    through: bool = False
    more: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """A mail from the mailbox. `raw` is None if it is larger than RAW_MAX; `head` then has its first bytes.

    `key` names it in this mailbox, `digest` (SHA-256 in hex) by what it says.
    """

    uidvalidity: int
    uid: int
    size: int
    received: datetime | None
    raw: bytes | None = field(repr=False)
    head: bytes = field(default=b"", repr=False)

    @property
    def key(self) -> str:
        return f"{self.uidvalidity}:{self.uid}"

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.raw if self.raw is not None else self.head).hexdigest()


Handle = Callable[[Fetched], bool]


def poll(
    account: Account,
    state: State,
    handle: Handle,
    *,
    ssl_context: ssl.SSLContext | None = None,
    connect: Connect = lambda host, port, seconds: socket.create_connection((host, port), seconds),
    seconds: float = DEADLINE_SECONDS,
) -> State:
    """Hands over what is new, oldest first, then what waited. Never raises for what a server or network does.

    Args:
        handle: called once for each mail. True: it is done with, and is marked. False, or any exception: it stays
            as it is and waits for the next poll; others are not held up.
        ssl_context: by default the system's certificates are trusted and the host's name is checked.
        connect: opens the connection; whoever lets people name hosts passes one that refuses private addresses.
        seconds: when to stop in any case. What is not reached waits for the next poll.

    A connection that breaks is opened again twice, and goes on where it was.
    """
    visit = _Visit(account, replace(state, trouble="", through=False, more=False), handle, time.monotonic() + seconds)
    trouble = ""
    for _ in range(_CONNECTIONS):
        trouble, again = _tried(account, visit.run, ssl_context, connect, visit.until)
        if not again or time.monotonic() >= visit.until:
            break
    if visit.passed and time.monotonic() >= visit.until:
        return replace(visit.state, more=True)
    return replace(visit.state, trouble=trouble or visit.complaint)


def check(
    account: Account,
    *,
    ssl_context: ssl.SSLContext | None = None,
    connect: Connect = lambda host, port, seconds: socket.create_connection((host, port), seconds),
    seconds: float = STEP_SECONDS,
) -> str:
    """Signs in and opens the folder without touching a mail; what is wrong as a sentence, empty if nothing is."""

    def look(client: IMAPClient) -> None:
        try:
            client.select_folder(account.folder, readonly=True)
        except IMAPClientAbortError:
            raise
        except IMAPClientError as missing:
            raise _Says(f"The mailbox has no folder “{account.folder}”.") from missing

    return _tried(account, look, ssl_context, connect, time.monotonic() + seconds)[0]


def _tried(
    account: Account,
    work: Callable[[IMAPClient], None],
    ssl_context: ssl.SSLContext | None,
    connect: Connect,
    until: float,
) -> tuple[str, bool]:
    """Does it over one connection: what went wrong as a sentence, and whether another connection may do better."""
    if account.tls == "none" and account.host not in ("localhost", "127.0.0.1", "::1"):
        return "Mail is fetched over an encrypted connection only: choose TLS or STARTTLS.", False
    try:
        with _connected(account, ssl_context, connect, until) as client:
            work(client)
            return "", False
    except LoginError as refused:
        if isinstance(refused.__context__, IMAPClientAbortError):
            # The connection broke over it, which says nothing of the password.
            return _sentence(refused.__context__), True
        return "The mail server refused the name or the password.", False
    except _Says as sentence:
        return str(sentence), False
    except FairleadError as refused:
        return refused.message, False
    except ssl.SSLCertVerificationError:
        return "The mail server's certificate is not valid for its name.", False
    except (IMAPClientError, OSError, ValueError) as broken:
        return _sentence(broken), _worth_another(broken)
    except Exception as strange:  # what a server says is read by libraries, which raise what they like
        _LOG.warning("A mail server could not be understood: %s", type(strange).__name__)
        return "The mail server says what cannot be understood.", False


class _Says(Exception):
    """What went wrong, as a sentence."""


class _Visit:
    """One poll, over as many connections as it takes."""

    def __init__(self, account: Account, state: State, handle: Handle, until: float) -> None:
        self.state, self.until = state, until
        self._account, self._handle = account, handle
        self._done_before: set[int] = set()
        self._refused: set[int] = set()
        self._unmarked = False
        self.passed = 0

    def run(self, client: IMAPClient) -> None:
        self._select(client)
        new = self._new(client)
        for batch in self._batches(client, [*new, *(uid for uid in self.state.waiting if uid not in set(new))]):
            fetched = self._fetch(client, batch)
            for uid, size in batch:
                if time.monotonic() >= self.until:
                    raise _Says("There is more mail than could be fetched in time; the rest follows.")
                mail = fetched.get(uid)
                if mail is None:
                    # It was deleted between the two questions, or the server does not give it.
                    self._advance(uid, waits=uid in self._refused)
                elif self._handed_over(replace(mail, size=size)):
                    self._mark(client, uid)
                    self._advance(uid, waits=False)
                else:
                    self._advance(uid, waits=True)
        self.state = replace(self.state, through=True)

    @property
    def complaint(self) -> str:
        """What went wrong without stopping anything."""
        if count := len(self.state.waiting):
            return (
                f"{count} mail{'s' * (count > 1)} could not be taken; they stay at the mail server and are tried again."
            )
        folder = self._account.done_folder
        where = f"moved to “{folder}”" if folder else "marked as read"
        return f"Mail comes in, but the mail server does not let it be {where}." if self._unmarked else ""

    def _select(self, client: IMAPClient) -> None:
        try:
            selected = client.select_folder(self._account.folder)
        except IMAPClientAbortError:
            raise
        except IMAPClientError as missing:
            raise _Says(f"The mailbox has no folder “{self._account.folder}”.") from missing
        if b"UIDVALIDITY" not in selected:
            raise _Says(
                "The mail server does not say how it numbers its mail (UIDVALIDITY): it cannot be fetched from."
            )
        validity = int(selected[b"UIDVALIDITY"])
        if validity != self.state.uidvalidity:
            self.state = State(uidvalidity=validity)

    def _new(self, client: IMAPClient) -> list[int]:
        first = self.state.last_uid + 1
        # "n:*" names the last mail even if its UID is below n (RFC 3501, 6.4.8).
        found = client.search(["UID", f"{first}:*"])
        return sorted(uid for uid in found if uid >= first)

    def _batches(self, client: IMAPClient, uids: list[int]) -> Iterator[list[tuple[int, int]]]:
        """UIDs with their sizes in bytes: few enough to be fetched at once; the size is asked first."""
        for start in range(0, len(uids), _SIZES_AT_ONCE):
            chunk = uids[start : start + _SIZES_AT_ONCE]
            sizes = client.fetch(chunk, ["RFC822.SIZE"])
            batch: list[tuple[int, int]] = []
            total = 0
            for uid in chunk:
                size = int(sizes.get(uid, {}).get(b"RFC822.SIZE", 0))
                if batch and (total + size > BATCH_BYTES or len(batch) >= BATCH_MAX):
                    yield batch
                    batch, total = [], 0
                batch.append((uid, size))
                total += size
            if batch:
                yield batch

    def _fetch(self, client: IMAPClient, batch: list[tuple[int, int]]) -> dict[int, Fetched]:
        whole = [uid for uid, size in batch if size <= RAW_MAX]
        found = self._asked(client, whole, "BODY.PEEK[]")
        mails = {uid: self._fetched(uid, item, b"BODY[]") for uid, item in found.items() if b"BODY[]" in item}
        for uid in (uid for uid, size in batch if size > RAW_MAX):
            item = self._asked(client, [uid], f"BODY.PEEK[]<0.{HEADERS_MAX}>").get(uid)
            if item is not None:
                mails[uid] = self._fetched(uid, item, b"BODY[]<0>")
        return mails

    def _asked(self, client: IMAPClient, uids: list[int], part: str) -> dict[int, dict[bytes, Any]]:
        """What the server gives of these mails. One it refuses, broken in its store, holds up no other."""
        if not uids:
            return {}
        try:
            return dict(client.fetch(uids, [part, "INTERNALDATE"]))
        except IMAPClientAbortError:
            raise
        except IMAPClientError:
            if len(uids) == 1:
                self._refused.add(uids[0])
                return {}
        found: dict[int, dict[bytes, Any]] = {}
        for uid in uids:
            found |= self._asked(client, [uid], part)
        return found

    def _fetched(self, uid: int, item: dict[bytes, Any], part: bytes) -> Fetched:
        data = bytes(item.get(part) or b"")
        received = item.get(b"INTERNALDATE")
        assert self.state.uidvalidity is not None
        whole = part == b"BODY[]"
        return Fetched(
            uidvalidity=self.state.uidvalidity,
            uid=uid,
            size=len(data),
            received=received if isinstance(received, datetime) else None,
            raw=data if whole else None,
            head=b"" if whole else data,
        )

    def _handed_over(self, mail: Fetched) -> bool:
        if mail.uid in self._done_before:
            return True
        try:
            done = self._handle(mail)
        except Exception:
            # One mail that cannot be stored must not keep back the others; it comes again.
            return False
        if done:
            self._done_before.add(mail.uid)
        return done

    def _mark(self, client: IMAPClient, uid: int) -> None:
        """Marks what the caller has stored. If the connection breaks here, it is marked over the next one; if the
        server says no (a full disk, a folder that is read only), it stays where it is: other mail is not held up.
        """
        try:
            self._put_away(client, uid)
        except IMAPClientAbortError:
            raise
        except IMAPClientError:
            self._unmarked = True

    def _put_away(self, client: IMAPClient, uid: int) -> None:
        client.add_flags([uid], [rb"\Seen"], silent=True)
        folder = self._account.done_folder
        if not folder:
            return
        if not client.folder_exists(folder):
            client.create_folder(folder)
        if client.has_capability("MOVE"):
            client.move([uid], folder)
            return
        client.copy([uid], folder)
        client.add_flags([uid], [rb"\Deleted"], silent=True)
        # Without UIDPLUS an expunge takes what others marked as well; then it is left to the server.
        if client.has_capability("UIDPLUS"):
            client.uid_expunge([uid])

    def _advance(self, uid: int, *, waits: bool) -> None:
        waiting = [one for one in self.state.waiting if one != uid]
        if waits:
            waiting.append(uid)
        if len(waiting) > WAITING_MAX:
            raise _Says("Too many mails of this mailbox wait to be stored; no more are fetched until they are.")
        self.state = replace(self.state, last_uid=max(self.state.last_uid, uid), waiting=tuple(waiting))
        self.passed += not waits


class _Client(IMAPClient):
    """IMAPClient over a connection somebody else opened, with a limit on what a server may send at once."""

    def __init__(self, account: Account, sock: socket.socket, context: ssl.SSLContext) -> None:
        self._given = sock
        implicit = account.tls == "implicit"
        super().__init__(
            account.host,
            port=account.port,
            ssl=implicit,
            ssl_context=context if implicit else None,
            timeout=SocketTimeout(connect=STEP_SECONDS, read=STEP_SECONDS),
        )

    def _create_IMAP4(self) -> imaplib.IMAP4:
        return _Imap4(self._given, self.host, self.port)


class _Imap4(imaplib.IMAP4):
    def __init__(self, sock: socket.socket, host: str, port: int) -> None:
        self._given = sock
        super().__init__(host, port)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        return self._given

    def read(self, size: int) -> bytes:
        if size > _LITERAL_MAX:
            raise self.abort("the server sends more than was asked for")
        return super().read(size)


@contextmanager
def _connected(account: Account, given: ssl.SSLContext | None, connect: Connect, until: float) -> Iterator[IMAPClient]:
    """A connection that has signed in, and is cut off at `until`, however slowly the server answers."""
    context = given or ssl.create_default_context()
    sock = connect(account.host, account.port, STEP_SECONDS)
    sock.settimeout(STEP_SECONDS)
    timer = threading.Timer(max(0.1, until - time.monotonic()), _cut, [sock])
    timer.daemon = True
    timer.start()
    client: IMAPClient | None = None
    try:
        if account.tls == "implicit":
            sock = context.wrap_socket(sock, server_hostname=account.host)
            timer.args = [sock]
        client = _Client(account, sock, context)
        if account.tls == "starttls":
            client.starttls(context)
            timer.args = [client.socket()]
        client.login(account.user, account.password)
        yield client
        with suppress(IMAPClientError, OSError):
            client.logout()
    finally:
        timer.cancel()
        with suppress(IMAPClientError, OSError):
            if client is not None:
                client.shutdown()
        with suppress(OSError):
            sock.close()


def _cut(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _worth_another(broken: Exception) -> bool:
    """Whether the connection broke, rather than the server saying no."""
    return isinstance(broken, IMAPClientAbortError | OSError) and not isinstance(broken, socket.gaierror)


def _sentence(broken: Exception) -> str:
    if isinstance(broken, socket.gaierror):
        return "There is no mail server of that name."
    if isinstance(broken, TimeoutError):
        return "The mail server did not answer in time."
    if isinstance(broken, ConnectionRefusedError):
        return "The mail server takes no connections at that port."
    if isinstance(broken, ssl.SSLError):
        return "No encrypted connection to the mail server could be made."
    return f"The connection to the mail server broke ({type(broken).__name__})."
