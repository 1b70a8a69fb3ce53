"""HTML of strangers: made harmless to show, and turned into text.

nh3 (html5ever) does the cleaning. It takes quadratic time on very deep nesting (100,000 open `div`: 56 s,
measured), so what is nested deeper than people's mail programs do is not shown; its text still is.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from urllib.parse import unquote

import nh3

from app.gateways.mail.incoming.charsets import clean
from app.gateways.mail.incoming.message import HTML_MAX, TEXT_MAX

NESTING_MAX = 300
_STRANGE = "Its HTML is nested too deeply, or too strange, to be shown; read its text."
_REPEATED_MAX = 1_000_000
_FORMATS = {"a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"}
_CLOSED_BY_THE_NEXT = {"p", "li", "td", "th", "tr", "dt", "dd", "tbody", "thead", "tfoot", "colgroup", "option"}
_VOID = {"br", "hr", "img", "input", "meta", "link", "col", "area", "base", "wbr", "source", "embed"}
_TAGS = {
    *("a", "abbr", "b", "bdi", "bdo", "big", "blockquote", "br", "caption", "center", "cite", "code", "col"),
    *("colgroup", "dd", "del", "div", "dl", "dt", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i"),
    *("img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strike", "strong"),
    *("sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var"),
}
_ATTRIBUTES = {
    "*": {"dir", "lang", "title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
# Thrown away with what they hold.
_GONE = {"script", "style", "title", "template", "noscript", "iframe", "object", "svg", "math", "textarea", "select"}
_OPEN = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,15})")
_ATTRIBUTES_MAX = 300
_ATTRIBUTE = re.compile(r"[\s/]*[^\s/>][^\s/>=]*(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>\"'][^\s>]*)?)?")
_TAG = re.compile(r"<[^<>]{0,5000}>")
_RAW = re.compile(r"<(/?)(script|style|title)\b", re.IGNORECASE)
_SCHEME = re.compile(r"(?:https?|mailto|tel):", re.IGNORECASE)
_DIGITS = re.compile(r"\d{1,4}")


@dataclass(frozen=True, slots=True)
class Html:
    """`clean` is None where it could not be made safe in time; `problem` then says so. `cids`: images it refers to."""

    clean: str | None
    text: str
    blocked_images: int = 0
    cids: frozenset[str] = frozenset()
    problem: str | None = None


def read_html(html: str, *, with_text: bool = True) -> Html:
    """Cleaned HTML that runs nothing and loads nothing, and its text with quotes marked by `>`.

    Images of the mail itself stay, as ``cid:`` addresses to be replaced by those of the stored attachments; all
    others lose their address and are counted. Styles and classes are
    dropped: pages allow no inline style. `with_text`: also make text of it.
    """
    if len(html) > HTML_MAX:
        return Html(None, _plain(html[:HTML_MAX]), problem="Its HTML is too long to be shown; read its text.")
    if _is_too_deep(html) or _has_too_many_attributes(html):
        return Html(
            None, _plain(html), problem="Its HTML is nested too deeply, or too strange, to be shown; read its text."
        )
    cids: set[str] = set()
    blocked = 0

    def allowed(tag: str, name: str, value: str) -> str | None:
        nonlocal blocked
        if tag == "img" and name == "src":
            if value[:4].lower() == "cid:":
                cids.add(unquote(value[4:].strip("<> ")))
                return value
            blocked += 1
            return None
        if name == "href":
            return value if _SCHEME.match(value) else None
        if name in ("width", "height", "colspan", "rowspan", "start"):
            return value if _DIGITS.fullmatch(value) and int(value) <= 2000 else None
        return value

    cleaned = nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags=_GONE,
        attributes=_ATTRIBUTES,
        attribute_filter=allowed,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        url_relative="pass_through",
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )
    return Html(clean(cleaned), text_of_html(cleaned) if with_text else "", blocked, frozenset(cids))


def _is_too_deep(html: str) -> bool:
    """Whether a parser might have to nest too deep, or to repeat too much.

    Each kind of tag counts as open until as many of it are closed. Formatting that is left open is opened again
    in every block that follows (HTML, 13.2.4.3), so a few kilobytes can become gigabytes: its depth times the number
    of tags is limited as well.
    """
    opened: Counter[str] = Counter()
    depth = formats = most_formats = tags = 0
    for match in _OPEN.finditer(html):
        tag = match[2].lower()
        tags += 1
        if tag in _VOID or tag in _CLOSED_BY_THE_NEXT or (match[1] and not opened[tag]):
            continue
        step = -1 if match[1] else 1
        opened[tag] += step
        depth += step
        formats += step if tag in _FORMATS else 0
        most_formats = max(most_formats, formats)
        if depth > NESTING_MAX:
            return True
    return most_formats * tags > _REPEATED_MAX


def _has_too_many_attributes(html: str) -> bool:
    """Whether some tag has more attributes than anyone writes: each is compared with all before it."""
    looked_at = 0
    for match in _OPEN.finditer(html):
        at = match.end()
        for _ in range(_ATTRIBUTES_MAX):
            found = _ATTRIBUTE.match(html, at)
            if found is None:
                break
            at = found.end()
        else:
            return True
        looked_at += at - match.end()
        if looked_at > 10 * len(html):
            return True
    return False


def _plain(html: str) -> str:
    """Text of HTML nobody parsed: without tags, and without what is between those that hide it."""
    shown: list[str] = []
    hidden, at = "", 0
    for match in _RAW.finditer(html):
        tag = match[2].lower()
        if not hidden:
            shown.append(html[at : match.start()])
            hidden = "" if match[1] else tag
            at = match.start()
        elif match[1] and tag == hidden:
            hidden, at = "", match.start()
    if not hidden:
        shown.append(html[at:])
    return _tidied(unescape(_TAG.sub(" ", " ".join(shown))))


def text_of_html(cleaned: str) -> str:
    """The text of cleaned HTML: blocks on lines of their own, list items and quotes marked, links by their text."""
    writer = _Writer()
    writer.feed(cleaned)
    writer.close()
    return _tidied(writer.text())


class _Writer(HTMLParser):
    _BLOCKS = frozenset(
        "address blockquote center dd div dl dt h1 h2 h3 h4 h5 h6 hr li ol p pre table tr ul".split()  # noqa: SIM905
    )
    _APART = frozenset(("p", "blockquote", "ul", "ol", "table", "pre", "h1", "h2", "h3", "h4", "h5", "h6"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[tuple[int, str]] = []
        self._line: list[str] = []
        self._quotes = self._pre = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._end(keep_empty=True)
        elif tag in self._BLOCKS:
            self._end()
            self._gap(tag)
        elif tag in ("td", "th") and self._line:
            self._line.append(" ")
        if tag == "blockquote":
            self._quotes += 1
        elif tag == "pre":
            self._pre += 1
        elif tag == "li":
            self._line.append("- ")
        elif tag == "hr":
            self._lines.append((self._quotes, "-" * 20))
        elif tag == "img":
            alt = next((value for name, value in attrs if name == "alt" and value), None)
            self._line.append(f"[{alt}]" if alt else "")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._BLOCKS:
            self._end()
            if tag == "blockquote":
                self._quotes = max(0, self._quotes - 1)
            elif tag == "pre":
                self._pre = max(0, self._pre - 1)
            self._gap(tag)

    def handle_data(self, data: str) -> None:
        if not self._pre:
            self._line.append(re.sub(r"[ \t\r\n\f]+", " ", data))
            return
        first, *rest = data.split("\n")
        self._line.append(first)
        for line in rest:
            self._end(keep_empty=True)
            self._line.append(line)

    def _end(self, *, keep_empty: bool = False) -> None:
        line = "".join(self._line)
        line = line.rstrip() if self._pre else line.strip()
        if line or keep_empty:
            self._lines.append((self._quotes, line))
        self._line = []

    def _gap(self, tag: str) -> None:
        if tag in self._APART and self._lines and self._lines[-1][1]:
            self._lines.append((self._quotes, ""))

    def text(self) -> str:
        self._end()
        return "\n".join(f"{'>' * min(quotes, 9)} {line}".rstrip() if quotes else line for quotes, line in self._lines)


def _tidied(text: str) -> str:
    lines: list[str] = []
    for line in clean(text).replace("\xa0", " ").split("\n"):
        if line.strip() or (lines and lines[-1]):
            lines.append(line.rstrip())
    return "\n".join(lines).strip()[:TEXT_MAX]


def unflowed(text: str, *, delsp: bool) -> str:
    """Text of format=flowed with its paragraphs in one line again (RFC 3676, 4.2)."""
    lines: list[str] = []
    open_depth: int | None = None
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        body = line[depth:].removeprefix(" ")
        soft = body.endswith(" ") and body != "-- "
        if open_depth == depth and body != "-- ":
            lines[-1] += body[:-1] if soft and delsp else body
        else:
            lines.append(f"{'>' * depth}{' ' if depth else ''}{body[:-1] if soft and delsp else body}")
        open_depth = depth if soft else None
    return "\n".join(lines)
