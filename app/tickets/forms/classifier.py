"""Input of the classifier's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.core.forms import whole_number

LEAST, MOST = 50, 100
"""Percent."""


@dataclass(slots=True)
class ClassifierForm:
    """What was typed: whether it is on, and from how sure on a suggestion is applied, in percent."""

    on: bool
    percent: str
    version: int
    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def filled(settings: Mapping[str, Any], version: int) -> ClassifierForm:
    """The form as it first stands on the page."""
    return ClassifierForm(settings["classify"], f"{settings['classify_threshold'] * 100:g}", version)


def read(form: Mapping[str, str]) -> ClassifierForm:
    """Reads the form; `values` are settings of the desk."""
    version = whole_number(form.get("version"), -1)
    made = ClassifierForm(form.get("classify") == "1", form.get("threshold", "")[:20], version)
    made.values["classify"] = made.on
    typed = made.percent.strip().removesuffix("%").strip()
    if typed.isascii() and typed.isdigit() and len(typed) <= 3 and LEAST <= int(typed) <= MOST:
        made.values["classify_threshold"] = int(typed) / 100
    else:
        made.errors["threshold"] = f"Enter a whole number of percent from {LEAST} to {MOST}."
    return made
