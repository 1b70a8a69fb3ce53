"""The same nine questions to every endpoint. A test file says what its endpoint is; the answers must be these.

    class TestEdit(Battery):
        path = "/leads/{id}/edit"
        form = {"last_name": "Roe"}

Whoever cannot see a record gets the same answer as for an id that does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.clients import PageClient, PageResponse
from tests.support.servers import PASSWORD
from tests.support.world import World, unknown_id

_VARIES = re.compile(r"[\w-]{20,}\.[\w-]{6}\.[\w-]{20,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Battery:
    """Inherit, say `path` and what it takes; `ids` makes what stands in the path."""

    path: ClassVar[str]
    method: ClassVar[str] = "GET"
    form: ClassVar[Mapping[str, Any]] = {}
    target: ClassVar[str] = ""
    """The id of the element a fragment is for; empty if the endpoint has none."""
    swaps_inside: ClassVar[bool] = False
    """The fragment goes into that element instead of taking its place."""
    as_page: ClassVar[int] = 200
    as_fragment: ClassVar[int] = 200
    viewer_may: ClassVar[bool] = False
    role: ClassVar[str] = "agent"
    invalid: ClassVar[Mapping[str, Any] | None] = None
    """A form that is refused; every value in it must still be on the page."""
    wrong_method: ClassVar[str] = "DELETE"

    def __init_subclass__(cls) -> None:
        """Leaves out the questions that cannot be asked of this endpoint."""
        cls.swaps_inside = cls.swaps_inside or cls.target == "dialog"
        if not cls.target:
            cls.test_as_a_fragment = None  # type: ignore[method-assign, assignment]
        if not cls.target or cls.method != "GET":
            cls.test_signed_out_as_a_fragment = None  # type: ignore[method-assign, assignment]
        if cls.invalid is None:
            cls.test_invalid_keeps_what_was_typed = None  # type: ignore[method-assign, assignment]
        if "{" not in cls.path:
            cls.test_stranger_and_unknown_id = cls.test_malformed_id = None  # type: ignore[method-assign, assignment]

    def ids(self, world: World) -> dict[str, Any]:
        """What the path names; by default one lead under `{id}`."""
        return {"id": world.add()} if "{id}" in self.path else {}

    def typed(self, world: World, ids: Mapping[str, Any]) -> dict[str, Any]:
        """The form, with what only the world knows."""
        values = dict(self.form)
        if "version" in values and "id" in ids:
            values["version"] = world.row(ids["id"])["version"]
        return values

    def ask(self, client: PageClient, path: str, form: Mapping[str, Any], *, fragment: bool = False) -> PageResponse:
        if fragment:
            extra = {"data": dict(form)} if self.method == "POST" else {}
            return client.fragment(path, target=self.target, method=self.method, **extra)
        return client.submit(path, dict(form)) if self.method == "POST" else client.get(path)

    @pytest.fixture
    def named(self, world: World) -> dict[str, Any]:
        return self.ids(world)

    @pytest.fixture
    def address(self, named: dict[str, Any]) -> str:
        return self.path.format(**named)

    def test_works_without_script(
        self, as_role: Callable[..., PageClient], world: World, named: dict[str, Any], address: str
    ) -> None:
        client = as_role(self.role)
        answer = self.ask(client, address, self.typed(world, named))
        assert answer.status_code == self.as_page
        if self.as_page == 303:
            answer = client.get(answer.headers["Location"])
        assert answer.status_code == 200
        assert answer.soup.find("html"), "without script the answer is a whole page"

    def test_as_a_fragment(
        self, as_role: Callable[..., PageClient], world: World, named: dict[str, Any], address: str
    ) -> None:
        answer = self.ask(as_role(self.role), address, self.typed(world, named), fragment=True)
        assert answer.status_code == self.as_fragment
        assert answer.soup.find("html") is None, "a fragment was answered with a whole page"
        if answer.status_code == 200 and "HX-Reswap" not in answer.headers:
            inside = answer.soup.find(id=re.compile(rf"^{self.target}")) or self.swaps_inside
            assert inside, f"the fragment holds no element for #{self.target}"

    def test_viewer(self, viewer: PageClient, world: World, named: dict[str, Any], address: str) -> None:
        form, before = self.typed(world, named), world.all_events()
        answer = self.ask(viewer, address, form)
        if self.viewer_may:
            assert answer.status_code == self.as_page
        else:
            assert answer.status_code == 403
            assert world.all_events() == before

    def test_stranger_and_unknown_id(
        self, stranger: PageClient, world: World, named: dict[str, Any], address: str
    ) -> None:
        form, before = self.typed(world, named), world.all_events()
        foreign = self.ask(stranger, address, form)
        nothing = {name: unknown_id() if name.endswith("id") else value for name, value in named.items()}
        unknown = self.ask(stranger, self.path.format(**nothing), form)
        assert (foreign.status_code, unknown.status_code) == (404, 404)
        assert same(foreign) == same(unknown)
        assert world.all_events() == before

    def test_signed_out(self, client: PageClient, world: World, named: dict[str, Any], address: str) -> None:
        form, before = self.typed(world, named), world.all_events()
        answer = self.ask(client, address, form)
        assert answer.status_code == 303
        to = urlsplit(answer.headers["Location"])
        assert to.path == "/t/acme/sign-in"
        assert world.all_events() == before
        if self.method == "GET":
            back = parse_qs(to.query)["next"][0]
            assert back == f"/t/acme{address}"
            signed_in = client.submit(
                "/sign-in", {"email": f"{self.role}@acme.example", "password": PASSWORD, "next": back}
            )
            assert signed_in.headers["Location"] == back
            assert client.get(back).status_code == self.as_page

    def test_signed_out_as_a_fragment(self, client: PageClient, address: str) -> None:
        answer = self.ask(client, address, {}, fragment=True)
        assert answer.status_code == 401
        assert urlsplit(answer.headers["HX-Redirect"]).path == "/t/acme/sign-in"

    def test_malformed_id(self, owner: PageClient, world: World, named: dict[str, Any]) -> None:
        for bad in ("abc", "0", "%00", "..%2f..%2fetc", "0190-zz", "null", "' or 1=1 --"):
            broken = {name: bad if name.endswith("id") else value for name, value in named.items()}
            answer = self.ask(owner, self.path.format(**broken), self.form)
            assert answer.status_code == 404, bad

    def test_invalid_keeps_what_was_typed(
        self, as_role: Callable[..., PageClient], world: World, named: dict[str, Any], address: str
    ) -> None:
        assert self.invalid is not None
        before = world.all_events()
        for fragment in (False, True) if self.target else (False,):
            form = self.typed(world, named) | dict(self.invalid)
            answer = self.ask(as_role(self.role), address, form, fragment=fragment)
            assert answer.status_code == 422
            assert answer.problems or answer.texts(".field-error"), "no sentence says what is wrong"
            controls = answer.soup.select("input, textarea, option[selected]")
            values = {str(control.get("value") or control.get_text()).strip() for control in controls}
            for name, typed in self.invalid.items():
                assert not typed or str(typed).strip() in values, f"{name} was typed and is lost"
        assert world.all_events() == before

    def test_wrong_method(self, owner: PageClient, address: str) -> None:
        token = owner.csrf()
        answer = owner.open(address, method=self.wrong_method, headers={"X-CSRFToken": token})
        assert answer.status_code == 405
        assert self.method in answer.headers["Allow"]


def same(answer: PageResponse) -> str:
    """The body without what differs in every answer: tokens and ids."""
    return _VARIES.sub("", answer.get_data(as_text=True))
