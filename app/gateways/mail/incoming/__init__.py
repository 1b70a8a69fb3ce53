"""Mail that comes in: `read_message` reads one, `imap.poll` fetches them, `threading` says where they belong.

Nothing here touches the database: the caller stores, and decides. See docs/mail.md.
"""

from app.gateways.mail.incoming.message import (
    RAW_MAX,
    Attachment,
    Bounce,
    FailedRecipient,
    IncomingMail,
    MailAddress,
)
from app.gateways.mail.incoming.reading import read_message, read_stream, refuse

__all__ = [
    "RAW_MAX",
    "Attachment",
    "Bounce",
    "FailedRecipient",
    "IncomingMail",
    "MailAddress",
    "read_message",
    "read_stream",
    "refuse",
]
