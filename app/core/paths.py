"""The tenant in the path: `/t/<slug>/leads` becomes `/leads` mounted at `/t/<slug>`.

`url_for` then writes the prefix by itself, and no blueprint knows which strategy was used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

TENANT_IN_PATH = "fairlead.tenant"
CONSOLE = "/operator"
"""Where the operators' console is, at addresses that name no tenant."""
_PREFIX = re.compile(r"/t/(?P<slug>[a-z0-9][a-z0-9-]{0,62})(?=/|$)")

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class TenantPaths:
    """WSGI middleware that moves `/t/<slug>` from PATH_INFO to SCRIPT_NAME."""

    def __init__(self, app: WsgiApp) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        match = _PREFIX.match(environ.get("PATH_INFO", ""))
        if match:
            environ[TENANT_IN_PATH] = match["slug"]
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + match[0]
            environ["PATH_INFO"] = environ["PATH_INFO"][match.end() :] or "/"
        return self._app(environ, start_response)
