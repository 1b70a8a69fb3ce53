"""`make run`: the servers, the migrations, sample data, then every process of the Procfile, in one log.

Ctrl-C (or SIGTERM) stops all of it, the servers included, within half a minute at the very most. If one
process ends, the others are stopped too. HOST and PORT move the address; DATABASE_URL and REDIS_URL replace
the embedded servers.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import psutil  # noqa: E402
from honcho.colour import get_colours  # noqa: E402
from honcho.environ import parse_procfile  # noqa: E402
from honcho.printer import Message, Printer  # noqa: E402

from app.embedded import EmbeddedServerError, ensure_servers, stop_servers  # noqa: E402

STATE = Path(os.environ.get("FAIRLEAD_STATE", ROOT / "var")).resolve()
HOST = os.environ.get("HOST") or "127.0.0.1"
# From asking the processes to end to making them.
PATIENCE = 8.0
PRINT_LOCK = threading.Lock()


class CannotStartError(Exception):
    """Something is in the way; the message says what, and what to do."""


class Stopped(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal."""


def main() -> int:
    """Run until stopped; 0 when stopped as asked."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        port = wanted_port()
        check_port(port)
        with servers():
            return run(port)
    except (CannotStartError, EmbeddedServerError) as error:
        print(f"\n{error}\n", file=sys.stderr)
        return 1
    except Stopped:
        print("Stopped.", flush=True)
        return 0


def run(port: int) -> int:
    """Prepare the database, then run the Procfile until a process ends or we are stopped."""
    environment = os.environ | {
        "HOST": HOST,
        "PORT": str(port),
        "FAIRLEAD_STATE": str(STATE),
        "PATH": f"{ROOT / '.venv/bin'}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONUNBUFFERED": "1",
    }
    environment.setdefault("WEB_GRACE", "3")
    sign_ins = STATE / "sign-ins.txt"
    preparing = start("prepare", [sys.executable, str(ROOT / "deploy/local/prepare.py"), str(sign_ins)], environment)
    with ending([preparing]):
        if preparing.wait() != 0:
            raise CannotStartError("The database could not be prepared: the lines above say why.")
    commands = parse_procfile((ROOT / "Procfile").read_text()).processes
    processes: dict[str, subprocess.Popen[bytes]] = {}
    printer = Printer(sys.stdout, width=max(map(len, commands)))
    colours = get_colours()
    with ending(processes.values()):
        for name, command in commands.items():
            processes[name] = start(name, ["/bin/sh", "-c", f"exec {command}"], environment, piped=True)
            show = threading.Thread(target=relay, args=(processes[name], name, next(colours), printer), daemon=True)
            show.start()
        announce(port, sign_ins, processes)
        while True:
            for name, process in processes.items():
                if process.poll() is not None:
                    ended = f"The process {name} ended by itself (status {process.returncode})"
                    print(f"\n{ended}; stopping the others.", flush=True)
                    return 1
            time.sleep(0.2)


def start(
    name: str, command: list[str], environment: dict[str, str], *, piped: bool = False
) -> subprocess.Popen[bytes]:
    """Start a process in its own group, so that Ctrl-C reaches only us, who end it in order."""
    try:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if piped else None,
            stderr=subprocess.STDOUT if piped else None,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
    except OSError as error:
        raise CannotStartError(f"The process {name} could not be started: {error}") from error


def end_with_parent() -> None:
    """In the new process: ask Linux to end it should we be killed without a chance to do so."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def relay(process: subprocess.Popen[bytes], name: str, colour: str, printer: Printer) -> None:
    """Print what a process says, a line at a time, with its name in front."""
    assert process.stdout
    for line in process.stdout:
        with PRINT_LOCK, suppress(OSError):
            printer.write(Message(type="line", data=line, time=datetime.now(), name=name, colour=colour))  # noqa: DTZ005


