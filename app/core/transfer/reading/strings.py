"""The strings of an XLSX workbook, which stand apart from its sheets (ECMA-376 part 1, 18.4)."""

import mmap
import tempfile
from array import array
from types import TracebackType
from typing import IO, Self
from xml.parsers import expat
from zipfile import ZipFile

from app.core.transfer.reading.archive import local_name, parse
from app.core.transfer.reading.model import Limits, UnreadableFile
from app.core.transfer.reading.values import unescape


class SharedStrings:
    """The shared strings, on disk: a workbook may hold millions, and only their places are kept in memory."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed by __exit__)
        self._ends = array("Q", [0])
        self._map: mmap.mmap | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._map is not None:
            self._map.close()
        self._file.close()

    def __getitem__(self, index: int) -> str:
        if self._map is None:
            return ""
        return self._map[self._ends[index] : self._ends[index + 1]].decode("utf-8", "surrogatepass")

    def __len__(self) -> int:
        return len(self._ends) - 1

    def load(self, archive: ZipFile, part: str, limits: Limits) -> None:
        """Read the part with the shared strings. Raises UnreadableFile."""
        text: list[str] = []
        found: list[str] = []
        state = {"wanted": False, "phonetic": False}

        def start(tag: str, _: dict[str, str]) -> None:
            tag = local_name(tag)
            if tag == "rPh":
                state["phonetic"] = True
            state["wanted"] = tag == "t" and not state["phonetic"]

        def data(piece: str) -> None:
            if state["wanted"]:
                text.append(piece)

        def end(tag: str) -> None:
            tag = local_name(tag)
            state["wanted"] = False
            if tag == "rPh":
                state["phonetic"] = False
            elif tag == "si":
                found.append("".join(text))
                text.clear()

        parser = expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, data
        for _ in parse(archive, part, parser):
            self._store(found)
            if len(self) > limits.max_strings or sum(map(len, text)) > limits.max_cell * 100:
                raise UnreadableFile("The spreadsheet holds too much text. Save the table as CSV, or split it.")
        if self._ends[-1]:
            self._file.flush()
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)

    def _store(self, found: list[str]) -> None:
        for value in found:
            self._ends.append(self._ends[-1] + self._file.write(unescape(value).encode("utf-8", "surrogatepass")))
        found.clear()
