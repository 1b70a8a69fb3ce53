"""Claim 28: a real browser visits every page there is, opens every dialog, and complains of nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.conftest import Person
from tests.support.site import Site, fill_sample

_WATCH = """
    window.__violations = [];
    document.addEventListener("securitypolicyviolation", event =>
        window.__violations.push(event.violatedDirective + " " + event.blockedURI));
"""
_MOST = 60


@pytest.mark.parametrize("role", ["owner", "viewer"])
def test_claim_28_no_violation_on_any_page(site: Site, person: Callable[..., Person], role: str) -> None:
    someone = person(role)
    fill_sample(site)
    someone.context.add_init_script(_WATCH)
    prefix = f"/t/{someone.tenant}"
    todo, seen, shapes = ["/leads/", "/nowhere", "/leads/nothing", "/sign-in"], set(), set()
    while todo and len(seen) < _MOST:
        path = todo.pop(0)
        shape = _shape(path)
        if path in seen or shape in shapes:
            continue
        seen.add(path)
        shapes.add(shape)
        page = someone.visit(path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.__violations") == [], path
        policy: Any = page.evaluate("fetch(location.href).then(r => r.headers.get('Content-Security-Policy'))")
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        links = page.eval_on_selector_all("a[href]", "all => all.map(one => one.getAttribute('href'))")
        forms = page.eval_on_selector_all("form[method=get]", "all => all.map(one => one.getAttribute('action'))")
        for link in (*links, *forms):
            # Files are no pages: the API's description is one that a page links to.
            if link and link.startswith(f"{prefix}/") and ".csv" not in link and not link.endswith(".json"):
                todo.append(link.removeprefix(prefix))
    assert len(seen) > (10 if role == "owner" else 5), seen


def _shape(path: str) -> str:
    """A hundred leads are one page; a filter of each kind is one."""
    address, _, query = path.partition("?")
    steps = ["*" if len(step) == 36 else step for step in address.split("/")]
    return "/".join(steps) + "?" + "&".join(sorted(part.partition("=")[0] for part in query.split("&")))


def test_claim_28_what_is_not_ours_is_blocked(site: Site, person: Callable[..., Person]) -> None:
    """The policy does something: script that got into a page does not run, and nothing is sent away."""
    someone = person("owner")
    page = someone.visit("/leads/")
    ran = page.evaluate(
        """async () => {
            const script = document.createElement("script");
            script.textContent = "window.__ran = true";
            document.body.append(script);
            const sent = await fetch("http://localhost:1/x").then(() => true, () => false);
            let evaluated = false;
            try { evaluated = new Function("return true")(); } catch { evaluated = false; }
            return [Boolean(window.__ran), sent, evaluated];
        }"""
    )
    # Playwright's own evaluation may use eval; ours, inside the page, may not.
    assert ran[:2] == [False, False]
    someone.complaints.clear()
