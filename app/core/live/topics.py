"""What a page may listen to: the names that the page's own template signed for its reader.

A template that shows a record has got it by the reader's permissions, so the signature says "may hear of this". It
holds for one person with the rights of that moment, for a day or two; a page whose signatures no longer hold asks for
everything it shows once more, and so gets new ones, or is refused. Nobody can listen for an id they were not shown.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from app.core.live.telling import of_person
from app.core.scope import Scope

MOST = 64
"""Names that one stream may listen to."""
_NAME = re.compile(r"@?[a-z][a-z0-9_.-]{0,60}(?::[0-9a-z-]{1,60})?(?:@[0-9a-f-]{36})?")


def signed(secret: str, scope: Scope, names: Iterable[str]) -> str:
    """The names with their signature, for `data-live`. ``@notices`` is short for the reader's own notices.

    Raises:
        ValueError: a name is not written as names are.
    """
    whole = [of_person(name[1:], str(scope.user_id)) if name.startswith("@") else name for name in names]
    for name in whole:
        if not _NAME.fullmatch(name):
            raise ValueError(f"A live name is <kind>, <kind>:<id> or @<own>, not {name!r}.")
    text = " ".join(whole)
    return f"{text}.{_signature(secret, scope, text, scope.now)}"


def heard(secret: str, scope: Scope, tokens: Iterable[str]) -> tuple[frozenset[str], bool]:
    """The names that these tokens let the reader hear, at most `MOST`; and whether all of the tokens hold."""
    names: dict[str, None] = {}
    sound = True
    for token in tokens:
        text, _, signature = token.rpartition(".")
        if _holds(secret, scope, text, signature):
            names.update(dict.fromkeys(text.split(" ")))
        else:
            sound = False
    return frozenset(list(names)[:MOST]), sound


def rights_of(scope: Scope) -> str:
    """Changes when what the reader may see does."""
    facts = [
        *sorted(scope.permissions), *sorted(f"{kind}:{far}" for kind, far in scope.reach.items()),
        scope.reach_elsewhere, scope.role, *sorted(map(str, scope.colleagues)),
    ]  # fmt: skip
    return hashlib.sha256("\x00".join(map(str, facts)).encode()).hexdigest()


def _holds(secret: str, scope: Scope, text: str, signature: str) -> bool:
    days = (scope.now, scope.now - timedelta(days=1))
    given = signature.encode("utf-8", "replace")
    return any(hmac.compare_digest(given, _signature(secret, scope, text, day).encode()) for day in days)


def _signature(secret: str, scope: Scope, text: str, day: datetime) -> str:
    told = "\x00".join(
        ["live", str(scope.tenant_id), str(scope.user_id), rights_of(scope), day.date().isoformat(), text]
    )
    made = hmac.new(secret.encode(), told.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made[:18]).decode()
