"""The request, in order (architecture.md): every step is a function here, called by `init_app` in its order.

request id and timer → host → CSRF → tenant → session → the user's tenant is this tenant → declared access → view →
commit on 2xx and 3xx, else roll back → what waited for the commit → security headers, one log line.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID

from flask import Flask, Response, abort, current_app, g, request, session, url_for
from flask.sessions import SecureCookieSessionInterface
from uuid_utils import uuid7

from app.config import Settings
from app.core import db as database
from app.core import hosts, hx
from app.core.access import OPERATOR, PUBLIC, SIGNED_IN, Access, access_of
from app.core.errors import Forbidden, Unauthenticated
from app.core.paths import CONSOLE, TENANT_IN_PATH
from app.core.scope import (
    NOBODY,
    Scope,
    reset_read_only,
    reset_tenant,
    set_read_only,
    set_tenant,
)
from app.extensions import csrf

log = logging.getLogger("fairlead.request")

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=(), "
        "publickey-credentials-get=(self), publickey-credentials-create=(self)"
    ),
}


@dataclass(frozen=True, slots=True)
class Tenant:
    """What the pipeline needs to know of a tenant."""

    id: UUID
    slug: str
    name: str
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Watch:
    """How somebody who stays connected is looked after: `holds()` says whether the same session goes on with the same
    rights, in an application context; `names` are live names that are a reason to look at once.
    """

    session: str
    names: frozenset[str]
    holds: Callable[[], bool]


class Gate(Protocol):
    """Who knows tenants and people: `accounts.gate`. The pipeline itself knows no feature."""

    def find_tenant(self, name: str) -> Tenant | None:
        """The tenant of this slug or id."""

    def find_scope(self, tenant: Tenant) -> Scope | None:
        """Who asks, or None when nobody is signed in. Raises Forbidden for someone of another tenant."""

    def find_bearer_scope(self, tenant: Tenant) -> Scope | None:
        """Who the request's token stands for; None without a good one. Raises Forbidden for another tenant's."""

    def watch(self, scope: Scope) -> Watch:
        """Looks after the session of this request for as long as its answer lasts."""

    def tenant_of_bearer(self) -> str | None:
        """The tenant that the request's token is of, for an address that names none."""

    def bearer_problem(self) -> str | None:
        """What is wrong with the token that the request carries; None if it carries none."""


class Console(Protocol):
    """Who knows the operators: `operator.gate`, where there is a console."""

    def find_operator(self) -> Any:
        """Who is signed in at the console, or None."""


class TenantCookies(SecureCookieSessionInterface):
    """The session cookie belongs to one tenant's path, so two tenants in one browser do not share it.

    Its name does too: for `/t/acme/…` a browser also sends the cookie of `/`, and their order is not certain.
    The operators' console has one of its own, which no other site's link or form brings along.
    """

    def get_cookie_name(self, app: Flask) -> str:
        slug = request.environ.get(TENANT_IN_PATH)
        name: str = app.config["SESSION_COOKIE_NAME"]
        if _at_console():
            return f"{name}_operator"
        return f"{name}-{slug}" if slug else name

    def get_cookie_path(self, app: Flask) -> str:
        return CONSOLE if _at_console() else request.root_path or "/"

    def get_cookie_samesite(self, app: Flask) -> str | None:
        return "Strict" if _at_console() else super().get_cookie_samesite(app)


def init_app(app: Flask, settings: Settings, gate: Gate) -> None:
    """Installs the steps. Flask runs them in this order; `_finish` is the one thing done afterwards."""
    app.session_interface = TenantCookies()
    app.extensions["fairlead.gate"] = gate
    app.extensions["fairlead.headers"] = _headers(settings)
    for step in (_start, _check_host, _limit_body, _refuse_forgeries, _enter_tenant, _enter_session, _check_access):
        app.before_request(step)
    app.after_request(_finish)
    app.teardown_request(_leave)


