"""Outgoing mail. Features call `send_mail`; what it stores leaves after the commit, by `jobs.mail`.

Templates stand in `templates/email/<feature>/<name>.txt` (its first line is the subject, then an empty line)
and `.html` (optional, `{% extends "email/base.html" %}`); app/templates/email/README.md shows a pair.
"""

from app.gateways.mail.actions import hold_back, no_mail, send_mail, withdraw
from app.gateways.mail.composing import Enclosure, Letterhead, Recipient

__all__ = ["Enclosure", "Letterhead", "Recipient", "hold_back", "no_mail", "send_mail", "withdraw"]
