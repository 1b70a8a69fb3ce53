"""Whether an address is a tenant's own: what we write to it has to come in through its mailbox.

Until then answers leave under the installation's address, so that nobody writes in the name of an address that is
not theirs. The code is made from a secret, the tenant, the mailbox and the address: nothing is stored, and nobody can
make one up.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import timedelta

from app.core import secrets
from app.core.scope import Scope
from app.gateways.mail import Letterhead, Recipient, send_mail
from app.gateways.mail.incoming import IncomingMail
from app.tickets.models.mail import Mailbox

PURPOSE = "mailbox proof"
AGAIN = timedelta(minutes=1)
_CODE = re.compile(r"\bproof:([a-z2-7]{32})\b")


def send_proof(scope: Scope, mailbox: Mailbox) -> None:
    """Writes to the address, once a minute at most."""
    head = Letterhead(sender=None)
    send_mail(
        scope,
        to=Recipient(mailbox.name, mailbox.address),
        template="tickets/proof",
        context={"mailbox": mailbox.name, "code": f"proof:{_made(secrets.current_key_id(), mailbox)}"},
        key=f"proof:{mailbox.id}:{scope.now:%Y%m%d%H%M}",
        head=head,
    )


def is_proof(mailbox: Mailbox | None, mail: IncomingMail) -> bool:
    """Whether this is the mail `send_proof` wrote to the address this mailbox has now."""
    if mailbox is None:
        return False
    found = _CODE.search(mail.text[:20_000])
    if found is None:
        return False
    right = [hmac.compare_digest(_made(kid, mailbox), found[1]) for kid in secrets.key_ids()]
    return any(right)


def _made(kid: str, mailbox: Mailbox) -> str:
    said = f"{mailbox.tenant_id}|{mailbox.id}|{mailbox.address}".encode()
    made = hmac.new(secrets.derive_for(kid, PURPOSE), said, hashlib.sha256).digest()[:20]
    return base64.b32encode(made).decode().lower()
