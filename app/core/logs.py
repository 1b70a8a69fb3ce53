"""Structured logs: one line per fact, on stdout, with personal data and secrets masked.

Everything goes through one chain, structlog's own calls and the standard library's alike. Masking is a net,
not a licence: code logs ids, never people. Claim 33 (security.md) is tested against this module.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from app.config import Settings

_SECRET_NAMES = re.compile(
    r"(?i)pass(word|wd|phrase)?$|secret|token|authori[sz]ation|cookie|api_?key|private_?key|csrf|credential|otp$"
)
_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63})+", re.UNICODE)
_URL_PASSWORD = re.compile(r"(?<=://)([^\s:/@]*):([^\s@/]+)@")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")
_JWT = re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*")
_ASSIGNED = re.compile(
    r"(?i)(?<![\w-])([\w-]{0,30}(?:password|passwd|pwd|secret|token|api[_-]?key|authori[sz]ation|cookie|csrf)[\w-]{0,20})"
    # In quotation marks it may have spaces, as a good password does.
    r"(['\"]?\s*[=:]\s*)(?:(['\"])[^\n]{0,1000}?\3|['\"]?[^\s'\"&,;)}]+)"
)
# The way back from a provider: a code of twenty characters would pass for a word.
_ANSWERED = re.compile(r"(?i)([?&](?:code|state)=)[^&\s\"']+")
_LINK = re.compile(r"(/links/)[^/\s?#\"'&]+")
_RANDOM = re.compile(r"(?<![\w-])[A-Za-z0-9_+-]{24,}={0,2}(?![\w-])")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_PHONE = re.compile(r"(?<![\w.:/-])(?:\+|00)?\(?\d[\d ()./-]{6,20}\d(?![\w:-])")
_NOT_A_PHONE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,3}(\.\d{1,3}){3}$|\d+\.\d+$")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_DIGITS = re.compile(r"\d[^A-Za-z]{6,}\d")
_KEPT = frozenset({"level", "timestamp", "logger"})
_LONGEST = 20_000


def configure(settings: Settings) -> None:
    """Routes structlog and the standard library through one masked handler on stdout."""
    shared = _shared_processors()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared[:1], structlog.stdlib.ExtraAdder(), *shared[1:]],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                mask_event,
                _renderer(settings.log_format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler, *(kept for kept in root.handlers if not _is_ours(kept))]
    handler.set_name("fairlead")
    root.setLevel(settings.log_level)
    # The web server logs whole addresses and tracebacks of its own: through the mask with them too.
    logging.getLogger("gunicorn.error").handlers = []
    logging.getLogger("gunicorn.error").propagate = True
    for noisy in ("sqlalchemy.engine", "werkzeug", "rq", "alembic.runtime.plugins"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def mask(text: str) -> str:
    """The text without e-mail addresses, phone numbers, tokens, keys and passwords.

    Each pattern is tried only where a character it cannot do without is present: most values have none.
    """
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + "…"
    if "://" in text:
        text = _URL_PASSWORD.sub(r"\1:***@", text)
    if "@" in text or "%40" in text:
        text = _EMAIL.sub("[e-mail]", text)
    if " " in text:
        text = _BEARER.sub(r"\1 [token]", text)
    if "eyJ" in text:
        text = _JWT.sub("[token]", text)
    if "=" in text or ":" in text:
        text = _ASSIGNED.sub(r"\1\2[secret]", text)
    if "code=" in text or "state=" in text:
        text = _ANSWERED.sub(r"\1[secret]", text)
    if "/links/" in text:
        text = _LINK.sub(r"\1[token]", text)
    if len(text) >= 24:
        text = _RANDOM.sub(lambda match: "[token]" if _looks_random(match[0]) else match[0], text)
    if len(text) >= 8 and _DIGITS.search(text):
        text = _PHONE.sub(lambda match: "[phone]" if _looks_like_phone(match[0]) else match[0], text)
    return text


def mask_event(logger: Any, method: str, event: EventDict) -> EventDict:
    """Masks every value and makes each one line; an exception's lines are marked as belonging to it."""
    masked: EventDict = {}
    for key, value in event.items():
        if key == "exception":
            masked[key] = _exception_text(str(value))
        else:
            masked[one_line(str(key))] = value if key in _KEPT else _masked(key, value)
    return masked


def _masked(key: str, value: Any) -> Any:
    if _SECRET_NAMES.search(str(key)) and value not in (None, "", True, False):
        return "[secret]"
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return one_line(mask(value))
        case Mapping():
            return {one_line(str(name)): _masked(str(name), item) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_masked(key, item) for item in value]
        case _:
            return one_line(mask(str(value)))


def one_line(text: str) -> str:
    """Control and direction characters written out, so that input cannot forge or hide a line."""
    if text.isprintable():
        return text
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def _exception_text(text: str) -> str:
    # PostgreSQL quotes the offending row in DETAIL: somebody's data.
    lines = (one_line(line) for line in mask(text).splitlines() if "DETAIL:" not in line)
    return "\n".join(f"  | {line}" for line in lines)


def _looks_random(word: str) -> bool:
    """Letters and digits in one long run; not a UUID, which is only a name here."""
    if _UUID.fullmatch(word):
        return False
    run = max(re.split(r"[-_+]", word), key=len)
    dense = len(run) >= 16 or sum(character.isdigit() for character in word) >= 4
    return dense and any(c.isdigit() for c in word) and any(c.isalpha() for c in word)


def _looks_like_phone(text: str) -> bool:
    digits = sum(character.isdigit() for character in text)
    return 8 <= digits <= 15 and not _NOT_A_PHONE.match(text)


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _renderer(log_format: str) -> Processor:
    if log_format == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), pad_event_to=0, pad_level=False)


def _is_ours(handler: logging.Handler) -> bool:
    return handler.get_name() == "fairlead"
