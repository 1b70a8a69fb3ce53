"""Workbooks are ZIP files of XML. Both are read here, a piece at a time, under limits.

Sources: claim 31 of the security design (zip bombs), the defusedxml notes on XML attacks. No document type
is allowed at all, so no entity can be declared, expanded or fetched.
"""

import zlib
from collections.abc import Generator
from pathlib import Path
from typing import Any
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

from app.core.transfer.reading.model import Limits, UnreadableFile

_CHUNK = 2**16
_LONGEST_TOKEN = 8 * 2**20
_DAMAGED = "The spreadsheet is damaged: {what}. Open it, save it again and upload the new file."


def check_archive(archive: ZipFile, limits: Limits) -> None:
    """Refuse a bomb by its directory, before anything is unpacked.

    The directory cannot understate: zipfile stops reading a part at the size stated there.
    Raises UnreadableFile.
    """
    entries = archive.infolist()
    if len(entries) > limits.max_entries:
        raise UnreadableFile(f"The spreadsheet consists of {len(entries):,} parts, which is more than a real one has.")
    if any(entry.flag_bits & 1 for entry in entries):
        raise UnreadableFile("The file is protected by a password. Save it without one and upload it again.")
    unpacked = sum(entry.file_size for entry in entries)
    packed = max(1, Path(str(archive.filename)).stat().st_size)
    if unpacked > limits.max_unpacked or (unpacked > limits.ratio_floor and unpacked > packed * limits.max_ratio):
        raise UnreadableFile(
            f"The spreadsheet unpacks to {unpacked // 2**20:,} MB, which is more than we open. "
            "Save the table as CSV, or split it."
        )


def local_name(tag: str) -> str:
    """Name of an element or attribute without its namespace prefix."""
    return tag.rpartition(":")[2]


def parse(archive: ZipFile, part: str, parser: expat.XMLParserType) -> Generator[None, None, None]:
    """Feed a part of the archive to the parser, a piece at a time; the caller takes what each brought.

    Raises UnreadableFile when the part is missing, damaged or declares a document type.
    """
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    fed = 0
    try:
        with archive.open(part) as stream:
            while piece := stream.read(_CHUNK):
                parser.Parse(piece, False)
                fed += len(piece)
                if fed - parser.CurrentByteIndex > _LONGEST_TOKEN:
                    raise UnreadableFile(_DAMAGED.format(what=f"{part} holds a piece that does not end"))
                yield
            parser.Parse(b"", True)
            yield
    except KeyError as error:
        raise UnreadableFile(_DAMAGED.format(what=f"{part} is missing")) from error
    except (expat.ExpatError, BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise UnreadableFile(_DAMAGED.format(what=f"{part} cannot be read")) from error


def elements(archive: ZipFile, part: str, limits: Limits) -> list[tuple[str, dict[str, str]]]:
    """Every element of a small part, in order: local name, and attributes by theirs.

    Raises UnreadableFile.
    """
    if part in archive.namelist() and archive.getinfo(part).file_size > limits.max_part:
        raise UnreadableFile(_DAMAGED.format(what=f"{part} is far too large"))
    found: list[tuple[str, dict[str, str]]] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        found.append((local_name(tag), {local_name(name): value for name, value in attributes.items()}))

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    for _ in parse(archive, part, parser):
        pass
    return found


def whole_number(text: str | None, default: int) -> int:
    """A count or position from an attribute; anything odd is the default."""
    if text and text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    return default


def _refuse_doctype(*_: Any) -> None:
    raise UnreadableFile(_DAMAGED.format(what="it declares a document type, which spreadsheets never do"))
