"""What can go wrong in words: raised by actions and queries, answered by `core.answers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class FairleadError(Exception):
    """An expected refusal. `message` is a sentence for the person who asked."""

    status = 400
    title = "That did not work"
    retry_after: int | None = None
    """After how many seconds to ask again, if that helps."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotFound(FairleadError):
    """No such row, or not yours: the two look alike on purpose."""

    status = 404
    title = "Not found"

    def __init__(self, message: str = "There is nothing here, or it is not yours to see.") -> None:
        super().__init__(message)


class Unauthenticated(FairleadError):
    """A program showed no token, or none that is good. `challenge` is its `WWW-Authenticate` (RFC 6750, 3)."""

    status = 401
    title = "Please sign in"

    def __init__(self, problem: str | None = None, *, token: bool = True) -> None:
        """`problem` is plain ASCII without quotation marks if it is about the `token` that was sent."""
        super().__init__(problem or "Send a token: Authorization: Bearer …")
        said = f', error="invalid_token", error_description="{problem}"' if problem and token else ""
        self.challenge = f'Bearer realm="Fairlead"{said}'


class Forbidden(FairleadError):
    status = 403
    title = "Not allowed"

    def __init__(self, message: str = "Your role does not allow this. Ask an administrator.") -> None:
        super().__init__(message)


class Invalid(FairleadError):
    """Input that is refused. `errors` maps a field's name to a sentence; the key "" is the form itself."""

    status = 422
    title = "Please check what you entered"

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


class TryLater(FairleadError):
    """What cannot be had just now, and can in a while."""

    status = 503
    title = "Please try again in a moment"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Conflict(FairleadError):
    """Someone else changed the row first.

    `mine` and `theirs` map field names to values; `theirs_by` and `version` describe the stored row.
    """

    status = 409
    title = "Changed meanwhile"

    def __init__(
        self,
        message: str,
        *,
        mine: Mapping[str, Any] | None = None,
        theirs: Mapping[str, Any] | None = None,
        version: int | None = None,
        by: str | None = None,
    ) -> None:
        super().__init__(message)
        self.mine = dict(mine or {})
        self.theirs = dict(theirs or {})
        self.version = version
        self.by = by


class StaleVersion(Conflict):
    """A request was for a version that is not the stored one any more (RFC 9110, 13.1.1)."""

    status = 412

    def __init__(self, **both: Any) -> None:
        super().__init__("This was changed since you read it. Read it again, and decide anew.", **both)


class PreconditionNeeded(FairleadError):
    """A change that does not say which version it is of (RFC 6585, 3)."""

    status = 428
    title = "Which version?"

    def __init__(self) -> None:
        super().__init__("Say which version you read: If-Match with its ETag, or `version` in the body.")
