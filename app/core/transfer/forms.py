"""Is the input of the import pages well formed?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol
from uuid import UUID, uuid4

from app.core.errors import Invalid
from app.core.records.fields import FieldError, ParseContext, Tags
from app.core.records.kind import RecordKind
from app.core.records.text import clean
from app.core.transfer import mapping as mappings
from app.core.transfer.mapping import DUPLICATES, SKIP, Choices

DELIMITERS = ((",", "Comma ,"), (";", "Semicolon ;"), ("\t", "Tab"), ("|", "Bar |"))
ENCODINGS = (
    ("utf-8", "Unicode (UTF-8)"),
    ("cp1252", "Western European (Windows-1252)"),
    ("iso8859-15", "Western European (ISO 8859-15)"),
    ("cp1250", "Central European (Windows-1250)"),
    ("cp1251", "Cyrillic (Windows-1251)"),
    ("cp1253", "Greek (Windows-1253)"),
    ("cp1254", "Turkish (Windows-1254)"),
    ("cp932", "Japanese (Shift-JIS)"),
    ("gb18030", "Chinese (GB 18030)"),
    ("utf-16-le", "Unicode (UTF-16)"),
    ("mac-roman", "Macintosh"),
)
_DELIMITER_NAMES = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
_NAME_LENGTH = 150


class Upload(Protocol):
    """What the web framework hands over for a file input."""

    @property
    def filename(self) -> str | None: ...

    @property
    def stream(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class UploadForm:
    filename: str
    stream: BinaryIO
    token: UUID


@dataclass(frozen=True, slots=True)
class RereadForm:
    """How the file is to be read; empty means: as found."""

    encoding: str
    delimiter: str
    sheet: str


def read_upload(form: Mapping[str, str], upload: Upload | None) -> UploadForm:
    """Raises Invalid if no file was chosen."""
    if upload is None or not upload.filename:
        raise Invalid({"file": "Choose a file first."})
    return UploadForm(_safe_name(upload.filename), upload.stream, _uuid(form.get("token", "")) or uuid4())


def read_choices(
    form: Mapping[str, str], kind: RecordKind, width: int, context: ParseContext
) -> tuple[Choices, dict[str, str]]:
    """What was chosen for each of `width` columns, and a sentence for each input that is none of the choices."""
    errors: dict[str, str] = {}
    mapping = [_column(form, kind, index, errors) for index in range(width)]
    duplicates = form.get("duplicates", SKIP)
    if duplicates not in DUPLICATES:
        errors["duplicates"] = "Choose what happens to rows that are there already."
    choices = Choices(
        mapping=mapping,
        duplicates=duplicates if duplicates in DUPLICATES else SKIP,
        day_first=form.get("day_first") == "1",
        owner_id=_owner(form, context, errors),
        tag=_tag(form, errors),
        remember=form.get("remember") == "1",
    )
    return choices, errors


def read_reread(form: Mapping[str, str], sheets: Sequence[str]) -> RereadForm:
    encoding = form.get("encoding", "")
    sheet = form.get("sheet", "")
    return RereadForm(
        encoding if any(encoding == value for value, _ in ENCODINGS) else "",
        _DELIMITER_NAMES.get(form.get("delimiter", ""), ""),
        sheet if sheet in sheets else "",
    )


def delimiter_choices() -> list[tuple[str, str]]:
    """By name: a tab does not survive in the value of an option."""
    labels = dict(DELIMITERS)
    return [(name, labels[character]) for name, character in _DELIMITER_NAMES.items()]


def delimiter_name(character: str | None) -> str:
    return next((name for name, value in _DELIMITER_NAMES.items() if value == character), "")


def _column(form: Mapping[str, str], kind: RecordKind, index: int, errors: dict[str, str]) -> str:
    name = form.get(f"column-{index}", "")
    if mappings.is_choice(kind, name):
        return name
    errors[f"column-{index}"] = f"Column {index + 1} cannot be “{name[:40]}”."
    return ""


def _owner(form: Mapping[str, str], context: ParseContext, errors: dict[str, str]) -> UUID | None:
    text = form.get("owner_id", "").strip()
    if not text:
        return None
    person = context.people.get(text.lower())
    if person is None:
        errors["owner_id"] = "This person is not here any more. Choose another owner."
    return person


def _tag(form: Mapping[str, str], errors: dict[str, str]) -> str:
    try:
        tags = Tags().convert(clean(form.get("tag", "")[:500]), None, None)  # type: ignore[arg-type]
    except FieldError as wrong:
        errors["tag"] = str(wrong)
        return ""
    if len(tags) > 1:
        errors["tag"] = "One tag is added to every record; this has a comma."
        return ""
    return tags[0] if tags else ""


def _safe_name(name: str) -> str:
    """The file's own name, without the folders some browsers send."""
    bare = clean(name.replace("\\", "/").rpartition("/")[2]).replace("\n", " ").replace("\t", " ")
    if len(bare) > _NAME_LENGTH:
        stem, dot, ending = bare.rpartition(".")
        bare = f"{stem[: _NAME_LENGTH - 10]}{dot}{ending[:9]}" if dot else bare[:_NAME_LENGTH]
    return bare or "file"


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
