"""A test client that reads every page it is given, as a person with a screen reader or a strict browser would."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

_CSRF = re.compile(r"""name="csrf_token" value="([^"]+)"|"X-CSRFToken": "([^"]+)\"""")
_INLINE = re.compile(r"<[^>]+\s(?:on[a-z]+|style)\s*=", re.IGNORECASE)


class PageResponse(TestResponse):
    """An answer with its page at hand."""

    @property
    def soup(self) -> BeautifulSoup:
        return BeautifulSoup(self.get_data(as_text=True), "html.parser")

    def texts(self, selector: str) -> list[str]:
        """What stands in the elements that match, white space folded."""
        return [" ".join(element.get_text(" ").split()) for element in self.soup.select(selector)]

    def text_of(self, selector: str) -> str:
        found = self.texts(selector)
        assert found, f"nothing matches {selector}"
        return found[0]

    @property
    def toasts(self) -> list[str]:
        return self.texts("[data-toast] .toast-text")

    @property
    def problems(self) -> list[str]:
        """Sentences of the error summary."""
        return self.texts("[data-error-summary] li")


class PageClient(FlaskClient):
    """Posts like the page would (with its token), and looks at each HTML answer.

    `root` is the tenant's prefix: `client.get("/leads")` asks for `/t/acme/leads`. Paths that begin with the
    prefix, `/static/` or `/api/health` go as they are.
    """

    root: str = ""
    user_id: UUID | None = None
    """Who is signed in, where the test made them."""
    program: Callable[[], str] | None = None
    """The token of a program of whoever is signed in here, which may all they may; None if nobody is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.token: str | None = None

    def open(self, *args: Any, check: bool = True, **kwargs: Any) -> PageResponse:  # type: ignore[override]
        if args and isinstance(args[0], str):
            args = (self._rooted(args[0]), *args[1:])
        response: PageResponse = super().open(*args, **kwargs)  # type: ignore[assignment]
        self._remember_token(response)
        if check:
            inspect(response)
        return response

    def fragment(self, path: str, *, target: str, method: str = "GET", tag: str = "div", **kwargs: Any) -> PageResponse:
        """As htmx would ask for a part of a page."""
        headers = {
            "HX-Request": "true",
            "HX-Request-Type": "partial",
            "HX-Target": f"{tag}#{target}",
            **kwargs.pop("headers", {}),
        }
        ask = self.submit if method == "POST" else self.open
        return ask(path, headers=headers, **({} if method == "POST" else {"method": method}), **kwargs)

    def submit(self, path: str, data: dict[str, Any] | None = None, **kwargs: Any) -> PageResponse:
        """POSTs a form with the token of this session."""
        return self.post(path, data={"csrf_token": self.csrf(), **(data or {})}, **kwargs)

    def csrf(self) -> str:
        """The token of this session, from the last page that carried one."""
        if self.token is None:
            self.get("/no-such-page")
        assert self.token is not None, "no page gave a token"
        return self.token

    def sign_in(self, email: str, password: str) -> PageResponse:
        self.token = None
        response = self.submit("/sign-in", {"email": email, "password": password})
        self.token = None
        return response

    def _rooted(self, path: str) -> str:
        if path.startswith((f"{self.root}/", "/static/", "/api/health", "/t/", "http")):
            return path
        return self.root + path

    def _remember_token(self, response: TestResponse) -> None:
        if response.mimetype == "text/html" and "Content-Length" in response.headers:
            found = _CSRF.search(response.get_data(as_text=True))
            if found:
                self.token = found[1] or found[2]


def inspect(response: TestResponse) -> None:
    """Fails on what is wrong with any page: two h1, ids twice, no title, inline script or style."""
    if response.mimetype != "text/html" or "Content-Length" not in response.headers or not response.data:
        return
    html = response.get_data(as_text=True)
    soup = BeautifulSoup(html, "html.parser")
    where = f"{response.request.method} {response.request.path}"
    ids = Counter(str(element["id"]) for element in soup.find_all(id=True) if not _in_template(element))
    twice = [identifier for identifier, count in ids.items() if count > 1]
    assert not twice, f"{where}: ids stand twice: {twice}"
    assert not _INLINE.search(html), f"{where}: inline style or handler: {_INLINE.search(html)}"
    if soup.find("html") is None:
        return
    assert len(soup.find_all("h1")) == 1, f"{where}: {len(soup.find_all('h1'))} h1 on the page"
    title = soup.find("title")
    assert title is not None, f"{where}: no title"
    assert title.get_text(strip=True), f"{where}: the title is empty"
    for form in soup.find_all("form", method=re.compile("post", re.IGNORECASE)):
        assert form.find("input", attrs={"name": "csrf_token"}), (
            f"{where}: a form without its token: {form.get('action')}"
        )
    for control in soup.select("input:not([type=hidden]), select, textarea"):
        assert _is_labelled(control, soup), f"{where}: no label: {control}"


def _in_template(element: Any) -> bool:
    return element.find_parent("template") is not None


def _is_labelled(control: Any, soup: BeautifulSoup) -> bool:
    if control.get("aria-label") or control.get("aria-labelledby") or control.find_parent("label"):
        return True
    identifier = control.get("id")
    return bool(identifier and soup.find("label", attrs={"for": identifier})) or _in_template(control)
