"""Notices: the bell, and the page that lists them."""

from __future__ import annotations

from flask import Blueprint

from app.notifications import models

blueprint = Blueprint("notifications", __name__, url_prefix="/notices")

__all__ = ["blueprint", "models"]
