"""The one place that knows HTMX's headers (htmx 4): fragments, redirects, toasts, closing dialogs.

Views answer with `page`, `redirect` or `done` and never ask whether script runs. `finish`, called by the
pipeline after every request, turns their answers into what the asking browser understands.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask import Response, current_app, g, make_response, render_template, request, session, url_for
from jinja2_fragments.flask import render_block
from markupsafe import Markup

_MAX_TOAST = 300
_MAX_TOASTS = 5
_FLASHES = "_flashes"


class Toast(NamedTuple):
    """One short notice. `undo` is None or a dict of `url` and `label`."""

    category: str
    text: str
    undo: dict[str, str] | None = None


def is_htmx() -> bool:
    """Whether script asks, boosted or not."""
    return request.headers.get("HX-Request") == "true"


def is_fragment() -> bool:
    """Whether a part of a page is asked for: by htmx, into an element that is not the body."""
    return (
        is_htmx()
        and request.headers.get("HX-Request-Type") != "full"
        and "HX-Boosted" not in request.headers
        and "HX-History-Restore-Request" not in request.headers
    )


def is_live() -> bool:
    """Whether the page asks by itself, because it was told that something changed (`core.live`)."""
    return request.headers.get("Fairlead-Live") == "1"


def _live_parts(blocks: tuple[str, ...]) -> list[str]:
    """The blocks that a page asks for together, because it was told that something changed."""
    if not (is_live() and is_fragment()):
        return []
    asked = request.headers.get("Fairlead-Parts", "").split(" ")
    return [block for block in blocks if block in asked]


def target() -> str | None:
    """The id of the element the answer goes to. htmx 4 sends it as `tag#id`.

    An id of a repeated part is `block--which`; the block is what counts here.
    """
    _, hash_sign, identifier = request.headers.get("HX-Target", "").partition("#")
    return identifier.partition("--")[0] if hash_sign and identifier else None


def page(template: str, *, blocks: tuple[str, ...] = (), status: int = 200, **context: Any) -> Response:
    """The page, or the block of it that was asked for.

    A block is answered only if it is in `blocks` and its name is the id of the target: the server's list
    decides, never the client.
    """
    parts = _live_parts(blocks)
    if parts:
        html = Markup("").join(
            Markup('<hx-partial hx-target="#{}" hx-swap="outerMorph">{}</hx-partial>').format(
                part,
                Markup(render(template, part, **context)),  # noqa: S704 - our own template's output
            )
            for part in parts
        )
        return answer(html, parts[0], status=status)
    return answer(render(template, answered_block(blocks), **context), answered_block(blocks), status=status)


def answered_block(blocks: tuple[str, ...]) -> str | None:
    """The block that is asked for, if it is one of these; None for the page."""
    wanted = target()
    return wanted if is_fragment() and wanted in blocks else None


def shows(blocks: tuple[str, ...], block: str) -> bool:
    """Whether this answer shows the block, so that its data is worth reading: the page does, a fragment only what
    was asked for."""
    parts = _live_parts(blocks)
    return block in parts if parts else answered_block(blocks) in (None, block)


def render(template: str, block: str | None, **context: Any) -> str:
    return render_block(template, block, **context) if block else render_template(template, **context)


def answer(html: str, block: str | None, *, status: int = 200) -> Response:
    """The rendered page or block as this request's answer."""
    if block:
        g.answered_fragment = True
    return make_response(html, status)


def toasts_wait() -> bool:
    """Whether the next page shows toasts."""
    return _FLASHES in session


def fragment(template: str, **context: Any) -> str:
    """The HTML of a template that is part of pages, for keeping in the cache."""
    return render_template(template, **context)


def announce(response: Response, *events: str) -> Response:
    """Tells the page that something changed, so that its other parts ask again."""
    response.headers["HX-Trigger"] = json.dumps({event: {} for event in events})
    return response


def redirect(url: str) -> Response:
    """Go there with a GET. Without script 303; with it, `finish` makes it 204 and `HX-Location`."""
    response = make_response("", 303)
    response.headers["Location"] = url
    return response


