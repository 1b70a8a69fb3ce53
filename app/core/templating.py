"""What every template may use: `asset`, `ui`, `nav_items`, `toasts`, and the filters for times and numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel.core import Locale, UnknownLocaleError
from babel.numbers import format_currency, format_decimal
from flask import Flask, current_app, g, has_request_context, request, url_for
from markupsafe import Markup

from app.core import assets, hosts, hx
from app.core.moments import show_day, show_instant
from app.core.scope import Scope

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "theme"
_DRAWN = 2048


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of a menu. Shown to those who hold `permission`; `primary` ones fit the bottom bar.

    `area` is the menu: `main`, or the side menu of `settings` (the organisation's) or `account` (one's own).
    """

    endpoint: str
    label: str
    icon: str
    permission: str | None = None
    primary: bool = True
    order: int = 50
    area: str = "main"


@dataclass(frozen=True, slots=True)
class NavItem:
    """A place as the layout draws it, for this request."""

    label: str
    url: str
    icon: str
    active: bool
    primary: bool


class Macros:
    """All macros of `templates/ui/*.html` under one name; loaded at first use."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._macros: dict[str, Callable[..., Any]] = {}
        self.drawn = self._draw if app.debug else lru_cache(_DRAWN)(self._draw)

    def _draw(self, macro: str, *arguments: Hashable) -> Markup:
        """As calling the macro. What it made of equal arguments lately is not made anew: of the rows of a list that
        changed, nearly all are as they were, and drawing them is half of its time.
        """
        return self.__getattr__(macro)(*arguments)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if not self._macros or self._app.debug:
            self._macros = self._load()
        try:
            return self._macros[name]
        except KeyError:
            raise AttributeError(f"No macro {name!r} in templates/ui/.") from None

    def _load(self) -> dict[str, Callable[..., Any]]:
        env = self._app.jinja_env
        found: dict[str, Callable[..., Any]] = {}
        for template in env.list_templates(filter_func=lambda name: name.startswith("ui/")):
            if template.endswith(".html"):
                module = env.get_template(template).module
                found |= {name: value for name, value in vars(module).items() if not name.startswith("_")}
        return found


def init_app(app: Flask) -> None:
    """Registers globals, filters and what depends on the request."""
    env = app.jinja_env
    env.globals.update(
        asset=assets.url,
        ui=Macros(app),
        nav_items=nav_items,
        toasts=hx.toasts,
        hx_fragment=hx.is_fragment,
        bare_url=bare_url,
    )
    env.filters.update(query_string=urlencode, local_time=local_time, local_date=local_date, money=money, number=number)
    app.context_processor(_of_this_request)
    app.extensions["fairlead.templates"] = _templates_hash(app)
    app.extensions["fairlead.places"] = []


def add_place(app: Flask, place: Place) -> None:
    """Puts a place into its menu; called once per feature while the application is built."""
    places: list[Place] = app.extensions["fairlead.places"]
    places.append(place)
    places.sort(key=lambda item: (item.order, item.label))


def nav_items(area: str = "main") -> list[NavItem]:
    """A menu of whoever asks; empty when nobody is signed in."""
    scope: Scope | None = g.get("scope")
    if scope is None:
        return []
    return [
        _drawn(place)
        for place in current_app.extensions["fairlead.places"]
        if place.area == area and (place.permission is None or scope.may(place.permission))
    ]


def home_url() -> str:
    """Where a signed-in person starts: the first place of the menu."""
    places = nav_items()
    return places[0].url if places else url_for("accounts.home")


def bare_url() -> str:
    """Where an organisation is chosen."""
    return hosts.bare_url(request, current_app.extensions["fairlead.settings"])


def reader() -> Scope | None:
    """Whoever the page is rendered for, if anybody is signed in."""
    scope: Scope | None = g.get("scope")
    return scope


def build() -> str:
    """Changes with any template or static file: what is kept of a page is of one build."""
    return f"{current_app.extensions['fairlead.build']}-{current_app.extensions['fairlead.templates']}"


def theme() -> str:
    """What the person chose: auto, light or dark."""
    chosen = request.cookies.get(THEME_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


@contextmanager
def read_by(scope: Scope) -> Iterator[None]:
    """What is rendered inside shows times and numbers as `scope` reads them: mail, made in requests and jobs."""
    before = g.get("scope")
    g.scope = scope
    try:
        yield
    finally:
        g.scope = before


def local_time(value: datetime | None, scope: Scope | None = None, form: str = "medium") -> str:
    """An instant in the reader's zone and language."""
    if value is None:
        return ""
    return show_instant(value, _zone(scope), _locale(scope), form)


def local_date(value: date | datetime | None, scope: Scope | None = None, form: str = "medium") -> str:
    """A day as the reader writes it; an instant is first moved to the reader's zone."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.astimezone(_zone(scope)).date()
    return show_day(value, _locale(scope), form)


def money(value: Decimal | int | None, currency: str | None = None, scope: Scope | None = None) -> str:
    """An amount with its currency, as the reader writes it."""
    if value is None:
        return ""
    reader = scope or g.get("scope")
    return format_currency(value, currency or (reader.currency if reader else "USD"), locale=_locale(scope))


def number(value: Decimal | int | float | None, scope: Scope | None = None) -> str:
    return "" if value is None else format_decimal(value, locale=_locale(scope))


def _templates_hash(app: Flask) -> str:
    digest = hashlib.sha256()
    for name in sorted(app.jinja_env.list_templates()):
        loader = app.jinja_env.loader
        digest.update(loader.get_source(app.jinja_env, name)[0].encode() if loader else b"")
    return digest.hexdigest()[:12]


def _drawn(place: Place) -> NavItem:
    feature = place.endpoint.partition(".")[0]
    active = has_request_context() and request.blueprint == feature
    return NavItem(place.label, url_for(place.endpoint), place.icon, active, place.primary)


def _of_this_request() -> dict[str, Any]:
    if not has_request_context():
        return {"scope": None, "theme": "auto", "lang": "en"}
    # The pages are English whatever the locale is, which says how dates and numbers are written.
    scope = g.get("scope")
    return {"scope": scope, "theme": theme(), "lang": "en"}


def _zone(scope: Scope | None) -> Any:
    reader = scope or g.get("scope")
    return ZoneInfo(reader.zone) if reader else UTC


def _locale(scope: Scope | None) -> Locale:
    reader = scope or g.get("scope")
    try:
        return Locale.parse((reader.locale if reader else "en").replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")
