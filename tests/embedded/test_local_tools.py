"""The tools around `make run`: the sprite builder, the check of the port, the browser."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import ModuleType

import pytest
from playwright.sync_api import sync_playwright

from tests.support.chromium import launch_chromium

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def vendor() -> ModuleType:
    spec = importlib.util.spec_from_file_location("vendor", ROOT / "deploy/local/vendor.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{{ icon("user") }}', {("user", True)}),
        ("{{ draw_icon('arrow-up', class=\"x\") }}", {("arrow-up", True)}),
        ('{{ button("Save", icon="check") }}', {("check", True)}),
        ('Place("Leads", icon="users")', {("users", True)}),
        ('{"icon": "bell", "label": "plus"}', {("bell", True)}),
        ('{{ icon("sun" if x == "a" else "moon") }}', {("sun", False), ("a", False), ("moon", False)}),
        ('{% for v, n in [("light", "sun")] %}{{ icon(n) }}{% endfor %}', {("light", False), ("sun", False)}),
        ('{# {{ icon("not-an-icon") }} #}', set()),
        ('<link rel="icon" href="x">', set()),
        ("use.setAttribute('href', `${sprite}#icon-x`)", {("x", True)}),
    ],
)  # fmt: skip
def test_icons_are_found_where_they_are_named(vendor: ModuleType, text: str, expected: set[object]) -> None:
    assert set(vendor.names_in(text, template=True)) == expected


def test_an_unknown_icon_names_its_file(vendor: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.html"
    page.write_text('{{ icon("no-such-icon-anywhere") }}')
    monkeypatch.setattr(vendor, "ROOT", tmp_path)
    monkeypatch.setattr(vendor, "sources", lambda: [page])
    with pytest.raises(vendor.VendorError, match=r"page\.html names the icon 'no-such-icon-anywhere'"):
        vendor.find_icons()


def test_the_sprite_is_xml_with_every_icon_in_use(vendor: ModuleType) -> None:
    assert vendor.main() == 0
    tree = ElementTree.parse(ROOT / "app/static/vendor/icons.svg")
    ids = [symbol.get("id") for symbol in tree.getroot()]
    assert ids == [f"icon-{name}" for name in vendor.find_icons()]
    assert all(len(symbol) for symbol in tree.getroot())


def test_a_taken_port_is_said_in_words_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        environment = os.environ | {
            "PORT": str(port),
            "HOST": "127.0.0.1",
            "FAIRLEAD_STATE": str(tmp_path / "var"),
        }
        done = subprocess.run(
            [sys.executable, str(ROOT / "deploy/local/run.py")],
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert done.returncode == 1
    assert f"Port {port} on 127.0.0.1 is already in use (by process {os.getpid()}" in done.stderr
    assert "PORT=" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "var").exists()


@pytest.mark.browser
def test_the_browser_starts_and_draws_text() -> None:
    with sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        page = browser.new_page()
        page.set_content("<span style='font: 40px sans-serif'>iiii</span> <b style='font: 40px sans-serif'>WWWW</b>")
        widths = page.evaluate("['span', 'b'].map(tag => document.querySelector(tag).getBoundingClientRect().width)")
        browser.close()
    # Without fonts every letter is the same box.
    assert 0 < widths[0] < widths[1] / 2
