"""Whose leads someone sees and changes: the same at every door."""

from __future__ import annotations

from typing import ClassVar

from tests.support.reaching import Reaching


class TestReach(Reaching):
    name = "last_name"
    passing: ClassVar[dict[str, str]] = {"rating": "hot"}
