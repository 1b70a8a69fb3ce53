"""Mail made to hurt: every limit has a sentence, and time and memory stay in proportion."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from app.config import ROOT
from app.gateways.mail.incoming import RAW_MAX, read_message, read_stream, refuse
from app.gateways.mail.incoming.files import safe_name, sniffed
from tests.support.letters import HEAD, multipart, nested, plain

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MB = 1024 * 1024
# Of this thread; generous for a slow machine: what these guard against took minutes.
SECONDS = 30.0


def _problems(raw: bytes) -> str:
    start = time.thread_time()
    mail = read_message(raw, now=NOW)
    assert time.thread_time() - start < SECONDS
    assert not any("so broken" in problem for problem in mail.problems), "an exception was swallowed"
    return " ".join(mail.problems)


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (nested(100), "more than 50 parts nested"),
        (nested(20_000), "more than 50 parts nested"),
        (multipart("mixed", *([b"\r\nx"] * 10_001)), "more than 10,000 parts"),
        (plain(b"Hi", b"Cc: " + b", ".join(b"p%d@x.example" % n for n in range(10_000))), "more than 500 addresses"),
        (plain(b"Hi", b"X-Big: " + b"a" * 5 * MB), "more headers than are read"),
        (plain(b"Hi", *([b"X: a"] * 100_000)), "more headers than are read"),
        (multipart("mixed", *([b"X: a\r\n" * 100_000 + b"\r\nx"] * 8)), "more headers than are read"),
        (plain(b"a" * MB), "longer than 500,000 letters"),
        (plain(b"<p>Hi</p>" * 200_000, b"Content-Type: text/html"), "too long to be shown"),
        (plain(b"<div>" * 100_000, b"Content-Type: text/html"), "nested too deeply"),
        (plain(b"<b></i>" * 50_000, b"Content-Type: text/html"), "nested too deeply"),
        (multipart("mixed", *([b"Content-Type: application/x\r\n\r\nx"] * 600)), "more than 500 attachments"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_limits_have_sentences(raw: bytes, sentence: str):
    assert sentence in _problems(raw)


@pytest.mark.parametrize(
    "raw",
    [
        plain(b"=!" * MB, b"Content-Type: application/pdf", b"Content-Transfer-Encoding: base64"),
        plain(b"QUJD" * MB, b"Content-Type: application/pdf", b"Content-Transfer-Encoding: base64"),
        plain(b"=Z=\r\n" * MB, b"Content-Transfer-Encoding: quoted-printable"),
        plain(b"Hi", b"Subject: " + b"=?a?q?" * 12_000),
        plain(b"Hi", b"Reply-To: " + b"(" * 60_000),
        plain(b"Hi", b"Reply-To: " + b"a:" * 30_000),
        plain(b"Hi", b"Reply-To: " + b'"' * 60_001),
        plain(b"Hi", b"References: " + b"<a@" * 20_000),
        plain(b"Hi", b"Content-Type: text/plain; " + b"".join(b"a*%d*=b; " % n for n in range(5000))),
        plain(b"On 1 " * MB, b"In-Reply-To: <a@b.example>"),
        plain(b"On a@b wrote " * 400_000, b"In-Reply-To: <a@b.example>"),
        plain(b"From: a,\r\n" * 200_000, b"In-Reply-To: <a@b.example>"),
        plain(b"> " * MB, b"In-Reply-To: <a@b.example>"),
        plain(b"a@a" * 30_000, b"X-Failed-Recipients: a@b.example"),
        plain(b"<" * MB, b"Content-Type: text/html"),
        plain(b"\r\n" * 2 * MB),
        nested(49, b"\n" * 4 * MB),
    ],
    ids=lambda raw: f"{len(raw)} bytes",
)
def test_time_is_in_proportion(raw: bytes):
    _problems(raw)


def test_what_is_too_large_is_refused_by_its_head():
    raw = HEAD + b"\r\n" + b"x" * RAW_MAX
    mail = read_message(raw, now=NOW)
    assert mail.unreadable
    assert mail.from_ is not None
    assert "at most 40 MB" in mail.problems[-1]
    assert "200 MB" in refuse(HEAD, 200 * MB, now=NOW).problems[-1]


def test_a_stream_of_200_mb_is_not_taken_beyond_the_limit():
    asked = 0

    def chunks():
        nonlocal asked
        yield HEAD + b"\r\n"
        for _ in range(200):
            asked += 1
            yield b"x" * MB

    mail, raw = read_stream(chunks(), now=NOW)
    assert mail.unreadable
    assert mail.subject == "Printer"
    assert len(raw) == RAW_MAX
    assert asked <= RAW_MAX // MB + 1
    whole, taken = read_stream([HEAD, b"\r\n", b"Hi"], now=NOW)
    assert (whole.text, taken) == ("Hi", HEAD + b"\r\nHi")


@pytest.mark.parametrize("kind", ["base64", "lines", "parts"])
def test_memory_is_bounded(kind: str):
    """A process of its own: what the largest of mails costs at its peak, above what it cost to start."""
    script = f"""
