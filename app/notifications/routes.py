"""Notices: the bell, and the page that lists them. Each person sees their own and nobody else's."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, Response, request, url_for

from app.core import hx
from app.core.access import signed_in
from app.core.errors import NotFound
from app.core.pipeline import current_scope
from app.notifications import actions, pages, queries
from app.notifications.models import Notice
from app.privacy import holding, retention

blueprint = Blueprint("notifications", __name__, url_prefix="/notices")
_CHANGED = ("notice",)
_STATE = ("show", "before", "after")


def init_app(app: Flask) -> None:
    retention.add_step("notices", lambda scope, policy: actions.forget_old(scope, retention.BATCH))
    texts = (Notice.subject, Notice.body, Notice.items)
    holding.hold("notices", holding.Held(Notice, person=Notice.user_id, texts=texts))


@blueprint.get("/")
@signed_in
def list() -> Response:
    """What one was told, newest first."""
    asked = request.args
    page = pages.list_page(current_scope(), asked.get("show", ""), asked.get("before"), asked.get("after"))
    return hx.page("notifications/list.html", blocks=("notice_list",), page=page)


@blueprint.get("/count")
@signed_in
def count() -> Response:
    """How many are unread, for the bell: asked for by its page, so that no kept page shows an old number."""
    unread = queries.count_unread(current_scope())
    return hx.page("notifications/count.html", blocks=("notice_count",), unread=unread, most=queries.MOST_COUNTED)


@blueprint.post("/<uuid:notice_id>/open")
@signed_in
def open(notice_id: UUID) -> Response:
    """Reads it and goes where it leads. A POST, because a GET changes nothing."""
    notice = actions.mark_read(current_scope(), notice_id)
    return hx.redirect(pages.address_of(notice.endpoint, notice.values) or url_for(".list"))


@blueprint.post("/<uuid:notice_id>/confirm")
@signed_in
def confirm(notice_id: UUID) -> Response:
    """Marks it as read."""
    actions.mark_read(current_scope(), notice_id)
    return _to_the_list()


@blueprint.post("/confirm")
@signed_in
def confirm_all() -> Response:
    """Marks as read what there was when the list was drawn; what came since stays unread."""
    try:
        newest = UUID(request.form.get("newest", ""))
    except ValueError:
        raise NotFound from None
    actions.mark_all_read(current_scope(), newest)
    return _to_the_list()


def _to_the_list() -> Response:
    """Where one was in it."""
    kept: dict[str, Any] = {name: request.form[name] for name in _STATE if request.form.get(name)}
    return hx.done(url_for(".list", **kept), changed=_CHANGED, close_dialog=False)
