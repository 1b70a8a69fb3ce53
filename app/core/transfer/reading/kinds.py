"""What a file really is, by its first bytes and its contents, never by its name."""

from pathlib import Path
from zipfile import BadZipFile, ZipFile

from app.core.transfer.reading.archive import check_archive
from app.core.transfer.reading.model import Kind, Limits, UnreadableFile

_ADVICE = "Save the table as CSV or XLSX and upload that."

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF87a", "a GIF picture"),
    (b"GIF89a", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"%PDF-", "a PDF document"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a Linux program"),
    (b"BZh", "a bzip2-compressed file"),
    (b"\xfd7zXZ\x00", "an xz-compressed file"),
    (b"\x28\xb5\x2f\xfd", "a zstd-compressed file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"OggS", "an Ogg recording"),
    (b"ID3", "an MP3 recording"),
    (b"{\\rtf", "a Rich Text document"),
)
_TEXT_LIKE_MAGIC = (b"BM", b"MZ", b"PAR1", b"ID3", b"BZh", b"OggS")  # a CSV may begin with these letters

_MARKUP: tuple[tuple[bytes, str], ...] = (
    (b"<!doctype html", "a web page (HTML)"),
    (b"<html", "a web page (HTML)"),
    (b"<table", "a web page (HTML)"),
    (b"<head", "a web page (HTML)"),
    (b"<svg", "an SVG picture"),
    (b"<?xml", "an XML document"),
)

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def find_kind(path: Path, limits: Limits) -> Kind:
    """Kind of table in the file. Raises UnreadableFile, saying what the file is, when it holds none."""
    size = path.stat().st_size
    if size == 0:
        raise UnreadableFile("The file is empty.")
    if size > limits.max_bytes:
        raise UnreadableFile(
            f"The file is larger than {limits.max_bytes // 2**20} MB. "
            "Split it into smaller files and import them one by one."
        )
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _kind_of_zip(path, limits)
    if head.startswith(_OLE):
        return _kind_of_ole(path, limits)
    _refuse_other_files(head)
    return "csv"


def _refuse_other_files(head: bytes) -> None:
    if head.startswith(b"\x1f\x8b"):
        raise UnreadableFile("This is a gzip-compressed file. Unpack it and upload the table that is inside.")
    for magic, name in _MAGIC:
        if head.startswith(magic) and (magic not in _TEXT_LIKE_MAGIC or _looks_binary(head)):
            raise UnreadableFile(f"This is {name}, not a table. {_ADVICE}")
    if head.startswith(b"RIFF") and _looks_binary(head):
        raise UnreadableFile(f"This is a picture, sound or film, not a table. {_ADVICE}")
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for start, name in _MARKUP:
        if text.startswith(start):
            raise UnreadableFile(f"This is {name}, not a table. {_ADVICE}")
    if text.startswith((b'{"', b"{\n", b"{\r", b"{ ", b"[{", b"[\n", b"[\r", b"[[")):
        raise UnreadableFile(f"This is JSON, not a table. {_ADVICE}")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return
    if _looks_binary(head):
        raise UnreadableFile(f"This is not a text file or spreadsheet. {_ADVICE}")


def _looks_binary(head: bytes) -> bool:
    """Control characters other than NUL and white space in more than one byte of twenty: not a text.

    NUL is left out: UTF-16 without a mark is half NUL, and a stray one only costs its row.
    """
    control = sum(head.count(bytes((code,))) for code in (*range(1, 9), *range(14, 27), *range(28, 32), 127))
    if control > 3 and control * 20 > len(head):
        return True
    nul = head.count(0)
    return nul * 10 > len(head) and not _nul_on_one_side(head)


def _nul_on_one_side(head: bytes) -> bool:
    even, odd = head[0::2].count(0), head[1::2].count(0)
    return min(even, odd) * 10 <= max(even, odd)


def _kind_of_zip(path: Path, limits: Limits) -> Kind:
    try:
        with ZipFile(path) as archive:
            names = set(archive.namelist())
            kind = _kind_by_parts(archive, names)
            check_archive(archive, limits)
            if kind == "ods" and b"encryption-data" in _start_of(archive, "META-INF/manifest.xml", 2**20):
                raise UnreadableFile(
                    "The spreadsheet is protected by a password. Save it without one and upload it again."
                )
            return kind
    except (BadZipFile, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise UnreadableFile("The file is damaged or was not uploaded completely.") from error


def _kind_by_parts(archive: ZipFile, names: set[str]) -> Kind:
    if any(name.lower() == "xl/workbook.bin" for name in names):
        raise UnreadableFile("This is a binary Excel workbook (.xlsb). Save it as XLSX or CSV and upload that.")
    if "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names):
        return "xlsx"
    if any(name.startswith("word/") for name in names):
        raise UnreadableFile(f"This is a Word document, not a table. {_ADVICE}")
    if any(name.startswith("ppt/") for name in names):
        raise UnreadableFile(f"This is a PowerPoint presentation, not a table. {_ADVICE}")
    mimetype = _start_of(archive, "mimetype", 200) if "mimetype" in names else b""
    if mimetype.startswith(b"application/vnd.oasis.opendocument.spreadsheet"):
        return "ods"
    if mimetype.startswith(b"application/vnd.oasis.opendocument"):
        raise UnreadableFile(f"This is an OpenDocument file, but not a spreadsheet. {_ADVICE}")
    if any(name.lower().endswith(".numbers") or name.startswith("Index/") for name in names):
        raise UnreadableFile("This is an Apple Numbers file. Export it as CSV or XLSX and upload that.")
    raise UnreadableFile("This is a ZIP archive. Unpack it and upload the table that is inside.")


def _start_of(archive: ZipFile, name: str, size: int) -> bytes:
    try:
        with archive.open(name) as part:
            return part.read(size)
    except (KeyError, RuntimeError):
        return b""


def _kind_of_ole(path: Path, limits: Limits) -> Kind:
    if path.stat().st_size > limits.max_xls:
        raise UnreadableFile(
            f"Old Excel workbooks (.xls) may be {limits.max_xls // 2**20} MB at most. "
            "Save it as XLSX or CSV and upload that."
        )
    content = path.read_bytes()
    if _utf16("EncryptedPackage") in content:
        raise UnreadableFile("The workbook is protected by a password. Save it without one and upload it again.")
    if _utf16("WordDocument") in content:
        raise UnreadableFile(f"This is an old Word document, not a table. {_ADVICE}")
    if _utf16("PowerPoint Document") in content:
        raise UnreadableFile(f"This is an old PowerPoint presentation, not a table. {_ADVICE}")
    if _utf16("Workbook") in content or _utf16("Book") in content:
        return "xls"
    raise UnreadableFile(f"This is an old Office file, but not a workbook. {_ADVICE}")


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le")
