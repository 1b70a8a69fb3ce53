"""What all forms share: sentences by field, and texts cleaned of what cannot be stored."""

from __future__ import annotations

from flask_wtf import FlaskForm

from app.core.records.text import clean


class PlainForm(FlaskForm):
    """A form that says what is wrong as field id → sentence. Fields it does not name are never read."""

    def problems(self) -> dict[str, str]:
        return {name: " ".join(str(text) for text in texts) for name, texts in self.errors.items() if name}

    def version_number(self) -> int:
        """Of the row as whoever filled this in saw it; 0 if the form has no field `version`, or it holds none."""
        return whole_number(self["version"].data) if "version" in self else 0


def one_line(text: str | None) -> str:
    """Control characters gone, white space folded: a name can stand in a header and a log."""
    return " ".join(clean(text or "").split())


def whole_number(text: str | None, otherwise: int = 0) -> int:
    """The version a form was filled in at; for anything else 0, which no row has, or what is said."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else otherwise
