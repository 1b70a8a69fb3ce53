"""`/api/openapi.json`, and `/api/docs`: the same document as a page of our own, since the policy of our pages lets
no foreign script in."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify, request

from app.core import hx
from app.core.access import public
from app.core.openapi import pages
from app.core.openapi.describing import Answer, documented
from app.core.openapi.document import build

blueprint = Blueprint("openapi", __name__, url_prefix="/api")
_WHY = "It says what anybody can read in our source, and nothing of any organisation."


@blueprint.get("/openapi.json")
@public(_WHY)
@documented(
    "This document",
    tag="About the API",
    answers={200: Answer("OpenAPI 3.1.", {"type": "object", "required": ["openapi"]})},
    security=None,
)
def show_document() -> Response:
    return jsonify(build(current_app, request.root_path))


@blueprint.get("/docs")
@public(_WHY)
@documented(
    "This document as a page",
    tag="About the API",
    answers={200: Answer("HTML.", {"type": "string"}, media="text/html")},
    security=None,
)
def show_docs() -> Response:
    page = pages.docs_page(current_app, request.root_path, request.host_url.rstrip("/"))
    return hx.page("api/docs.html", page=page)
