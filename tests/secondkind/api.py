"""Gadgets for programs: named in `settings.extra_kinds`."""

from __future__ import annotations

from app.core.records.api import record_api
from tests.secondkind.definition import GADGETS

blueprint = record_api(GADGETS)
