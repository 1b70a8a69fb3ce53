"""For schemathesis: where requests follow one another, each has a key of its own.

It repeats its scenarios to make failures small. A key used again gets the answer of before, as it should, also
when what was made then has been deleted since; that looked like a record that vanished.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import schemathesis

_KEY = "Idempotency-Key"
_LONGEST = 255
_GOOD = re.compile(r"[!-~]+")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    key = (case.headers or {}).get(_KEY)
    if isinstance(key, str) and not _GOOD.fullmatch(key) and _GOOD.fullmatch(bare := key.strip(" \t")):
        # White space around a header's value is trimmed on the way (RFC 9110, 5.5): within it stays wrong.
        key = case.headers[_KEY] = f"{bare} {bare}"
    # In the other phases a changed header would hide which one was left out on purpose.
    follows = case.meta is not None and "stateful" in str(case.meta.phase.name).lower()
    # A key that is refused stays so: what surrounds it would be trimmed on the way, and make it a good one.
    if follows and isinstance(key, str) and len(key) <= _LONGEST - 36 and _GOOD.fullmatch(key):
        case.headers[_KEY] = f"{key}{uuid4()}"