def current_scope() -> Scope:
    """Who asks. For routes that need someone signed in.

    Raises:
        RuntimeError: the route is public, or this is no request.
    """
    scope: Scope | None = g.get("scope")
    if scope is None:
        raise RuntimeError("Nobody is signed in here; declare @signed_in or @requires on the route.")
    return scope


def watch() -> Watch:
    """Who asks, for an answer that lasts: a stream."""
    gate: Gate = current_app.extensions["fairlead.gate"]
    return gate.watch(current_scope())


def is_unattended() -> bool:
    """Whether the page asks by itself: that alone keeps nobody signed in."""
    view = current_app.view_functions.get(request.endpoint or "")
    return hx.is_live() or hasattr(view, "__unattended__")


def request_id() -> str:
    """The number that a person can quote and the log knows."""
    return g.get("request_id", "-")


def is_api() -> bool:
    """Whether the answer is read by a program."""
    return request.path.startswith("/api/")


def _start() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else str(uuid7())
    g.started = time.perf_counter()


def _check_host() -> None:
    """Health is asked by load balancers under whatever name or number they know; it says nothing of anybody."""
    if request.blueprint != "health":
        hosts.check_host(request, current_app.extensions["fairlead.settings"])


def _limit_body() -> None:
    """A body as large as a file only where a route takes files, and only from someone who has signed in.

    The signed cookie is enough to decide this: it comes before anything is read from the body. A route that reads its
    body itself says how much it takes, and looks at who sends it before it reads.
    """
    view = current_app.view_functions.get(request.endpoint or "")
    settings: Settings = current_app.extensions["fairlead.settings"]
    uploads = getattr(view, "__accepts_uploads__", False) and "_user_id" in session
    itself = getattr(view, "__accepts_bodies__", 0)
    request.max_content_length = settings.max_upload if uploads else itself or settings.max_form


def _refuse_forgeries() -> None:
    """A write must come from our own pages: by what the browser says of its origin, and by the token.

    Under /api/ cookies count for nothing (`_enter_session`), so there is nothing to forge.
    """
    if request.method in _SAFE or is_api():
        return
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise Forbidden("This request came from another site and was refused.")
    origin = request.headers.get("Origin")
    if origin and origin != "null" and urlsplit(origin).netloc != request.host:
        raise Forbidden("This request came from another site and was refused.")
    csrf.protect(apply_exemptions=True)


def _enter_tenant() -> Response | None:
    """Finds the tenant by header, subdomain or path; every transaction from here on belongs to it.

    Raises:
        Suspended: by the operator.
        SeveralTenants: they name different ones.
    """
    g.scope_tokens = (set_tenant(NOBODY), set_read_only(_reads_only()))
    tenant = _tenant_named()
    if tenant is None:
        return None
    if tenant.suspended:
        raise hosts.Suspended
    # Looking the tenant up may have begun a transaction, and that one belongs to nobody.
    database.rollback()
    g.tenant = tenant
    set_tenant(tenant.id)
    return None


def _tenant_named() -> Tenant | None:
    """The one tenant that everything in the request agrees on; None if nothing names any."""
    gate: Gate = current_app.extensions["fairlead.gate"]
    names = hosts.tenant_names(request, current_app.extensions["fairlead.settings"])
    if not names and is_api() and (claimed := gate.tenant_of_bearer()):
        names = [claimed]
    found = [gate.find_tenant(name) for name in names]
    if None in found:
        g.unknown_tenant = True
        abort(404)
    if len({tenant.id for tenant in found if tenant}) > 1:
        raise hosts.SeveralTenants
    return found[0] if found else None


def _enter_session() -> None:
    if "tenant" in g:
        gate: Gate = current_app.extensions["fairlead.gate"]
        scope = gate.find_bearer_scope(g.tenant) if is_api() else gate.find_scope(g.tenant)
        if scope is not None and scope.tenant_id != g.tenant.id:
            raise Forbidden("You are signed in to another organisation.")
        g.scope = scope


