"""What a mailbox may be: the values of its form, and what is wrong with them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

MAILBOXES_MAX = 50
WAYS = (("imap", "Fetched from an IMAP server"), ("http", "Handed over to its secret address only"))
REPLIES = (
    ("plus", "An address of each ticket's own, with a plus (support+…@example.com)"),
    ("domain", "An address of each ticket's own, in a domain whose mail all comes here"),
    ("plain", "This address itself; answers are told by their headers alone"),
)
ENCRYPTION = (
    ("implicit", "TLS (port 993)"),
    ("starttls", "STARTTLS (port 143)"),
    ("none", "None, on this machine only"),
)
_DOMAIN = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))+")
# What mail servers take in an address without quotes (RFC 5322, dot-atom), in ASCII: it is also what we write from.
_LOCAL = re.compile(r"[a-z0-9!#$%&'*/=?^_`{|}~-]+(?:[.+][a-z0-9!#$%&'*/=?^_`{|}~-]+)*")
_LOCAL_MAX = 64
# "+", a number of up to 15 digits, "." and the code of 20 letters.
_CODE = 1 + 15 + 1 + 20
_HOST = re.compile(r"[a-z0-9._-]{1,200}|\[?[0-9a-f:.]{2,60}\]?")


@dataclass(frozen=True, slots=True)
class MailboxValues:
    """What was typed. `port` and the ids are text: whether they are any good is said by `problems_of`."""

    name: str
    address: str
    from_name: str
    replies: str
    reply_domain: str
    way: str
    host: str
    port: str
    tls: str
    user_name: str
    folder: str
    done_folder: str
    team_id: str
    category_id: str
    active: bool

    @property
    def replies_to(self) -> str:
        """What reply addresses are made of, as the table keeps it."""
        return {"plus": self.address, "domain": f"@{self.reply_domain}"}.get(self.replies, "")


def hash_token(token: str) -> str:
    """Tokens of secret addresses have 160 random bits: a plain hash keeps them (as for the tokens of programs)."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def problems_of(values: MailboxValues) -> dict[str, str]:
    """A sentence for each field that cannot be so."""
    found: dict[str, str] = {}
    local, _, domain = values.address.rpartition("@")
    if not (_LOCAL.fullmatch(local) and len(local) <= _LOCAL_MAX and _DOMAIN.fullmatch(domain)):
        found["address"] = "That is not an e-mail address. Write it like support@example.com."
    elif values.replies == "plus" and len(local) + _CODE > _LOCAL_MAX:
        found["replies"] = f"The address is too long for this: only {_LOCAL_MAX} letters may stand before the @."
    if values.replies not in dict(REPLIES):
        found["replies"] = "Choose where answers come back to."
    if values.replies == "domain" and not _DOMAIN.fullmatch(values.reply_domain):
        found["reply_domain"] = "Enter the domain, such as replies.example.com."
    if values.way not in dict(WAYS):
        found["way"] = "Choose how mail gets here."
    return found | (_of_server(values) if values.way == "imap" else {})


def _of_server(values: MailboxValues) -> dict[str, str]:
    found: dict[str, str] = {}
    if not _HOST.fullmatch(values.host):
        found["host"] = "Enter the name of the mail server, such as imap.example.com."
    if not (values.port.isascii() and values.port.isdigit() and len(values.port) <= 5 and 0 < int(values.port) < 65536):
        found["port"] = "A port is a number; for IMAP it is 993 or 143."
    if values.tls not in dict(ENCRYPTION):
        found["tls"] = "Choose how the connection is encrypted."
    if values.tls == "none" and values.host not in ("localhost", "127.0.0.1"):
        found["tls"] = "Mail is fetched over an encrypted connection only: choose TLS or STARTTLS."
    if not values.user_name:
        found["user_name"] = "Enter the name the mailbox is signed in to with."
    for name in ("folder", "done_folder"):
        if re.search(r"[\x00-\x1f\x7f]", getattr(values, name)):
            found[name] = "Leave out characters that cannot be seen."
    if values.done_folder and values.done_folder == values.folder:
        found["done_folder"] = "That is the folder mail is fetched from: it would come again and again."
    return found
