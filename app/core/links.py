"""Addresses that came from outside: only our own are followed."""

from __future__ import annotations

from urllib.parse import urlsplit

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