@contextmanager
def ending(processes: Iterator[subprocess.Popen[bytes]] | list[subprocess.Popen[bytes]]) -> Iterator[None]:
    """However the block ends, end the processes with all their children."""
    try:
        yield
    finally:
        _ignore_signals()
        running = [process for process in processes if _signal_group(process, signal.SIGTERM)]
        until = time.monotonic() + PATIENCE
        while running and time.monotonic() < until:
            running = [process for process in running if process.poll() is None]
            time.sleep(0.05)
        for process in processes:
            # Whoever is left, also children whose parent has gone.
            _signal_group(process, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                process.wait(2)
        _heed_signals()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> bool:
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


@contextmanager
def servers() -> Iterator[None]:
    """The embedded servers, where none are named; the last `make run` that uses them stops them."""
    STATE.mkdir(parents=True, exist_ok=True)
    if "DATABASE_URL" in os.environ and "REDIS_URL" in os.environ:
        yield
        return
    with (STATE / "run.lock").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            ensure_servers(STATE, pg_version=int(os.environ.get("FAIRLEAD_PG", "18")))
            yield
        finally:
            _ignore_signals()
            with suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                stop_servers(STATE)


def announce(port: int, sign_ins: Path, processes: dict[str, subprocess.Popen[bytes]]) -> None:
    """Once pages are answered, say where, and who may sign in."""
    until = time.monotonic() + 60
    while not answers(port) and time.monotonic() < until:
        if any(process.poll() is not None for process in processes.values()):
            return
        time.sleep(0.05)
    shown = "localhost" if HOST in ("0.0.0.0", "::", "127.0.0.1", "::1") else HOST
    lines = ["", f"  Fairlead is at http://{shown}:{port}/  (Ctrl-C stops it)", ""]
    if sign_ins.exists():
        lines += [f"  {line}".rstrip() for line in sign_ins.read_text().strip().splitlines()]
    with PRINT_LOCK:
        print("\n".join(lines), end="\n\n", flush=True)


def wanted_port() -> int:
    """PORT, 8000 if not set."""
    text = os.environ.get("PORT") or "8000"
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise CannotStartError(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def check_port(port: int) -> None:
    """Find out before anything is started whether the address can be had.

    Raises:
        CannotStartError: it cannot; says why and what to do.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(HOST, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except PermissionError:
        raise CannotStartError(f"Port {port} is not for everyone. Take one above 1023: PORT=8000 make run") from None
    except OSError as error:
        if port_is_taken(port):
            other = next((p for p in range(port + 1, min(port + 50, 65536)) if not port_is_taken(p)), port + 1)
            raise CannotStartError(
                f"Port {port} on {HOST} is already in use{by_whom(port)}.\n"
                f"Stop that, or start on another port: PORT={other} make run"
            ) from None
        raise CannotStartError(f"The address {HOST}:{port} cannot be used ({error}). Set HOST and PORT.") from None


def port_is_taken(port: int) -> bool:
    """Whether somebody listens on this port of our address."""
    try:
        family, _, _, _, address = socket.getaddrinfo(HOST, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        return False
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen(1)
        except OSError as error:
            return error.errno in (98, 48)  # EADDRINUSE on Linux, on macOS
    return False


def answers(port: int) -> bool:
    """Whether the application answers: the web server accepts connections well before it has loaded it."""
    connection = HTTPConnection({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(HOST, HOST), port, timeout=10)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return True


def by_whom(port: int) -> str:
    """Which process listens on a port, as far as we may know."""
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                command = " ".join(psutil.Process(connection.pid).cmdline())
                return f" (by process {connection.pid}: {shorten(command)})"
    return ""


def shorten(text: str) -> str:
    """One line that fits a terminal."""
    return text if len(text) <= 80 else f"{text[:79]}…"


def _stop(number: int, frame: FrameType | None) -> None:
    _ignore_signals()
    print("\nStopping …", flush=True)
    raise Stopped


def _ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _heed_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)


if __name__ == "__main__":
    sys.exit(main())
