"""Static files under `/static/<build>/…`, where `<build>` is a hash of all of them: cached for ever, never stale.

`flask assets` writes a snapshot with Brotli and gzip copies under `var/static/<build>/`; without one the
files are served from the source tree as they are. Older snapshots stay reachable for pages already open.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
from pathlib import Path
from wsgiref.headers import Headers

import brotli
from flask import Flask, current_app
from whitenoise import WhiteNoise

from app.config import ROOT, Settings

SOURCE = ROOT / "app" / "static"
_COMPRESSIBLE = {".css", ".js", ".svg", ".json", ".webmanifest", ".txt", ".map"}
_KEPT_SNAPSHOTS = 3
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    # A picture opened as a page of its own runs nothing.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'",
}


def init_app(app: Flask, settings: Settings) -> None:
    """Puts WhiteNoise in front of the application; call it last, so that it is asked first."""
    build = build_hash()
    app.extensions["fairlead.build"] = build
    noise = WhiteNoise(
        app.wsgi_app,
        max_age=31_536_000,
        immutable_file_test=lambda path, url: True,
        allow_all_origins=False,
        add_headers_function=_add_headers,
    )
    noise.add_files(_folder(settings, build), prefix=f"static/{build}/")
    for older in _snapshots(settings):
        if older.name != build:
            noise.add_files(str(older), prefix=f"static/{older.name}/")
    app.wsgi_app = noise  # type: ignore[method-assign]


def url(path: str) -> str:
    """The address of a static file. It does not depend on the tenant, so all tenants share the browser's copy."""
    return f"/static/{current_app.extensions['fairlead.build']}/{path.lstrip('/')}"


def build_hash() -> str:
    """Changes with the name or content of any static file."""
    digest = hashlib.sha256()
    for path in _files(SOURCE):
        digest.update(path.relative_to(SOURCE).as_posix().encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def write_snapshot(settings: Settings) -> Path:
    """Copies every static file, compressed beside it where that saves a tenth; returns the folder.

    Written aside and renamed, so a server that starts meanwhile sees all of it or nothing.
    """
    final = settings.state_dir / "static" / build_hash()
    if final.exists():
        return final
    draft = final.with_name(f".{final.name}.{os.getpid()}")
    shutil.copytree(SOURCE, draft)
    for path in _files(draft):
        if path.suffix in _COMPRESSIBLE:
            _compress(path)
    try:
        draft.rename(final)
    except OSError:
        # Another process wrote the same snapshot first.
        shutil.rmtree(draft)
    for old in _snapshots(settings)[_KEPT_SNAPSHOTS:]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def _compress(path: Path) -> None:
    content = path.read_bytes()
    copies = {".gz": gzip.compress(content, 9, mtime=0), ".br": brotli.compress(content, quality=11)}
    for suffix, packed in copies.items():
        if len(packed) < len(content) * 0.9:
            path.with_name(path.name + suffix).write_bytes(packed)


def _add_headers(headers: Headers, path: str, url: str) -> None:
    for name, value in _HEADERS.items():
        headers[name] = value


def _folder(settings: Settings, build: str) -> str:
    snapshot = settings.state_dir / "static" / build
    return str(snapshot if snapshot.exists() else SOURCE)


def _snapshots(settings: Settings) -> list[Path]:
    """Complete snapshots, newest first."""
    folder = settings.state_dir / "static"
    if not folder.exists():
        return []
    complete = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return sorted(complete, key=lambda path: path.stat().st_mtime, reverse=True)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
