"""Addresses: of those that came from outside only our own are followed; those that leave are whole ones."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import current_app

from app.config import Settings
from app.core.scope import Scope

_MAX = 2000


def is_ours(url: str, root: str = "") -> bool:
    """Whether `url` is a path of this tenant (`root` is its prefix): no host, no scheme, no tricks.

    Browsers read a backslash as a slash and skip control characters, so `/\\evil.example` and
    `/<tab>/evil.example` lead away although they have no host by the letter (claim 26).
    """
    if not url.startswith("/") or url.startswith("//") or len(url) > _MAX:
        return False
    if "\\" in url or any(ord(character) < 0x21 or ord(character) == 0x7F for character in url):
        return False
    parts = urlsplit(url)
    if parts.scheme or parts.netloc:
        return False
    segments = parts.path.split("/")
    if ".." in segments or "%2e%2e" in parts.path.lower() or "%5c" in parts.path.lower():
        return False
    root = root.rstrip("/")
    return not root or parts.path == root or parts.path.startswith(root + "/")


def ours_or(url: str | None, default: str, root: str = "") -> str:
    """`url` if it is ours, else `default`."""
    return url if url and is_ours(url, root) else default


def absolute_url(scope: Scope | None, endpoint: str, **values: Any) -> str:
    """The whole address of a page of the scope's tenant, for mail and whatever else is read elsewhere.

    Built from `Settings.public_url` alone: the Host header of a request is the asker's to choose, and a link
    with a secret in it would go there. Works in jobs as well. None is for pages that belong to no tenant.

    Raises:
        ValueError: the scope does not know its tenant's slug.
    """
    if scope is not None and not scope.tenant_slug:
        raise ValueError("This scope does not know its tenant's slug: take one of accounts.queries.")
    settings: Settings = current_app.extensions["fairlead.settings"]
    base = urlsplit(settings.public_url)
    root = base.path.rstrip("/") + (f"/t/{scope.tenant_slug}" if scope is not None else "")
    bound = current_app.url_map.bind(base.netloc, script_name=root or "/", url_scheme=base.scheme)
    return bound.build(endpoint, values, force_external=True)
