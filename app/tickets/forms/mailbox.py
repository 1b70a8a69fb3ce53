"""Input of a mailbox: what was typed."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, Length

from app.core.forms import PlainForm, one_line
from app.tickets.models.mail import Mailbox
from app.tickets.rules.mailboxes import MailboxValues

_LONG = 200


def _text(label: str, missing: str = "", most: int = _LONG) -> StringField:
    needed = [DataRequired(missing)] if missing else []
    checks = [*needed, Length(max=most, message=f"Use up to {most} characters.")]
    return StringField(label, checks, filters=[one_line])


class MailboxForm(PlainForm):
    name = _text("Name", "Enter a name; your people see it.", 60)
    address = _text("Address", "Enter the address customers write to.", 254)
    from_name = _text("Sender's name", most=60)
    replies = StringField("Answers come back to")
    reply_domain = _text("Domain of reply addresses", most=190)
    way = StringField("How mail gets here")
    host = _text("IMAP server")
    port = StringField("Port", filters=[one_line])
    tls = StringField("Encryption")
    user_name = _text("User name")
    password = PasswordField("Password", [Length(max=1000, message="That is too long.")])
    folder = _text("Folder", most=100)
    done_folder = _text("Move fetched mail to", most=100)
    team_id = StringField("Team")
    category_id = StringField("Category")
    active = BooleanField("Active")
    version = HiddenField("Version")

    @classmethod
    def of(cls, row: Mailbox) -> MailboxForm:
        """The form of what is stored; the password is never among it."""
        domain = row.replies_to[1:] if row.replies_to.startswith("@") else ""
        replies = "domain" if domain else "plus" if row.replies_to else "plain"
        data: dict[str, Any] = {
            name: getattr(row, name)
            for name in (
                "name",
                "address",
                "from_name",
                "way",
                "host",
                "tls",
                "user_name",
                "folder",
                "done_folder",
                "active",
            )
        }
        shown = {"replies": replies, "reply_domain": domain, "port": str(row.port), "version": str(row.version)}
        chosen = {"team_id": str(row.team_id or ""), "category_id": str(row.category_id or "")}
        return cls(formdata=None, data=data | shown | chosen)

    def values(self) -> MailboxValues:
        return MailboxValues(
            name=self.name.data or "",
            address=(self.address.data or "").lower(),
            from_name=self.from_name.data or "",
            replies=self.replies.data or "plus",
            reply_domain=(self.reply_domain.data or "").lower().removeprefix("@"),
            way=self.way.data or "imap",
            host=(self.host.data or "").lower(),
            port=self.port.data or "993",
            tls=self.tls.data or "implicit",
            user_name=self.user_name.data or "",
            folder=self.folder.data or "INBOX",
            done_folder=self.done_folder.data or "",
            team_id=self.team_id.data or "",
            category_id=self.category_id.data or "",
            active=bool(self.active.data),
        )
