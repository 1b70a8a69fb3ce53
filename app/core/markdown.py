"""Markdown from people to HTML that can do nothing: CommonMark with tables and links, no raw HTML, no images.

Remote pictures would tell their host who reads, so images are left out (docs: security, claim 29).
"""

from __future__ import annotations

from threading import Lock

import nh3
from cachetools import TTLCache, cached
from markdown_it import MarkdownIt
from markupsafe import Markup

_PARSER = MarkdownIt("commonmark", {"html": False, "linkify": True, "breaks": True}).enable(
    ["table", "strikethrough", "linkify"]
)
_PLAIN = MarkdownIt("zero", {"html": False, "linkify": True, "breaks": True}).enable(["linkify", "newline"])
_TAGS = {
    *("p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}

_KEPT_LETTERS, _KEPT_SECONDS = 4_000_000, 600


def _kept() -> TTLCache[str, Markup]:
    """A conversation is read far more often than written to, and reading markdown was a quarter of its page's work."""
    return TTLCache(_KEPT_LETTERS, _KEPT_SECONDS, getsizeof=len)


@cached(_kept(), key=str, lock=Lock())
def render_markdown(text: str) -> Markup:
    """Sanitised HTML of a note or message; links open apart and pass on nothing."""
    return _harmless(_lower_headings(_PARSER.render(text)))


@cached(_kept(), key=str, lock=Lock())
def render_plain(text: str) -> Markup:
    """Sanitised HTML of text that is no markdown, such as that of a mail: its lines, and its addresses as links."""
    return _harmless(_PLAIN.render(text))


def _harmless(html: str) -> Markup:
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )
    return Markup(clean)  # noqa: S704 - sanitised in the line above


def _lower_headings(html: str) -> str:
    """A heading in a note stands below the headings of the page it is shown on."""
    for level in range(6, 0, -1):
        lowered = min(level + 3, 6)
        html = html.replace(f"<h{level}>", f"<h{lowered}>").replace(f"</h{level}>", f"</h{lowered}>")
    return html