def done(
    url: str, *, changed: tuple[str, ...] = (), close_dialog: bool = True, told: Mapping[str, Any] | None = None
) -> Response:
    """It worked, and nothing is to be swapped: who shows one of the `changed` kinds asks again.

    `told` are further events for the element that asked, each with what it says.

    Without script it is a redirect to `url`, where the change can be seen.
    """
    if not is_fragment():
        return redirect(url)
    events: dict[str, Any] = dict(told or {}) | {f"{kind}-changed": {} for kind in changed}
    if close_dialog:
        events["fairlead:close-dialog"] = {}
    response = make_response("", 200)
    response.headers["HX-Reswap"] = "none"
    if events:
        response.headers["HX-Trigger"] = json.dumps(events)
    g.answered_fragment = True
    return response


def flash(text: str, category: str = "success", *, undo_url: str | None = None) -> None:
    """A toast with the next answer. `undo_url` is posted to by its button."""
    undo = {"url": undo_url, "label": "Undo"} if undo_url else None
    waiting = session.get(_FLASHES, [])
    session[_FLASHES] = [*waiting, [category, text[:_MAX_TOAST], undo]][-_MAX_TOASTS:]


def toasts() -> list[Toast]:
    """The toasts that wait; taken away by asking, so each is shown once. A Jinja global."""
    if _FLASHES not in session:
        return []
    return [Toast(*entry) for entry in session.pop(_FLASHES)]


def error_toast(text: str, status: int) -> Response:
    """A refusal for a fragment request: a toast in place of the swap, never a page inside a page."""
    response = make_response(_toast_html([Toast("danger", text)]), status)
    response.headers["HX-Retarget"] = "#toasts"
    response.headers["HX-Reswap"] = "beforeend"
    response.headers["HX-Push-Url"] = "false"
    return response


def redirect_to_sign_in(endpoint: str = "accounts.sign_in") -> Response:
    """To sign-in, and back afterwards: to this page, or to the one the write came from."""
    url = url_for(endpoint, next=_where_from() or None)
    if not is_htmx():
        return redirect(url)
    response = make_response("", 401)
    response.headers["HX-Redirect"] = url
    return response


def finish(response: Response) -> Response:
    """After every request: `Vary`, redirects as htmx wants them, toasts out of band."""
    response.vary.update(["HX-Request", "HX-Target"])
    if not is_htmx():
        return response
    if response.status_code in {302, 303} and "HX-Boosted" not in request.headers:
        return _as_location(response)
    if _takes_toasts(response):
        waiting = toasts()
        if waiting:
            extra = Markup('<div hx-swap-oob="beforeend:#toasts">{}</div>').format(_toast_html(waiting))
            response.set_data(response.get_data(as_text=True) + extra)
    return response


def _as_location(response: Response) -> Response:
    """fetch would follow a redirect in silence, so htmx is told where to go instead."""
    response.headers["HX-Location"] = response.headers.pop("Location")
    response.status_code = 204
    response.set_data(b"")
    response.headers.pop("Content-Type", None)
    return response


def _takes_toasts(response: Response) -> bool:
    """Not what a page asks by itself: the toast belongs to the answer that somebody waits for."""
    return (
        not is_live()
        and g.get("answered_fragment", False)
        and response.mimetype == "text/html"
        and response.status_code != 204
        and not response.is_streamed
    )


def _toast_html(waiting: list[Toast]) -> Markup:
    """The toasts by the ui macro, with a token for the undo forms in them."""
    macro = current_app.jinja_env.get_template("ui/feedback.html").module.toast  # type: ignore[attr-defined]
    token = current_app.jinja_env.globals["csrf_token"]
    return Markup("").join(
        macro(item.category, item.text, undo=item.undo, csrf=token() if item.undo else None)  # type: ignore[operator]
        for item in waiting
    )


def _where_from() -> str:
    """The page to come back to: path and query only, so it cannot lead elsewhere."""
    if request.method in {"GET", "HEAD"} and not is_fragment():
        source = request.full_path.removesuffix("?")
        return request.root_path.rstrip("/") + source
    parts = urlsplit(request.headers.get("HX-Current-URL") or request.referrer or "")
    if parts.netloc and parts.netloc != request.host:
        return ""
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
