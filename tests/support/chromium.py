"""A Chromium for the browser tests, out of the npm package @sparticuz/chromium; nothing of the system.

    with sync_playwright() as playwright:
        browser = launch_chromium(playwright)

Another browser is taken where `FAIRLEAD_CHROME` names one, or where the package is not installed.
"""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

import brotli
from playwright.sync_api import Browser, Playwright

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "node_modules" / "@sparticuz" / "chromium"
UNPACKED = ROOT / "var" / "chromium"
INSTALLED = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")

ARGUMENTS = [
    "--no-sandbox",
    "--disable-setuid-sandbox",
    "--no-zygote",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pings",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-extensions",
    "--disable-default-apps",
    "--metrics-recording-only",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
]


class NoBrowserError(Exception):
    """There is no browser; browser tests fail with this, they are never skipped."""


def chromium_path() -> Path:
    """The browser's program, unpacked the first time (4 s).

    Raises:
        NoBrowserError: there is none.
    """
    named = os.environ.get("FAIRLEAD_CHROME")
    if named:
        found = shutil.which(named)
        if not found:
            raise NoBrowserError(f"FAIRLEAD_CHROME names {named}, which is not a program.")
        return Path(found)
    if (PACKAGE / "bin" / "chromium.br").exists():
        return _unpacked() / "chromium"
    for name in INSTALLED:
        if found := shutil.which(name):
            return Path(found)
    raise NoBrowserError("No browser: `make setup` installs one, or name yours in FAIRLEAD_CHROME.")


def launch_chromium(playwright: Playwright, **options: Any) -> Browser:
    """Start a headless Chromium; `options` go to Playwright's `launch`."""
    program = chromium_path()
    arguments = [*ARGUMENTS, *options.pop("args", [])]
    environment = dict(os.environ) | options.pop("env", {})
    if program.parent.parent == UNPACKED:
        home = program.parent
        libraries = [str(home / "lib"), str(home), environment.get("LD_LIBRARY_PATH", "")]
        environment |= {
            "LD_LIBRARY_PATH": ":".join(filter(None, libraries)),
            # Its own fonts first: pages measure the same on every machine. The system's only fill in.
            "FONTCONFIG_PATH": str(home),
            "FONTCONFIG_FILE": str(home / "fonts.conf"),
            "XDG_CACHE_HOME": str(home / "cache"),
        }
    defaults: dict[str, Any] = {"headless": True, "chromium_sandbox": False}
    return playwright.chromium.launch(executable_path=program, args=arguments, env=environment, **(defaults | options))


def _unpacked() -> Path:
    """The directory the package was unpacked in, one per version; several processes may ask at once."""
    source = PACKAGE / "bin"
    # The size stands for the version: the file is replaced as a whole.
    target = UNPACKED / f"{(source / 'chromium.br').stat().st_size:x}"
    if (target / "complete").exists():
        return target
    UNPACKED.mkdir(parents=True, exist_ok=True)
    with (UNPACKED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (target / "complete").exists():
            _unpack(source, target)
    return target


def _unpack(source: Path, target: Path) -> None:
    for old in UNPACKED.iterdir():
        if old.is_dir():
            shutil.rmtree(old)
    target.mkdir()
    for name in ("al2023", "swiftshader", "fonts"):
        archive = io.BytesIO(brotli.decompress((source / f"{name}.tar.br").read_bytes()))
        with tarfile.open(fileobj=archive) as files:
            files.extractall(target, filter="data")
    program = target / "chromium"
    program.write_bytes(brotli.decompress((source / "chromium.br").read_bytes()))
    program.chmod(0o755)
    (target / "fonts.conf").write_text(
        f"""<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{target / "fonts"}</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{target / "cache"}</cachedir>
  <alias><family>sans-serif</family><prefer><family>Open Sans</family></prefer></alias>
  <alias><family>serif</family><prefer><family>Open Sans</family></prefer></alias>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
  <alias><family>system-ui</family><prefer><family>Open Sans</family></prefer></alias>
</fontconfig>
"""
    )
    (target / "complete").touch()
