"""Tickets for programs: shared machinery."""

from __future__ import annotations

from app.core.records.api import record_api
from app.tickets.definition import TICKETS

blueprint = record_api(TICKETS)
