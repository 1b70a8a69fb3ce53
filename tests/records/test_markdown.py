from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from app.config import ROOT
from app.core.markdown import render_markdown

DATA = ROOT.parent / "shared" / "data"
ALLOWED = {"p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"}
ALLOWED |= {"h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"}
ATTRIBUTES = {"href", "title", "rel", "start"}
SCHEMES = {"http", "https", "mailto", "tel"}
# As browsers read it: they skip white space and control characters before and within.
SCHEME = re.compile(r"[\s\x00-\x20]*([a-z][a-z0-9+.\-\t\n\r]*):")
BY_HAND = [
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\nscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "<javascript:alert(1)>",
    "![x](https://evil.example/pixel.png)",
    '![x](x "onerror=alert(1)")',
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    "<b onclick=alert(1)>x</b>",
    '<div style="background:url(x)">x</div>',
    '[x](https://a.example "\\" onclick=\\"alert(1)")',
    "```<script>\nalert(1)\n```",
    "`</code><script>alert(1)</script>`",
    "[x]: javascript:alert(1)\n\n[x]",
    "<iframe src=https://evil.example></iframe>",
    "<!-- --><script>alert(1)</script> -->",
    "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
    "[x](//evil.example)",
    'http://evil.example/"onmouseover=alert(1)',
]


def is_harmless(text: str) -> None:
    soup = BeautifulSoup(render_markdown(text), "html.parser")
    for element in soup.find_all(True):
        assert element.name in ALLOWED, element.name
        assert set(element.attrs) <= ATTRIBUTES, element.attrs
        if "href" in element.attrs:
            scheme = SCHEME.match(element["href"].lower())
            assert scheme is None or scheme[1] in SCHEMES, element["href"]
            assert element["rel"] == ["noopener", "noreferrer", "nofollow"]


def payloads(folder: str, pattern: str) -> list[Path]:
    return sorted((DATA / folder).glob(pattern)) if (DATA / folder).is_dir() else []


@pytest.mark.parametrize("text", BY_HAND)
def test_nothing_that_runs_or_loads_gets_through(text: str) -> None:
    is_harmless(text)


def test_the_check_itself_would_notice() -> None:
    for name in ("script", "img", "svg"):
        assert name not in ALLOWED
    assert "<script>" not in render_markdown("<script>alert(1)</script>")


def test_the_bleach_set() -> None:
    cases = payloads("xss_bleach", "*.test")
    if not cases:
        pytest.skip("../shared/data/xss_bleach is not here")
    for case in cases:
        is_harmless(case.read_text().partition("\n--\n")[0])


def test_the_payload_lists() -> None:
    lists = payloads("payloads_patt", "xss_*.txt")
    if not lists:
        pytest.skip("../shared/data/payloads_patt is not here")
    for path in lists:
        for line in path.read_text(errors="replace").splitlines():
            is_harmless(line)
            is_harmless(f"[x]({line})")
            is_harmless(f"![{line}]({line})")


def test_the_commonmark_examples_and_what_they_keep() -> None:
    files = payloads("md_commonmark_gfm", "*/*.json")
    if not files:
        pytest.skip("../shared/data/md_commonmark_gfm is not here")
    for path in files:
        for example in json.loads(path.read_text()):
            is_harmless(example["markdown"])


@given(st.text(alphabet="<>[]()!`*_#\\\"'&;:/=abjs script\n", max_size=80))
@settings(max_examples=200, deadline=None)
def test_no_mixture_of_signs_gets_through(text: str) -> None:
    is_harmless(text)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**a** _b_ ~~c~~", "<p><strong>a</strong> <em>b</em> <s>c</s></p>"),
        ("a\nb", "<p>a<br>\nb</p>"),
        ("# a", "<h4>a</h4>"),
        ("###### a", "<h6>a</h6>"),
        ("`<b>`", "<p><code>&lt;b&gt;</code></p>"),
        ("1 < 2 & 3", "<p>1 &lt; 2 &amp; 3</p>"),
        ("<em>raw</em>", "<p>&lt;em&gt;raw&lt;/em&gt;</p>"),
        ("<h1>raw</h1>", "<p>&lt;h1&gt;raw&lt;/h1&gt;</p>"),
    ],
)
def test_what_people_write_is_kept(text: str, html: str) -> None:
    assert render_markdown(text).strip() == html


def test_links_open_apart_and_pass_on_nothing() -> None:
    link = BeautifulSoup(render_markdown("see https://example.com/a?b=c"), "html.parser").a
    assert link["href"] == "https://example.com/a?b=c"
    assert link["rel"] == ["noopener", "noreferrer", "nofollow"]
