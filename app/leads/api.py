"""Leads for programs: all of it shared machinery."""

from __future__ import annotations

from app.core.records.api import record_api
from app.leads.definition import LEADS

blueprint = record_api(LEADS)
