"""Pages kept in the cache per person, with holes for what must be fresh in each answer.

Everything a page shows of its reader is in its key, everything it shows of records is in `kinds` or fills a
hole. The form token is always a hole, and a page with toasts to show is never kept. What a layout is to show
beyond that (a number of unread messages, say) needs a hole too, or a kind.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, current_app, request
from flask_wtf.csrf import generate_csrf

from app.core import cache, hx, templating
from app.core.pipeline import current_scope

_SECONDS = 300


def page(
    template: str,
    *,
    blocks: tuple[str, ...],
    kinds: tuple[str, ...],
    key: str,
    context: Callable[[], dict[str, Any]],
    holes: Mapping[str, str],
) -> Response:
    """Like `hx.page`. `context` is asked for only when the page has to be made.

    Args:
        kinds: the kinds whose change makes the page stale.
        key: what tells this page from others of the same template, beside its reader.
        holes: ready HTML by name; the template prints each as a variable of that name.
    """
    block = hx.answered_block(blocks)
    if block is None and hx.toasts_wait():
        shown: dict[str, Any] = context() | dict(holes)
        return hx.page(template, blocks=blocks, **shown)
    marks = {name: _mark(name) for name in ("csrf_token", *holes)}

    def make() -> str:
        inserts = {name: marks[name] for name in holes}
        return hx.render(template, block, csrf_token=lambda: marks["csrf_token"], **context(), **inserts)

    rest = f"page:{template}:{block}:{hx.is_fragment()}:{_reader()}:{key}"
    html = cache.get_or_make(current_scope().tenant_id, kinds, rest, make, ttl=_SECONDS)
    # The token first: what fills the other holes is never looked through for its mark.
    for name, text in {"csrf_token": generate_csrf(), **holes}.items():
        html = html.replace(marks[name], text)
    return hx.answer(html, block)


def _mark(name: str) -> str:
    """What stands in the hole meanwhile. Nobody can guess it, so no record can hold it and be given a token."""
    secret = current_app.config["SECRET_KEY"].encode()
    return hmac.new(secret, f"hole:{name}".encode(), hashlib.sha256).hexdigest()


def _reader() -> str:
    """Whoever reads, as far as a page can show: changes when anything about them does, or the build."""
    scope = current_scope()
    facts = [
        scope.user_id, scope.user_name, scope.user_email, scope.role, *sorted(scope.permissions),
        *sorted(f"{kind}:{far}" for kind, far in scope.reach.items()), scope.reach_elsewhere,
        scope.tenant_name, scope.tenant_slug, scope.locale, scope.zone, scope.region, scope.currency,
        request.root_path, request.endpoint, templating.theme(), templating.build(),
    ]  # fmt: skip
    return hashlib.sha256("\x00".join(map(str, facts)).encode()).hexdigest()
