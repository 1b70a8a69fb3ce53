"""Processes, locks and directories: what both embedded servers need from the operating system."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

# A path of a Unix socket fits in 108 bytes on Linux and 104 on macOS, the closing NUL included.
LONGEST_SOCKET_PATH = 103


class EmbeddedServerError(Exception):
    """An embedded server is missing or did not start; the message says which and where its log is."""


@contextlib.contextmanager
def only_one(lock_file: Path) -> Iterator[None]:
    """Let one process at a time in. The lock ends with its process, however that ends."""
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    with lock_file.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def package_directory(package: str) -> Path:
    """Where an installed package lies, without importing it.

    Raises:
        EmbeddedServerError: it is not installed.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(
            f"The package {package} is not installed. `make setup` installs the embedded servers; "
            "or set DATABASE_URL and REDIS_URL to servers of your own."
        )
    return Path(spec.submodule_search_locations[0])


@dataclass(frozen=True, slots=True)
class Account:
    """The system account a server runs as."""

    uid: int
    gid: int


def unprivileged_account() -> Account | None:
    """Whom to run PostgreSQL as: `nobody` if we are root, which it refuses; else ourselves (None)."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def open_the_way(path: Path) -> None:
    """Let other accounts pass through, not list, the directories above `path`.

    Needed only when we are root: the server runs as another account and must reach its files.
    """
    for parent in path.resolve().parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            print(
                f"PostgreSQL refuses to run as root, so it runs as nobody: letting it pass through {parent}.",
                file=sys.stderr,
            )
            parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def private_directory(path: Path, account: Account | None) -> None:
    """Make a directory only its server's account (and root) can enter.

    Raises:
        EmbeddedServerError: somebody else's file or directory stands there.
    """
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = path.lstat()
    allowed = {os.geteuid()} | ({account.uid} if account else set())
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in allowed:
        raise EmbeddedServerError(f"{path} is not a directory of ours. Move it away and start again.")
    if account and found.st_uid != account.uid:
        os.chown(path, account.uid, account.gid)
    path.chmod(0o700)


def socket_directory(beside: Path, longest_name: str) -> Path:
    """A directory for sockets: in `beside`, or, where that path is too long, among temporary files."""
    preferred = beside / "run"
    if _fits(preferred / longest_name):
        return preferred
    # The inode is part of the name: a state directory deleted and made again is another one.
    identity = f"{beside}:{beside.stat().st_ino}:{os.geteuid()}"
    name = "fairlead-" + hashlib.sha256(identity.encode()).hexdigest()[:12]
    for base in (Path(tempfile.gettempdir()), Path("/tmp")):
        if _fits(base / name / longest_name):
            return base / name
    raise EmbeddedServerError(f"No directory with a path short enough for a socket (tried {preferred}).")


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= LONGEST_SOCKET_PATH


def read_pid(pid_file: Path) -> int | None:
    """The number in the first line of a pid file, if there is one."""
    try:
        return int(pid_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def command_line(pid: int) -> str:
    """What a process was started as; empty when it is gone, a zombie, or nothing of a program."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    ps = ["ps", "-o", "command=", "-p", str(pid)]
    shown = subprocess.run(ps, capture_output=True, text=True, check=False)
    return "" if "<defunct>" in shown.stdout else shown.stdout


def is_running(pid: int | None, program: str) -> bool:
    """Whether `pid` is a process of this program: the number may have been given to another since."""
    return pid is not None and program in command_line(pid)


def left_over(directory: Path, program: str) -> list[int]:
    """Processes of a program that work in a directory, deleted or not. Needs /proc; elsewhere finds none."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            working_directory = os.readlink(entry / "cwd").removesuffix(" (deleted)")
            if working_directory == str(directory) and program in (entry / "comm").read_text():
                found.append(int(entry.name))
    return found


def end(pid: int, signals: tuple[tuple[signal.Signals, float], ...], program: str) -> None:
    """Send one signal after the other, waiting a time for each, until the process is gone."""
    for number, patience in signals:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if not is_running(pid, program):
                return
            time.sleep(0.02)


def end_left_over(directory: Path, program: str) -> None:
    """Kill what an earlier server left behind: without its parent it serves nobody, but holds the files."""
    for pid in left_over(directory, program):
        end(pid, ((signal.SIGKILL, 5.0),), program)


def run_as(account: Account | None, command: list[str], *, directory: Path, timeout: float) -> None:
    """Run a command to its end as an account.

    Raises:
        EmbeddedServerError: it failed, with what it said.
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    # A file, not a pipe: a server started by the command would keep the pipe open.
    with tempfile.TemporaryFile() as output:
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=directory,
                env=environment | {"LC_ALL": "C"},
                timeout=timeout,
                check=False,
                start_new_session=True,
                umask=0o077,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
            problem = f"exit status {done.returncode}" if done.returncode else ""
        except subprocess.TimeoutExpired:
            problem = f"no end within {timeout:.0f} s"
        except OSError as error:
            problem = str(error)
        if problem:
            output.seek(0)
            said = output.read().decode(errors="replace").strip()
            raise EmbeddedServerError(f"{Path(command[0]).name} failed: {problem}\n{said}".strip())


def readable_by_others(directory: Path) -> None:
    """Give other accounts reading rights below a directory, where an unusual umask took them away."""
    for path in (directory, *directory.rglob("*")):
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        if wanted != mode:
            path.chmod(wanted)


def remove_tree(path: Path) -> None:
    """Delete a directory with all it holds, if it is there."""
    if path.exists():
        shutil.rmtree(path)


def tail(path: Path, lines: int = 15) -> str:
    """The end of a log, for an error message."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
