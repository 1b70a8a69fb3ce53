"""Errors as answers: a page, a toast for a fragment request, or JSON under `/api/`. Details stay in the log."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from flask import Flask, Response, current_app, g, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, InternalServerError

from app.core import db as database
from app.core import hosts, hx, templating
from app.core.errors import Conflict, FairleadError, Invalid, NotFound, Unauthenticated
from app.core.openapi.bodies import json_value
from app.core.pipeline import is_api, request_id
from app.extensions import limiter

log = logging.getLogger(__name__)

_SENTENCES = {
    400: ("That did not work", "The request could not be understood. Go back, reload the page and try again."),
    401: ("Please sign in", "You need to be signed in for this."),
    403: ("Not allowed", "Your role does not allow this. Ask an administrator."),
    404: ("Not found", NotFound().message),
    405: ("Not possible here", "This address does not do that. Go back and use the page's own buttons."),
    408: ("Too slow", "The request took too long to arrive. Check your connection and try again."),
    413: ("Too large", "What you sent is larger than this page takes. Choose a smaller file."),
    414: ("Too long", "The address is too long. Remove some filters and try again."),
    415: ("Wrong kind of data", "This page does not take that kind of data."),
    416: ("Not possible", "That part of the file does not exist."),
    422: ("Please check what you entered", "Something you entered cannot be used."),
    429: ("Too many tries", "You have tried this many times. Wait a few minutes and try again."),
    500: (
        "Something went wrong on our side",
        (
            "What you did last may not have been saved. Try again; if it happens again, tell your administrator "
            "and quote the reference."
        ),
    ),
    503: (
        "Please try again in a moment",
        "The database is not answering, or took too long. Nothing was saved; wait a moment and try again.",
    ),
    507: (
        "There is no room left",
        "The server's disk is full, so nothing was saved. Tell your administrator, and try again later.",
    ),
}
_CSRF = "Your session has moved on. Reload the page and try again."
_UNKNOWN_TENANT = "No organisation answers at this address. Check the address, or ask who invited you."
_UNSTORABLE = "Something you entered has characters or numbers that cannot be stored. Remove them and try again."
_RETRY_SECONDS = "5"
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said about an error, however it is shown."""

    status: int
    title: str
    message: str
    reference: str | None = None
    fields: dict[str, str] | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    way_on: bool = True


def init_app(app: Flask) -> None:
    app.register_error_handler(FairleadError, _expected)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def error_response(answer: Answer) -> Response:
    """The answer as JSON, toast or page, with the session rolled back."""
    if is_api():
        return _dressed(_as_json(answer), answer)
    if hx.is_fragment():
        return _dressed(hx.error_toast(_toast_text(answer), answer.status), answer)
    return _dressed(_as_page(answer), answer)


def _expected(error: FairleadError) -> Response:
    _forget_transaction()
    fields = error.errors if isinstance(error, Invalid) else None
    if isinstance(error, Conflict):
        log.info("conflict", extra={"request_id": request_id()})
    if isinstance(error, hosts.SeveralTenants | hosts.Suspended):
        g.elsewhere = True
    way_on = not isinstance(error, hosts.WrongHost)
    headers = (("WWW-Authenticate", error.challenge),) if isinstance(error, Unauthenticated) else ()
    if error.retry_after:
        headers = (*headers, ("Retry-After", str(error.retry_after)))
    answer = Answer(error.status, error.title, error.message, fields=fields, headers=headers, way_on=way_on)
    return error_response(replace(answer, more=_both_versions(error)))


def _both_versions(error: FairleadError) -> dict[str, Any]:
    """Of a conflict, for a program: what was sent, and what is stored."""
    if not isinstance(error, Conflict) or error.version is None:
        return {}
    sides = {"mine": error.mine, "theirs": error.theirs}
    told = {side: {name: json_value(value) for name, value in values.items()} for side, values in sides.items()}
    return {**told, "version": error.version}


def _http(error: HTTPException) -> Any:
    if error.response is not None or error.code is None or error.code < 400:
        return error
    if isinstance(error, InternalServerError) and error.original_exception is not None:
        return _unexpected(error.original_exception)
    _forget_transaction()
    title, message = _SENTENCES.get(error.code, _SENTENCES[400] if error.code < 500 else _SENTENCES[500])
    if isinstance(error, CSRFError):
        message = _CSRF
    if g.get("unknown_tenant"):
        title, message = "Unknown organisation", _UNKNOWN_TENANT
    kept = [(name, value) for name, value in error.get_headers() if name in {"Allow", "Retry-After"}]
    if error.code == 429 and limiter.current_limit is not None:
        kept.append(("Retry-After", str(max(1, round(limiter.current_limit.reset_at - time.time())))))
    return error_response(Answer(error.code, title, message, headers=tuple(kept)))


