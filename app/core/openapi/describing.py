"""What an operation of the API says of itself. Pure: no Flask, no database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from app.core import idempotency

View = TypeVar("View", bound=Callable[..., Any])
Schema = Mapping[str, Any]

BEARER = "bearer"
JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
READ_ONLY, SENTENCE = "x-read-only", "x-sentence"
"""For our own sentences, not in the document: properties that are kept by Fairlead, what a combination lacks."""
MOST_VALUES = 20
"""How often a parameter that may stand more than once may stand."""


def obj(properties: Mapping[str, Schema], *, required: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """An object with these properties and no others; `title="…"` makes it a component."""
    made: dict[str, Any] = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return made | ({"required": list(required)} if required else {}) | more


def text(most: int, *, least: int = 0, null: bool = False, **more: Any) -> dict[str, Any]:
    """A string of at most so many characters."""
    made: dict[str, Any] = {"type": ["string", "null"] if null else "string", "maxLength": most}
    return made | ({"minLength": least} if least else {}) | more


PROBLEM: Schema = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457). `errors` says it per field; `reference` is what the log knows it by.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["about:blank"]},
        "title": {"type": "string", "examples": ["Please check what you entered"]},
        "status": {"type": "integer", "examples": [422]},
        "detail": {"type": "string", "examples": ["Give at least a name, a company or an e-mail address."]},
        "errors": {"type": "object", "additionalProperties": {"type": "string"}},
        "reference": {"type": "string"},
        "mine": {"type": "object", "description": "Of a conflict: what you sent."},
        "theirs": {"type": "object", "description": "Of a conflict: what is stored now in these fields."},
        "version": {"type": "integer", "description": "Of a conflict: the version that is stored now."},
    },
}


@dataclass(frozen=True, slots=True)
class Header:
    """A header of an answer, or one that is asked for."""

    name: str
    text: str
    schema: Schema = field(default_factory=lambda: {"type": "string"})
    required: bool = False


IF_MATCH = Header("If-Match", 'The ETag you read, such as `"3"`.')
KEY = Header(
    idempotency.HEADER,
    "A name of your own for this request, good for a day: sent twice it has one effect and one answer.",
    {
        "type": "string",
        "minLength": 1,
        "maxLength": idempotency.LONGEST,
        "pattern": f"^{idempotency.PATTERN}$",
        "examples": ["3f6c1e0a-order-17"],
    },
)


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter of the query string."""

    name: str
    text: str
    schema: Schema = field(default_factory=lambda: {"type": "string"})
    many: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back with a status. `schema` None is an empty body."""

    text: str
    schema: Schema | None = None
    headers: tuple[Header, ...] = ()
    media: str = JSON


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address."""

    summary: str
    answers: Mapping[int, Answer]
    body: Schema | None = None
    security: str | None = BEARER
    text: str = ""
    tag: str = ""
    query: tuple[Query, ...] = ()
    headers: tuple[Header, ...] = ()
    example: Any = None


def documented(
    summary: str,
    *,
    answers: Mapping[int, Schema | Answer | None],
    body: Schema | None = None,
    security: str | None = BEARER,
    text: str = "",
    tag: str = "",
    query: tuple[Query, ...] = (),
    headers: tuple[Header, ...] = (),
    example: Any = None,
) -> Callable[[View], View]:
    """Says what an API view takes and answers; every view under `/api/` needs it (a house test looks).

    Args:
        summary: a few words, such as "Sign in".
        answers: by status: a schema, None for an empty body, or an `Answer` that says more. Common problems are
            added by themselves; name one here to say when it comes.
        body: the JSON Schema (2020-12) of the body; `openapi.read_body()` checks the request against this very one.
        security: "bearer", or None if the view is public.
        text: more about it, in Markdown.
        tag: the heading it stands under; by default the blueprint's name.
        query: parameters of the query string; those of the path are known from the route.
        headers: headers the request may or must carry.
        example: a body for the curl example; made from the schema's `examples` if left out.
    """
    told = {status: _answer(status, answer) for status, answer in answers.items()}
    operation = Operation(summary, told, body, security, text, tag, query, headers, example)

    def mark(view: View) -> View:
        view.__operation__ = operation  # type: ignore[attr-defined]
        return view

    return mark


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """What the view said of itself, or None if it said nothing."""
    return getattr(view, "__operation__", None)


_DONE = {200: "It worked.", 201: "It was made.", 202: "There is more to do.", 204: "Done; there is nothing to say."}


def _answer(status: int, answer: Schema | Answer | None) -> Answer:
    """What goes wrong is a problem, unless it says otherwise."""
    made = answer if isinstance(answer, Answer) else Answer(_DONE.get(status, "See the problem's detail."), answer)
    if status >= 400 and made.schema in (None, PROBLEM):
        return replace(made, schema=PROBLEM, media=PROBLEM_JSON)
    return made
