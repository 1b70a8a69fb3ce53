"""A kind of record as a resource of the API: the same queries, actions and rules as its pages, in JSON."""

from __future__ import annotations

from app.core.records.api.resource import record_api

__all__ = ["record_api"]
