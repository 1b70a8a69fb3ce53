"""Mail made in code, for reading tests: whole messages as bytes, well formed or not."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

HEAD = (
    b"From: Ann Ames <ann@customer.example>\r\nTo: support@acme.example\r\nSubject: Printer\r\n"
    b"Message-ID: <first@customer.example>\r\nDate: Fri, 20 Nov 2026 10:00:00 +0100\r\n"
)


def plain(body: bytes, *fields: bytes, head: bytes = HEAD) -> bytes:
    """A message of one part; `fields` are more header lines."""
    return head + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


def multipart(kind: str, *parts: bytes, head: bytes = HEAD) -> bytes:
    """A message of several parts, each given with its own headers."""
    inner = b"".join(b"--=b\r\n" + part + b"\r\n" for part in parts)
    return head + f'Content-Type: multipart/{kind}; boundary="=b"\r\n\r\n'.encode() + inner + b"--=b--\r\n"


def nested(levels: int, body: bytes = b"deep") -> bytes:
    """Multiparts in each other."""
    opened = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(levels))
    closed = b"".join(b"\r\n--b%d--\r\n" % n for n in reversed(range(levels)))
    return HEAD + opened + b"Content-Type: text/plain\r\n\r\n" + body + closed


def letter(text: str = "Hello", subject: str = "Printer", **fields: str) -> EmailMessage:
    """A message written by the standard library; `fields` by name, with _ for -."""
    made = EmailMessage(policy=SMTP)
    made["From"] = fields.pop("From", "Ann Ames <ann@customer.example>")
    made["To"] = fields.pop("To", "support@acme.example")
    made["Subject"] = subject
    made["Message-ID"] = fields.pop("Message_ID", "<first@customer.example>")
    for name, value in fields.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made
