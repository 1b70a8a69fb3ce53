"""For schemathesis: every request has a key of its own.

It repeats its scenarios to make failures small. A key used again gets the answer of before, as it should, also
when what was made then has been deleted since; that looked like a record that vanished.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import schemathesis

_KEY = "Idempotency-Key"
_LONGEST = 255


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    key = (case.headers or {}).get(_KEY)
    if isinstance(key, str) and 0 < len(key) <= _LONGEST - 36:
        case.headers[_KEY] = f"{key}{uuid4()}"
