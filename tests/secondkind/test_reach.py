"""Reach is the machinery's: a second kind has it without a word."""

from __future__ import annotations

from typing import ClassVar

from tests.support.reaching import Reaching


class TestReach(Reaching):
    name = "name"
    passing: ClassVar[dict[str, str]] = {"colour": "red"}
