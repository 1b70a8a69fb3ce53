"""Names say what things are: one word through the whole stack, and no drawers for what has no name."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from flask import Flask

from app.config import ROOT

SINGULAR = {
    "sign-in",
    "sign-out",
    "new",
    "edit",
    "delete",
    "move",
    "undo",
    "bulk",
    "count",
    "similar",
    "health",
    "live",
    *("auth", "login", "logout", "me", "mfa", "refresh", "verify"),
}
