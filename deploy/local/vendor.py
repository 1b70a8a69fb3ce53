"""Put the browser libraries and the icon sprite into app/static/vendor/. Run by make before everything else.

The libraries are copied as they come from npm. The sprite holds the icons the code names: `icon("name")` in
templates and scripts, `icon="name"` in templates and Python, and, for names that are worked out at run time,
those listed in deploy/local/icons.txt. A name Tabler does not have stops this with the file that uses it.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "app" / "static" / "vendor"
ICONS = MODULES / "@tabler" / "icons" / "icons"
LISTED = ROOT / "deploy" / "local" / "icons.txt"

LIBRARIES = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "ext/hx-csp.min.js": "htmx.org/dist/ext/hx-csp.min.js",
    "ext/hx-download.min.js": "htmx.org/dist/ext/hx-download.min.js",
    "ext/hx-pending.min.js": "htmx.org/dist/ext/hx-pending.min.js",
    "ext/hx-preload.min.js": "htmx.org/dist/ext/hx-preload.min.js",
    "ext/hx-ptag.min.js": "htmx.org/dist/ext/hx-ptag.min.js",
    "ext/hx-sse.min.js": "htmx.org/dist/ext/hx-sse.min.js",
    "tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "tabler.min.js": "@tabler/core/dist/js/tabler.min.js",
    "sortable.min.js": "sortablejs/Sortable.min.js",
}

_NAME = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_LITERAL = re.compile(rf"""(["'])({_NAME})\1""")
_ONE_LITERAL = re.compile(rf"""\s*(["'])({_NAME})\1\s*""")
_CALL = re.compile(r"\b(?:draw_)?icon\(")
_KEYWORD = re.compile(r"""\bicon\s*=(?!=)|["']icon["']\s*:""")
_ROWS = re.compile(r"{%-?\s*(?:for\b.*?\bin|set\b.*?=)\s*([(\[{].*?)-?%}", re.DOTALL)
_REFERENCE = re.compile(rf"#icon-({_NAME})")
_VENDOR_FILE = re.compile(r"vendor/([\w./-]+\.(?:js|css|svg))")


class VendorError(Exception):
    """A library or an icon is not there; the message says which and who wants it."""


def main() -> int:
    """Copy and build what has changed; 0 when all is in place."""
    try:
        copy_libraries()
        icons = find_icons()
        write(VENDOR / "icons.svg", sprite(icons).encode())
        check_references()
    except VendorError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def copy_libraries() -> None:
    """Copy the files of LIBRARIES, and remove what is no longer among them."""
    for target, source in LIBRARIES.items():
        path = MODULES / source
        if not path.exists():
            raise VendorError(f"{path.relative_to(ROOT)} is missing: run `make setup`.")
        write(VENDOR / target, path.read_bytes())
    wanted = {VENDOR / name for name in LIBRARIES} | {VENDOR / "icons.svg"}
    for path in VENDOR.rglob("*"):
        # A name with a dot in front is a file another run is just writing.
        if path.is_file() and path not in wanted and not path.name.startswith("."):
            path.unlink()


def find_icons() -> list[str]:
    """The names of all icons in use, in order.

    Raises:
        VendorError: Tabler has no icon of a name.
    """
    found: dict[str, str] = {}
    for file in sources():
        text = file.read_text(encoding="utf-8")
        for name, certain in names_in(text, template=file.suffix == ".html"):
            if icon_file(name).exists():
                found.setdefault(name, str(file))
            elif certain:
                raise VendorError(f"{file.relative_to(ROOT)} names the icon {name!r}, which Tabler does not have.")
    for line in LISTED.read_text().splitlines():
        name = line.partition("#")[0].strip()
        if name and not icon_file(name).exists():
            raise VendorError(f"{LISTED.relative_to(ROOT)} names the icon {name!r}, which Tabler does not have.")
        if name:
            found.setdefault(name, str(LISTED))
    return sorted(found)


def names_in(text: str, *, template: bool) -> Iterator[tuple[str, bool]]:
    """Every name of an icon in a file, and whether it is certainly one.

    A single string where an icon is expected certainly is. Strings of an expression, or of the rows a
    template loops over, are icons if Tabler has them.
    """
    if template:
        text = re.sub(r"{#.*?#}", "", text, flags=re.DOTALL)
    for match in [*_CALL.finditer(text), *_KEYWORD.finditer(text)]:
        argument = first_argument(text, match.end())
        if only := _ONE_LITERAL.fullmatch(argument):
            yield only[2], True
        else:
            yield from ((literal[2], False) for literal in _LITERAL.finditer(argument))
    yield from ((name, True) for name in _REFERENCE.findall(text))
    if template:
        for rows in _ROWS.findall(text):
            yield from ((literal[2], False) for literal in _LITERAL.finditer(rows))


def first_argument(text: str, start: int) -> str:
    """The expression that begins at `start`, up to its comma, closing bracket or line's end."""
    depth = 0
    for position in range(start, min(len(text), start + 500)):
        character = text[position]
        if character in "([{":
            depth += 1
        elif character in ")]}":
            if depth == 0:
                return text[start:position]
            depth -= 1
        elif character in ",%\n" and depth == 0:
            return text[start:position]
    return text[start : start + 500]


def icon_file(name: str) -> Path:
    """Where Tabler keeps an icon; `user-filled` is the filled `user`."""
    outline = ICONS / "outline" / f"{name}.svg"
    if name.endswith("-filled") and not outline.exists():
        return ICONS / "filled" / f"{name.removesuffix('-filled')}.svg"
    return outline


def sprite(names: list[str]) -> str:
    """One SVG with a symbol for each icon."""
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "".join(map(symbol, names)) + "</svg>\n"


def symbol(name: str) -> str:
    """An icon as a symbol that takes the colour of the text around it."""
    file = icon_file(name)
    text = file.read_text()
    shapes = re.sub(r"^.*?<svg[^>]*>|</svg>\s*$", "", text, flags=re.DOTALL)
    shapes = shapes.replace('<path stroke="none" d="M0 0h24v24H0z" fill="none" />', "")
    shapes = " ".join(shapes.split()).replace(" />", "/>").replace("> <", "><")
    if file.parent.name == "filled":
        look = 'fill="currentColor"'
    else:
        ends = 'stroke-linecap="round" stroke-linejoin="round"'
        look = f'fill="none" stroke="currentColor" stroke-width="2" {ends}'
    return f'<symbol id="icon-{name}" viewBox="0 0 24 24" {look}>{shapes}</symbol>\n'


def check_references() -> None:
    """Every file of vendor/ that the code asks for is there."""
    for file in sources():
        for name in _VENDOR_FILE.findall(file.read_text(encoding="utf-8")):
            if not (VENDOR / name).exists():
                raise VendorError(f"{file.relative_to(ROOT)} asks for vendor/{name}: add it to deploy/local/vendor.py.")


def sources() -> Iterator[Path]:
    """The files that may name an icon or a library."""
    app = ROOT / "app"
    yield from sorted(app.rglob("*.py"))
    yield from sorted((app / "templates").rglob("*.html"))
    for path in sorted((app / "static").rglob("*.js")):
        if VENDOR not in path.parents:
            yield path


def write(path: Path, content: bytes) -> None:
    """Write a file if its content is new: whole or not at all, as others may be reading."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)


if __name__ == "__main__":
    sys.exit(main())
