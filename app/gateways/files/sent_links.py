"""Links to files in mail: whoever holds one may fetch the file, for a month, and nothing else.

For files of an answer that are too large to go along. The customer has no account: the signature alone lets them in.
"""

from __future__ import annotations

from uuid import UUID

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from app.core import secrets
from app.core.errors import NotFound
from app.core.scope import Scope
from app.gateways.files.links import LinkExpired

SECONDS = 30 * 24 * 3600
PURPOSE = "files in mail"


def sign(scope: Scope, file_id: UUID) -> str:
    """What stands in the link."""
    return str(_signer(scope.tenant_id).dumps(file_id.hex))


def check(tenant_id: UUID, token: str) -> UUID:
    """The file a link is for.

    Raises:
        NotFound: it is none of ours, or another tenant's. LinkExpired: it was good once.
    """
    try:
        return UUID(_signer(tenant_id).loads(token[:500], max_age=SECONDS))
    except SignatureExpired as late:
        raise LinkExpired from late
    except (BadSignature, ValueError) as wrong:
        raise NotFound from wrong


def _signer(tenant_id: UUID) -> URLSafeTimedSerializer:
    """The last key of the list signs, all of them verify."""
    keys = [secrets.derive_for(kid, PURPOSE) for kid in reversed(secrets.key_ids())]
    return URLSafeTimedSerializer(keys, salt=f"sent-file:{tenant_id}")
