"""Input of the service desk's settings: what was typed, and what it means. What each takes, it says itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from decimal import Decimal, InvalidOperation
from typing import Any

from werkzeug.datastructures import MultiDict

from app.core.forms import whole_number
from app.core.records.text import clean
from app.tickets.rules.settings import DeskSettings

SETTINGS: Mapping[str, Field[Any]] = {spec.name: spec for spec in fields(DeskSettings)}
_TEXT_MAX = 200


@dataclass(slots=True)
class DeskForm:
    """`raw` is what was typed, by setting; `values` what it means, for those that have no error."""

    raw: dict[str, str]
    version: int
    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def filled(settings: Mapping[str, Any], version: int) -> DeskForm:
    """The form as it first stands on the page."""
    return DeskForm({name: written(settings[name]) for name in SETTINGS}, version)


def read(form: MultiDict[str, str], settings: Mapping[str, Any]) -> DeskForm:
    """Reads the whole form, or the choices made after a conflict: there `theirs` is what is stored now."""
    version = whole_number(form.get("version"), -1)
    made = DeskForm({name: _typed(form, name, written(settings[name])) for name in SETTINGS}, version)
    for name, text in made.raw.items():
        try:
            made.values[name] = _meaning(SETTINGS[name], text)
        except ValueError as wrong:
            made.errors[name] = str(wrong)
    return made


def written(value: Any) -> str:
    """A setting as a form carries it."""
    if isinstance(value, bool):
        return "1" if value else ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def shown(name: str, value: Any) -> str:
    """A setting as people read it, with its unit."""
    told = SETTINGS[name].metadata
    if isinstance(value, bool):
        return "yes" if value else "no"
    if told["options"]:
        return dict(told["options"]).get(value, str(value))
    return f"{written(value)} {told['unit']}".strip()


def bounds(name: str) -> str:
    """From where to where a number may be, in words; empty for what is no number."""
    spec = SETTINGS[name]
    if isinstance(spec.default, bool | str):
        return ""
    least, most = spec.metadata["least"], spec.metadata["most"]
    return f"{least:,g} to {most:,g} {spec.metadata['unit']}".strip()


def _typed(form: MultiDict[str, str], name: str, stored: str) -> str:
    choice = form.get(f"choice-{name}")
    if choice is not None:
        return form.get(f"mine-{name}", "") if choice == "mine" else stored
    return form.get(name, "")


def _meaning(spec: Field[Any], text: str) -> Any:
    """Raises ValueError with a sentence for what cannot be."""
    if isinstance(spec.default, bool):
        return text == "1"
    if spec.metadata["options"]:
        if text not in dict(spec.metadata["options"]):
            raise ValueError("Choose one of the list.")
        return text
    if isinstance(spec.default, str):
        return _line(text)
    return _number(spec, text.strip())


def _line(text: str) -> str:
    line = " ".join(clean(text).split())
    if len(line) > _TEXT_MAX:
        raise ValueError(f"Use {_TEXT_MAX} characters at most.")
    return line


def _number(spec: Field[Any], text: str) -> int | float:
    """The number within its bounds; a comma is read as the point of a fraction."""
    whole = isinstance(spec.default, int)
    try:
        number = (
            Decimal(text.replace(",", ".")) if text.isascii() and len(text) < 12 and "_" not in text else Decimal("NaN")
        )
    except InvalidOperation:
        number = Decimal("NaN")
    least, most = spec.metadata["least"], spec.metadata["most"]
    fits = number.is_finite() and Decimal(str(least)) <= number <= Decimal(str(most))
    if not fits or (whole and number != number.to_integral_value()):
        kind = "a whole number" if whole else "a number"
        unit = f" ({spec.metadata['unit']})" if spec.metadata["unit"] else ""
        raise ValueError(f"Enter {kind} from {least:,g} to {most:,g}{unit}.")
    return int(number) if whole else float(number)
