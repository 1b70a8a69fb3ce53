"""Links to files: signed for one reader of one tenant, and good for a quarter of an hour.

The signature is not what lets somebody read the file: they must be signed in and may see what it belongs to. It says
that a page of ours showed them the link a moment ago, so that an address that was kept or passed on leads nowhere.
"""

from __future__ import annotations

from uuid import UUID

from flask import current_app
from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from app.core.errors import NotFound
from app.core.scope import Scope

SECONDS = 15 * 60


class LinkExpired(Exception):
    """The link was good once."""


def sign(scope: Scope, file_id: UUID) -> str:
    """What stands in the link as `key`."""
    return _signer().dumps([scope.tenant_id.hex, str(scope.user_id), file_id.hex])


def check(scope: Scope, file_id: UUID, key: str, seconds: int = SECONDS) -> None:
    """Returns if the link is this reader's to this file.

    Raises:
        NotFound: it is not ours, or somebody else's, or of another file.
        LinkExpired: it was, longer than `seconds` ago; or it has no key at all.
    """
    if not key:
        raise LinkExpired
    try:
        told = _signer().loads(key[:500], max_age=seconds)
    except SignatureExpired as late:
        raise LinkExpired from late
    except BadSignature as wrong:
        raise NotFound from wrong
    if told != [scope.tenant_id.hex, str(scope.user_id), file_id.hex]:
        raise NotFound


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="file-link")
