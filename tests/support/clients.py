"""A test client that reads every page it is given, as a person with a screen reader or a strict browser would."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any
from uuid import UUID

from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser, LexborNode
from werkzeug.test import Client, TestResponse

from app.accounts.actions.signing_in import proceed
from app.accounts.gate import tenant_info
from app.accounts.queries import find_user_by_email
from app.accounts.routes.arriving import go_on, origin
from app.core import db as database
from app.core.clock import now
from app.core.paths import TenantPaths
from app.core.scope import set_read_only

_CSRF = re.compile(r"""name="csrf_token" value="([^"]+)"|"X-CSRFToken": "([^"]+)\"""")
_INLINE = re.compile(r"<[^>]+\s(?:on[a-z]+|style)\s*=", re.IGNORECASE)
_WHOLE = re.compile(r"<html\b", re.IGNORECASE)


class PageResponse(TestResponse):
    """An answer with its page at hand."""

    @cached_property
    def page(self) -> LexborHTMLParser | None:
        """A whole page, as a browser reads it, in a fifteenth of the time `soup` takes; None if this is a fragment.

        Rows without their table are a fragment too, which only the forgiving parser keeps.
        """
        html = self.get_data(as_text=True)
        return LexborHTMLParser(html) if _WHOLE.search(html) else None

    @cached_property
    def soup(self) -> BeautifulSoup:
        """The page as a tree, which nobody changes: made once, for those who look, as it takes longer than the page."""
        return BeautifulSoup(self.get_data(as_text=True), "html.parser")

    def texts(self, selector: str) -> list[str]:
        """What stands in the elements that match, white space folded."""
        if self.page is not None:
            return [" ".join(element.text(separator=" ").split()) for element in self.page.css(selector)]
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

    def come_in(self, email: str) -> None:
        """Signs in as the page does, but for the password: to prove one takes 20 ms on purpose, and tests/accounts sees
        to it. What follows the password is the product's own: session, event, device, cookies.
        """
        app = self.application

        def door(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            with app.request_context(environ):
                assert app.preprocess_request() is None
                # It is asked for as a page is, without a form's token; and then it writes.
                database.rollback()
                set_read_only(False)
                tenant, user = tenant_info(), find_user_by_email(email)
                assert tenant is not None, f"no such organisation: {self.root}"
                assert user is not None, f"nobody has the address {email}"
                assert user.disabled_at is None, f"{email} is disabled"
                return app.process_response(go_on(proceed(tenant, user, origin(), at=now())))(environ, start_response)

        self.token = None
        path = f"{self.root}/sign-in"
        answer = Client(TenantPaths(door), use_cookies=False).get(path)
        assert answer.status_code == 303, answer.status
        self._update_cookies_from_response("localhost", path, answer.headers.getlist("Set-Cookie"))

    def _rooted(self, path: str) -> str:
        if path.startswith((f"{self.root}/", "/static/", "/api/health", "/t/", "http")):
            return path
        return self.root + path

    def _remember_token(self, response: TestResponse) -> None:
        if response.mimetype == "text/html" and "Content-Length" in response.headers:
            found = _CSRF.search(response.get_data(as_text=True))
            if found:
                self.token = found[1] or found[2]


def inspect(response: PageResponse) -> None:
    """Fails on what is wrong with any page: two h1, ids twice, no title, inline script or style."""
    if response.mimetype != "text/html" or "Content-Length" not in response.headers or not response.data:
        return
    html = response.get_data(as_text=True)
    where = f"{response.request.method} {response.request.path}"
    assert not _INLINE.search(html), f"{where}: inline style or handler: {_INLINE.search(html)}"
    page = response.page
    if page is None:
        found = response.soup.find_all(id=True)
        _ids_stand_once(where, (one["id"] for one in found if one.find_parent("template") is None))
        return
    _ids_stand_once(where, (element.attributes["id"] for element in page.css("[id]")))
    assert len(page.css("h1")) == 1, f"{where}: {len(page.css('h1'))} h1 on the page"
    title = page.css_first("title")
    assert title is not None, f"{where}: no title"
    assert title.text(strip=True), f"{where}: the title is empty"
    for form in _forms(page):
        if (form.attributes.get("method") or "").lower() == "post":
            assert form.css_first('input[name="csrf_token"]'), f"{where}: a form without its token: {form.html}"
    told = {label.attributes["for"] for label in page.css("label[for]")}
    for control in page.css("input:not([type=hidden]), select, textarea"):
        assert _is_labelled(control, told), f"{where}: no label: {control.html}"


def _ids_stand_once(where: str, ids: Iterable[Any]) -> None:
    twice = [identifier for identifier, count in Counter(ids).items() if count > 1]
    assert not twice, f"{where}: ids stand twice: {twice}"


def _forms(page: LexborHTMLParser) -> Iterator[LexborNode]:
    """Those of the page and those of its templates, which are documents of their own."""
    yield from page.css("form")
    for template in page.css("template"):
        yield from LexborHTMLParser(template.inner_html or "", is_fragment=True, fragment_tag="template").css("form")


def _is_labelled(control: LexborNode, told: set[str | None]) -> bool:
    """`told` are the ids that a label names."""
    if control.attributes.get("aria-label") or control.attributes.get("aria-labelledby"):
        return True
    if control.attributes.get("id") in told - {None, ""}:
        return True
    around = control.parent
    while around is not None and around.tag != "label":
        around = around.parent
    return around is not None
