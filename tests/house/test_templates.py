"""Templates keep the rules of the house: they parse, run no script of their own, and work without any."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import nodes

from app.config import ROOT

FOLDER = ROOT / "app" / "templates"
TEMPLATES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.html"))
MACROS = [name for name in TEMPLATES if name.startswith("ui/")]
# Their content goes into an element of the page; every other block takes the place of the element it names.
SWAPPED_INSIDE = {"dialog", "similar", "content", "page", "field"}
GLOBALS_OF_MACROS = {"ui/icon.html": {"asset"}}
BUILT_IN = {"range", "dict", "namespace", "caller", "loop", "varargs", "kwargs", "true", "false", "none"}
_TAG = re.compile(r"<([a-z][a-z0-9-]*)\b((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>", re.IGNORECASE | re.DOTALL)
_JINJA = re.compile(r"\{#.*?#\}", re.DOTALL)
_SPEECH = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)


def source(name: str) -> str:
    """The template without comments."""
    return _JINJA.sub("", (FOLDER / name).read_text())


def tags(name: str) -> Iterator[tuple[str, str]]:
    """Each tag with its attributes; Jinja in them is kept as «…» so that quotes in it confuse nothing."""
    text = _SPEECH.sub(lambda found: "«" + re.sub(r"[<>\"']", "", found[0]) + "»", source(name))
    for found in _TAG.finditer(text):
        yield found[1].lower(), found[2]


def test_there_are_templates_to_check() -> None:
    assert len(TEMPLATES) > 20
    assert any(attributes for name in TEMPLATES for tag, attributes in tags(name) if tag == "form")


@pytest.mark.parametrize("name", TEMPLATES)
def test_parses_and_compiles(whole_app: Flask, name: str) -> None:
    whole_app.jinja_env.get_template(name)


@pytest.mark.parametrize("name", TEMPLATES)
def test_nothing_inline(name: str) -> None:
    if name == "errors/500.html":
        pytest.skip("stands alone: it must be readable when nothing else answers")
    if name.startswith("email/"):
        pytest.skip("mail programs read inline styles only; the test below has its rules")
    for tag, attributes in tags(name):
        assert tag != "style", f"{name}: put styles into static/css"
        if tag == "script":
            assert re.search(r"\bsrc=", attributes), f"{name}: put scripts into static/js/behaviours"
        for pattern, instead in (
            (r"(?:^|\s)style\s*=", "a class of static/css"),
            (r"(?:^|\s)on[a-z]+\s*=", 'data-behaviour="name"'),
            (r"hx-on", 'data-behaviour="name"'),
            (r"hx-vals\s*=\s*.?js:|hx-headers\s*=\s*.?js:|javascript:", "a hidden field"),
            (r"hx-trigger\s*=\s*\"[^\"]*\[", "an event that a behaviour sends: filters need eval and are ignored"),
            (r"hx-(?:put|patch|delete)\b", "hx-post on a form: every write works without script"),
        ):
            assert not re.search(pattern, attributes, re.IGNORECASE), (
                f"{name}: <{tag} {attributes[:80]}>: use {instead}"
            )


@pytest.mark.parametrize("name", TEMPLATES)
def test_htmx_only_where_it_works_without(name: str) -> None:
    for tag, attributes in tags(name):
        if "hx-post" in attributes:
            real = tag == "form" and re.search(r'method="post"', attributes) and "action=" in attributes
            assert real, f'{name}: <{tag}>: write hx-post only on <form method="post" action=…>'
        if "hx-get" in attributes:
            link = tag == "a" and "href=" in attributes
            form = tag == "form" and re.search(r'method="get"', attributes) and "action=" in attributes
            region = tag in ("div", "section", "span", "tbody") and "hx-trigger" in attributes and "id=" in attributes
            url = re.search(r'hx-get="([^"]*)"', attributes)
            assert link or form or region, f"{name}: <{tag}>: hx-get only on a link, a GET form or a region with an id"
            assert url is not None
            assert url[1] not in ("", "#"), f"{name}: <{tag}>: hx-get needs a real address"


@pytest.mark.parametrize("name", TEMPLATES)
def test_forms_that_post_carry_the_token(name: str) -> None:
    for form in re.split(r"<form\b", source(name))[1:]:
        head = form.partition(">")[0]
        if re.search(r'method="post"', head, re.IGNORECASE):
            body = form.partition("</form>")[0]
            assert "csrf" in body, f"{name}: a form that posts needs ui.csrf_field(csrf_token()), or csrf= for a macro"


@pytest.mark.parametrize("name", [name for name in TEMPLATES if not name.startswith(("ui/", "layouts/"))])
def test_a_block_is_the_element_of_its_name(name: str) -> None:
    """A block that is answered to a fragment and holds an id begins with the element of that id."""
    for block, body in re.findall(
        r"\{%-?\s*block\s+(\w+)\s*-?%\}(.*?)(?=\{%-?\s*(?:end)?block)", source(name), re.DOTALL
    ):
        first = re.match(r"\s*(?:\{%[^%]*%\}\s*)*<\w+[^>]*\bid=\"([\w-]+)\"", body)
        if first and block not in SWAPPED_INSIDE:
            assert first[1] == block, f"{name}: block {block} begins with id {first[1]}; give both one name"


@pytest.mark.parametrize("name", MACROS)
def test_macros_read_their_arguments_only(whole_app: Flask, name: str) -> None:
    env = whole_app.jinja_env
    tree = env.parse((FOLDER / name).read_text())
    known = BUILT_IN | GLOBALS_OF_MACROS.get(name, set())
    known |= {macro.name for macro in tree.find_all(nodes.Macro)}
    for imported in tree.find_all(nodes.FromImport):
        known |= {alias[1] if isinstance(alias, tuple) else alias for alias in imported.names}
    for macro in tree.find_all(nodes.Macro):
        own = {argument.name for argument in macro.args}
        own |= {found.name for found in macro.find_all(nodes.Name) if found.ctx in ("store", "param")}
        read = {found.name for found in macro.find_all(nodes.Name) if found.ctx == "load"}
        stray = read - own - known
        assert not stray, f"{name}: macro {macro.name} reads {sorted(stray)}: pass it in as an argument"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("email/**/*.*")), ids=lambda path: path.name)
def test_mail_loads_nothing_and_names_whole_addresses(path: Path) -> None:
    text = _JINJA.sub("", path.read_text())
    if path.suffix == ".md":
        return
    for pattern, instead in (
        (r"\burl_for\b|\basset\b", "link(endpoint): an address of the request would be the asker's to choose"),
        (r"<(?:img|script|link|iframe|form|video)\b|url\(|@import|\bsrc=", "words: mail loads nothing"),
        (r"(?:^|\s)on[a-z]+\s*=|hx-|data-behaviour", "a link to a page"),
    ):
        assert not re.search(pattern, text), f"{path.name}: instead of {pattern} use {instead}"
    if path.parent.name != "email":
        assert path.with_suffix(".txt").exists(), f"{path.name}: the text comes first, as {path.stem}.txt"


def test_no_template_marks_text_as_safe() -> None:
    for path in Path(FOLDER).rglob("*.html"):
        assert not re.search(r"\|\s*safe\b|autoescape\s+false", path.read_text()), (
            f"{path.name}: sanitise in Python (core.markdown) and pass Markup"
        )
