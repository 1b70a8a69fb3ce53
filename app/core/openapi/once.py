"""A view whose effect happens once, however often its request is sent: by the key its asker names."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar, cast

from flask import Response, make_response, request

from app.core import idempotency
from app.core.pipeline import current_scope

View = TypeVar("View", bound=Callable[..., Response])
_KEPT_HEADERS = ("Content-Type", "ETag", "Location")


def once(view: View) -> View:
    """With an `Idempotency-Key` the answer is kept for a day and given again (`core.idempotency`).

    Goes nearest to the view. An answer that is no success is not kept: nothing happened, and the key is free.
    """

    @functools.wraps(view)
    def guarded(**values: object) -> Response:
        key = request.headers.get(idempotency.HEADER)
        if key is None:
            return view(**values)
        scope, asked = current_scope(), _asked()
        before = idempotency.begin(scope, key, *asked)
        if before is not None:
            return make_response(before.body, before.status, dict(before.headers))
        response = view(**values)
        if response.status_code < 300:
            headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
            kept = idempotency.Kept(response.status_code, headers, response.get_data(as_text=True))
            idempotency.keep(scope, key, kept, *asked)
        return response

    return cast(View, guarded)


def _asked() -> tuple[bytes, ...]:
    return request.method.encode(), request.full_path.encode(), request.get_data(cache=True)
