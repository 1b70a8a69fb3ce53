"""What a file is, by its content and not by its name."""

from __future__ import annotations

import struct
import tracemalloc
import zlib

import pytest

from app.gateways.files.content import is_active, is_shown, safe_name, sniffed

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR"


def picture(width: int, height: int) -> bytes:
    """A PNG that says it is so large."""
    return PNG + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0) + b"\0" * 4


def packed_flood(side: int) -> bytes:
    """A true PNG of black pixels: a few kilobytes that unpack to three bytes a pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(b"\0" * (3 * side + 1)) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "declared", "kind"),
    [
        (b"<svg onload=alert(1)>", "image/png", "image/svg+xml"),
        (b"<!doctype html><script>", "image/jpeg", "text/html"),
        (b"GIF89a/*<script>*/=1;" + b"\0" * 20, "text/html", "image/gif"),
        (b"%PDF-1.7 <script>", "text/plain", "text/html"),
        (b"just words", "text/html", "text/plain"),
        (b"a,b\n1,2", "text/csv", "text/csv"),
        (b"\x00\x01\x02", "text/html", "application/octet-stream"),
        (b"", "image/png", "text/plain"),
        (b"PK\x03\x04" + b"\0" * 40, "image/png", "application/zip"),
        (b"MZ" + b"\0" * 100, "image/png", "application/x-msdownload"),
    ],
)
def test_claim_31_the_content_decides(content: bytes, declared: str, kind: str) -> None:
    assert sniffed(content, declared) == kind


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("a\x00b.txt", "a b.txt"),
        ("\u202egnp.exe", "gnp.exe"),
        ("..", "attachment-1.txt"),
        ("CON.txt", "attachment-1.txt"),
        ("", "attachment-1.txt"),
        ('a"b;c\r\nX: y.txt', "a_b;c X_ y.txt"),
    ],
)
def test_claim_31_a_name_is_a_name(written: str, name: str) -> None:
    assert safe_name(written, "text/plain", 1) == name


@pytest.mark.parametrize(
    "written", ["x" * 5_000 + ".pdf", "漢" * 300 + ".pdf", "👩‍👩‍👧" * 100 + ".pdf", "a." + "b" * 400]
)
def test_claim_31_a_long_name_fits_any_disk_and_keeps_its_ending(written: str) -> None:
    name = safe_name(written, "application/pdf", 1)
    assert len(name.encode()) <= 255
    assert written.endswith(".pdf") == name.endswith(".pdf")


@pytest.mark.parametrize("name", ["x.svg", "x.html", "x.HTM", "x.exe", "x.js", "report.pdf", "x.docm"])
def test_claim_31_what_could_run_is_marked(name: str) -> None:
    assert is_active(name, "text/plain")


def test_claim_31_a_pixel_flood_is_not_shown_and_not_unpacked() -> None:
    flood = packed_flood(8_000)
    assert len(flood) < 300_000
    tracemalloc.start()
    assert not is_shown(flood, sniffed(flood, "image/png"))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 5_000_000, f"{most:,} bytes"
    assert is_shown(picture(1_920, 1_080), "image/png")


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (picture(100_000, 100_000), "image/png"),
        (picture(0, 5), "image/png"),
        (PNG, "image/png"),
        (b"\xff\xd8\xff" + b"\xff" * 5_000, "image/jpeg"),
        (b"", "image/gif"),
        (b"<svg width='1' height='1'></svg>", "image/svg+xml"),
        (b"II*\0" + b"\0" * 40, "image/tiff"),
    ],
)
def test_claim_31_only_sane_pictures_are_shown(head: bytes, kind: str) -> None:
    assert not is_shown(head, kind)


def test_claim_31_endless_heads_end() -> None:
    """A JPEG of nothing but empty segments, as long as we read."""
    assert not is_shown(b"\xff\xd8" + b"\xff\xe0\x00\x02" * 100_000, "image/jpeg")