import resource, sys
from app.gateways.mail.incoming import RAW_MAX, read_message
from tests.support.letters import HEAD, nested
made = {{
    "base64": lambda: HEAD + b"Content-Type: application/pdf\\r\\nContent-Transfer-Encoding: base64\\r\\n\\r\\n"
    + b"QUJD" * (RAW_MAX // 4 - 200),
    "lines": lambda: nested(49, b"\\n" * (RAW_MAX - 10_000)),
    "parts": lambda: HEAD + b"Content-Type: multipart/mixed; boundary=b\\r\\n\\r\\n" + b"--b\\n\\n" * (RAW_MAX // 6),
}}[{kind!r}]()[:RAW_MAX]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
read_message(made)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) < 6 * RAW_MAX // MB


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\win.ini", "win.ini"),
        ("C:\\temp\\a.txt", "a.txt"),
        ("a\x00b\r\nX: y.pdf", "a b X_ y.pdf"),
        ("left\u202egpj.exe", "leftgpj.exe".replace("left", "left ")),
        ("...", "attachment-7.png"),
        ("", "attachment-7.png"),
        ("CON.txt", "attachment-7.png"),
        ('a<b>"c|d?.txt', "a_b__c_d_.txt"),
        ("%2e%2e%2fx", "_2e_2e_2fx"),
        ("x" * 500 + ".pdf", "x" * 146 + ".pdf"),
    ],
)
def test_names_of_attachments_are_safe(written: str, expected: str):
    assert safe_name(written, "image/png", 7) == expected


@pytest.mark.parametrize(
    ("name", "declared", "content", "sniffed_as", "active"),
    [
        ("a.svg", "image/svg+xml", b"<svg onload=x()/>", "image/svg+xml", True),
        ("a.png", "image/png", b"<?xml version='1.0'?><svg/>", "image/svg+xml", True),
        ("a.txt", "text/plain", b"  <html><script>", "text/html", True),
        ("a.html", "text/plain", b"just words", "text/plain", True),
        ("a.txt", "text/html", b"just words", "text/plain", True),
        ("a.pdf", "application/pdf", b"MZ" + b"\0" * 100, "application/x-msdownload", True),
        ("a.jpg", "image/jpeg", b"GIF89a" + b"\0" * 20, "image/gif", False),
        ("a.csv", "text/csv", b"a,b\n1,2\n", "text/csv", False),
        ("a.bin", "application/x-thing", bytes(range(256)), "application/x-thing", False),
        ("a.html.png", "text/html", bytes(range(256)), "application/octet-stream", True),
        ("a", "text/plain", b"BMW is a car", "text/plain", False),
    ],
)
def test_types_are_sniffed_and_what_may_run_is_marked(
    name: str, declared: str, content: bytes, sniffed_as: str, active: bool
):
    part = f'Content-Type: {declared}\r\nContent-Disposition: attachment; filename="{name}"\r\n\r\n'.encode() + content
    attachment = read_message(multipart("mixed", part), now=NOW).attachments[0]
    assert (attachment.type, attachment.active, attachment.declared_type) == (sniffed_as, active, declared)
    assert sniffed(content, declared) == sniffed_as


@pytest.mark.parametrize(
    "written",
    [
        b'"ceo@acme.example" <x@evil.example>',
        b"=?utf-8?q?ceo=40acme.example?= <x@evil.example>",
        b'"ceo@acme.example\r\n " <x@evil.example>',
    ],
)
def test_an_address_as_name_is_not_shown(written: bytes):
    mail = read_message(HEAD.replace(b"Ann Ames <ann@customer.example>", written) + b"\r\nHi", now=NOW)
    assert mail.from_ is not None
    assert (mail.from_.name, mail.from_.address) == ("", "x@evil.example")


@pytest.mark.parametrize(
    "written",
    [
        b"ann@customer.example\rBcc: x@evil.example",
        b"<ann@customer.example\x00@evil.example>",
        b"ann@",
        b"@customer.example",
        b"=?utf-8?q?ann=40customer.example=0D=0ABcc:x=40y.example?=",
        b"a" * 300 + b"@customer.example",
    ],
)
def test_addresses_never_hold_what_makes_a_header(written: bytes):
    mail = read_message(HEAD.replace(b"Ann Ames <ann@customer.example>", written) + b"\r\nHi", now=NOW)
    for one in (mail.from_, *mail.to, *mail.cc, *mail.reply_to):
        if one is not None:
            assert one.address.isprintable()
            assert " " not in one.address
            assert one.name == one.name.strip()
            assert "\r" not in one.name
            assert "\n" not in one.name