def _check_access() -> Any:
    """Nothing is open by accident: a view that declares no access is refused.

    Raises:
        Forbidden: the role does not hold the permission.
        Unauthenticated: a program showed no good token.
        RuntimeError: the view declares nothing (in tests; otherwise it is Forbidden).
    """
    if request.url_rule is None or _is_automatic_options():
        return None
    access = access_of(current_app.view_functions[request.url_rule.endpoint])
    if access is None:
        if current_app.testing:
            raise RuntimeError(f"{request.endpoint} declares no access: use @requires, @signed_in or @public.")
        raise Forbidden
    if access.need == PUBLIC:
        return None
    return _check_operator() if access.need == OPERATOR else _check_person(access)


def _check_person(access: Access) -> Any:
    if is_api() and g.get("scope") is None:
        gate: Gate = current_app.extensions["fairlead.gate"]
        raise Unauthenticated(gate.bearer_problem())
    if "tenant" not in g:
        return hx.redirect(url_for("accounts.home")) if request.method in _SAFE else abort(404)
    scope: Scope | None = g.scope
    if scope is None:
        return hx.redirect_to_sign_in()
    if access.need != SIGNED_IN and not scope.may(access.need):
        raise Forbidden(f"This needs {access.need}, which your role or this token lacks.") if is_api() else Forbidden()
    return None


def _check_operator() -> Any:
    """There is no console at a tenant's address, nor where the installation has none."""
    console: Console | None = current_app.extensions.get("fairlead.console")
    if console is None or "tenant" in g:
        return abort(404)
    g.operator = console.find_operator()
    return None if g.operator is not None else hx.redirect_to_sign_in("operator.sign_in")


def _finish(response: Response) -> Response:
    """Commits or rolls back, then dresses the answer. A commit that fails becomes an error page."""
    if response.status_code < 400:
        database.commit()
    else:
        database.rollback()
    response = hx.finish(response)
    for name, value in current_app.extensions["fairlead.headers"].items():
        response.headers.setdefault(name, value)
    response.headers["Cache-Control"] = "no-store"
    elapsed = (time.perf_counter() - g.get("started", time.perf_counter())) * 1000
    response.headers["X-Request-ID"] = request_id()
    response.headers["X-Response-Time"] = f"{elapsed:.1f}ms"
    _log(response, elapsed)
    return response


def _leave(error: BaseException | None) -> None:
    tokens = g.pop("scope_tokens", None)
    if tokens is None:
        return
    try:
        reset_tenant(tokens[0])
        reset_read_only(tokens[1])
    except ValueError:
        # A streamed answer is ended in another context than it began in; that one ends with it.
        set_tenant(None)
        set_read_only(False)


def _log(response: Response, elapsed: float) -> None:
    scope: Scope | None = g.get("scope")
    log.info(
        "request",
        extra={
            "method": request.method,
            "path": request.root_path + request.path,
            "endpoint": request.endpoint,
            "status": response.status_code,
            "ms": round(elapsed, 1),
            "queries": g.get("queries", 0),
            "request_id": request_id(),
            "tenant": g.tenant.slug if "tenant" in g else None,
            "user_id": str(scope.user_id) if scope else None,
            "fragment": hx.target() if hx.is_fragment() else None,
        },
    )


def _at_console() -> bool:
    path = request.environ.get("PATH_INFO", "")
    return TENANT_IN_PATH not in request.environ and (path == CONSOLE or path.startswith(f"{CONSOLE}/"))


def _reads_only() -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return request.method in _SAFE and not hasattr(view, "__writes_on_get__")


def _is_automatic_options() -> bool:
    rule = request.url_rule
    return request.method == "OPTIONS" and getattr(rule, "provide_automatic_options", False)


def _headers(settings: Settings) -> dict[str, str]:
    if not settings.secure_cookies:
        return dict(_HEADERS)
    return {**_HEADERS, "Strict-Transport-Security": "max-age=31536000; includeSubDomains"}
