"""Telling people: a notice in the house and a mail. Nothing else sends on a feature's behalf (docs/adr/0032).

`from app.notifications.actions import notify, notify_digest`.
"""
