"""The live stream: pages hear what changed and ask again, under their own permissions (ADR 31).

Only names travel: ``ticket`` (some ticket changed), ``ticket:<id>`` (this one), ``notices@<user id>`` (told to one
person). Events tell their kind and their subject by themselves; whatever else changes calls `tell`.
"""

from __future__ import annotations

from app.core.live.telling import of_person, tell, tell_at_once

__all__ = ["of_person", "tell", "tell_at_once"]