def _unexpected(error: BaseException) -> Response:
    """Anything nobody foresaw: logged with its traceback, told with a reference only."""
    _forget_transaction()
    if _is_database_away(error):
        log.warning("database_away", extra={"request_id": request_id(), "error": type(error).__name__})
        title, message = _SENTENCES[503]
        wait = (("Retry-After", _RETRY_SECONDS),)
        return error_response(Answer(503, title, message, request_id(), headers=wait))
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        log.error("disk_full", extra={"request_id": request_id(), "endpoint": request.endpoint})
        return error_response(Answer(507, *_SENTENCES[507]))
    if _is_unstorable(error):
        log.info("unstorable_input", extra={"request_id": request_id(), "endpoint": request.endpoint})
        return error_response(Answer(422, _SENTENCES[422][0], _UNSTORABLE))
    log.error(
        "unexpected_error",
        exc_info=error,
        extra={"request_id": request_id(), "path": request.path, "endpoint": request.endpoint},
    )
    if current_app.testing and current_app.config.get("RAISE_UNEXPECTED"):
        raise error
    title, message = _SENTENCES[500]
    return error_response(Answer(500, title, message, request_id()))


def _is_database_away(error: BaseException) -> bool:
    """Gone, restarting, out of connections, or a statement or lock that took too long."""
    if isinstance(error, PoolTimeout | psycopg.OperationalError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    cause = error.orig
    return error.connection_invalidated or (
        isinstance(error, OperationalError)
        and not isinstance(cause, psycopg.errors.DataError | psycopg.errors.ProgramLimitExceeded)
    )


def _is_unstorable(error: BaseException) -> bool:
    """Text with NUL or half a character in it, or a number out of range: input no form caught."""
    if isinstance(error, UnicodeEncodeError):
        return error.encoding.lower() in {"utf-8", "utf8"}
    return isinstance(error, DataError)


def _forget_transaction() -> None:
    """The page about the error must not depend on a transaction that failed."""
    try:
        database.rollback()
    except Exception:
        log.warning("rollback_failed", extra={"request_id": request_id()})


def _as_json(answer: Answer) -> Response:
    """A problem as RFC 9457 writes it; `reference` is what the log knows the request by."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": answer.title,
        "status": answer.status,
        "detail": answer.message,
        "reference": answer.reference or request_id(),
    }
    if answer.fields:
        body["errors"] = answer.fields
    response = jsonify(body | dict(answer.more))
    response.mimetype = "application/problem+json"
    return response


def _as_page(answer: Answer) -> Response:
    if answer.status == 500:
        return _plain_page(answer)
    try:
        action_url, action_label = _way_out(answer.status) if answer.way_on else ("", "")
        html = render_template(
            "errors/error.html",
            status=answer.status,
            title=answer.title,
            message=answer.message,
            reference=answer.reference,
            action_url=action_url,
            action_label=action_label,
        )
    except Exception:
        log.exception("error_page_failed", extra={"request_id": request_id()})
        return _plain_page(answer)
    return make_response(html)


def _plain_page(answer: Answer) -> Response:
    """A page that needs no database, no session and no layout."""
    home = (request.root_path or "") + "/"
    template = current_app.jinja_env.get_template("errors/500.html")
    return make_response(template.render(reference=answer.reference or request_id(), home_url=home))


def _way_out(status: int) -> tuple[str, str]:
    if g.get("unknown_tenant") or g.get("elsewhere"):
        return templating.bare_url(), "Choose your organisation"
    if status == 503:
        return request.root_path + request.path if request.method == "GET" else _home(), "Try again"
    return _home(), "Go to the first page"


def _home() -> str:
    return templating.home_url()


def _toast_text(answer: Answer) -> str:
    return f"{answer.message} (reference {answer.reference})" if answer.reference else answer.message


def _dressed(response: Response, answer: Answer) -> Response:
    response.status_code = answer.status
    for name, value in answer.headers:
        response.headers[name] = value
    return response
