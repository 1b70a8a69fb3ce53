"""The collections of odd tables that lie beside the checkout; skipped where they are absent."""

import csv
import gzip
import json
import re
from pathlib import Path

import pytest

from app.core.transfer.reading import UnreadableFile, inspect, read_rows

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
SPECTRUM = DATA / "csv_spectrum"
NOTIFY = DATA / "csv_govuk_notify_spreadsheets"
ORIGINALS = NOTIFY / "spreadsheet_files" / "conversions" / "originals"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the shared data, {DATA.name} beside the checkout")


def table(file: Path) -> list[list[str]]:
    """Header and rows of a file, refused rows too, without the empty cells at their ends."""
    found = inspect(file, file.name)
    lines = [list(found.headers), *(list(row.cells) for row in read_rows(file, found.format))]
    return without_blanks(lines)


def without_blanks(lines: list[list[str]]) -> list[list[str]]:
    unnamed = re.compile(r"Column [A-Z]+|(.*) \(\d+\)")
    kept = []
    for number, line in enumerate(lines):
        cells = [unnamed.sub(r"\1", cell) for cell in line] if number == 0 else list(line)
        cells = [cell.removesuffix(" 00:00:00") for cell in cells]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            kept.append(cells)
    return kept


def expected(name: str) -> list[list[str]]:
    with (ORIGINALS.parent / "expected_converted" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return without_blanks(list(csv.reader(file)))


def assert_shows(lines: list[list[str]], shown: list[list[str]]) -> None:
    """The expectations drop what lies beyond the header; here such a row keeps it, and is refused."""
    assert [line[: len(wanted)] for line, wanted in zip(lines, shown, strict=False)] == shown
    assert not any(cell for line in lines[len(shown) :] for cell in line[: len(shown[0])])


@pytest.mark.parametrize("file", sorted(SPECTRUM.glob("csvs/*.csv")), ids=lambda file: file.stem)
def test_csv_spectrum(file: Path) -> None:
    found = inspect(file, file.name)
    rows = [dict(zip(found.headers, row.cells, strict=True)) for row in read_rows(file, found.format)]
    shown = json.loads((SPECTRUM / "json" / f"{file.stem}.json").read_text(encoding="utf-8"))
    shown = shown if isinstance(shown, list) else [shown]
    if file.stem == "location_coordinates":  # its JSON gives another telephone number than its CSV
        shown[0]["Contact Phone Number"] = "2095257564"
    assert rows == shown


# Compared with the expectation of another format: hidden cells are left out of XLSX there, and of ODS here
# too; merged cells keep their value in the first cell, as the expectations for XLS show.
INSTEAD = {
    "ods_filters_hidden_cols_rows": "xlsx_filters_hidden_cols_rows",
    "ods_hidden_sheet": "xlsx_hidden_sheet",
    "xlsx_merged_cells": "xls_merged_cells",
    "ods_merged_cells": "xls_merged_cells",
}
OWN = {"hidden_merged", "hidden_final_header", "wide_hidden_firsts", "QQQ1234567"}


def comparable(file: Path) -> bool:
    return file.suffix == ".xls" or file.stem.partition("_")[2] not in OWN


@pytest.mark.parametrize(
    "file", [file for file in sorted(ORIGINALS.glob("*")) if comparable(file)], ids=lambda file: file.stem
)
def test_conversions(file: Path) -> None:
    assert_shows(table(file), expected(INSTEAD.get(file.stem, file.stem)))


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_hidden_columns_and_rows(kind: str) -> None:
    wide = table(ORIGINALS / f"{kind}_wide_hidden_firsts.{kind}")
    assert_shows(wide, expected("xlsx_wide_hidden_firsts"))
    final = table(ORIGINALS / f"{kind}_hidden_final_header.{kind}")
    shown = expected("xlsx_hidden_final_header")
    assert [line[:5] for line in final[:3]] == [line[:5] for line in shown[:3]]
    merged = table(ORIGINALS / f"{kind}_hidden_merged.{kind}")
    assert merged[1] == ["A2", "C2", "D2", "E2", "F2", "G2", "I2"]
    assert [line[0] for line in merged] == [line[0] for line in expected("xlsx_hidden_merged")]


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_a_cell_far_away_costs_its_row_only(kind: str) -> None:
    file = ORIGINALS / f"{kind}_QQQ1234567.{kind}"
    rows = list(read_rows(file, inspect(file, file.name).format))
    assert (rows[-1].number, rows[-1].problem) == (
        123456,
        "Column QQQ is filled; a table may have 500 columns at most.",
    )
    shown = expected(f"{kind}_QQQ1234567")
    assert table(file)[: len(shown)] == shown


@pytest.mark.parametrize("file", sorted(NOTIFY.glob("spreadsheet_files/equivalents/*")), ids=lambda file: file.name)
def test_equivalents(file: Path) -> None:
    assert table(file) == [
        ["phone number", "name", "favourite colour", "fruit"],
        ["07739 468 050", "Pete", "Coral", "tomato"],
        ["07527 125 974", "Not Pete", "Magenta", "Avacado"],
        ["07512 058 823", "Still Not Pete", "Crimson", "Pear"],
    ]


@pytest.mark.parametrize("name", ["tab separated.tsv", "open document spreadsheet.ods"])
def test_ragged_rows(name: str) -> None:
    file = NOTIFY / "spreadsheet_files" / "ragged_surplus_columns" / name
    rows = list(read_rows(file, inspect(file, name).format))
    assert [row.problem for row in rows] == [
        None,
        "The row has more cells than the header: column N has no heading.",
        None,
    ]


@pytest.mark.parametrize("name", ["tab separated.tsv", "open document spreadsheet.ods"])
def test_surplus_headers(name: str) -> None:
    file = NOTIFY / "spreadsheet_files" / "surplus_header_columns" / name
    found = inspect(file, name)
    assert found.headers[:4] == ("phone number", "name", "favourite colour", "fruit")
    assert found.headers[-1] == "unnecessary"
    assert not any(row.problem for row in found.sample)


@pytest.mark.parametrize("file", sorted(NOTIFY.glob("non_spreadsheet_files/*")), ids=lambda file: file.name)
def test_pictures_are_refused(file: Path) -> None:
    with pytest.raises(UnreadableFile, match="PNG picture"):
        inspect(file, file.name)


@pytest.mark.parametrize("file", sorted(NOTIFY.glob("test_csv_files/*")), ids=lambda file: file.name)
def test_small_files(file: Path) -> None:
    with file.open(newline="", encoding="utf-8") as stream:
        lines = list(csv.reader(stream))
    lines[0] = [cell.strip() for cell in lines[0]]
    assert table(file) == lines


def test_a_small_file_that_unpacks_to_400_000_rows(tmp_path: Path) -> None:
    (packed,) = NOTIFY.glob("spreadsheet_files/excessive/*.gz")
    with pytest.raises(UnreadableFile, match="gzip-compressed"):
        inspect(packed, packed.name)
    unpacked = tmp_path / "rows.tsv"
    unpacked.write_bytes(gzip.decompress(packed.read_bytes()))
    found = inspect(unpacked, unpacked.name)
    assert found.headers == ("foo", "bar", "baz", "qux")
    rows = sum(1 for row in read_rows(unpacked, found.format) if row.problem is None)
    assert rows == sum(1 for line in unpacked.read_bytes().splitlines()[1:] if line.strip())


def test_contacts() -> None:
    file = DATA / "contacts_us500" / "us-500.csv"
    with file.open(newline="", encoding="utf-8") as stream:
        lines = list(csv.reader(stream))
    assert table(file) == lines
    assert len(lines) == 501


def test_accounts() -> None:
    file = DATA / "crm_maven_sales" / "accounts.csv"
    found = inspect(file, file.name)
    assert (found.rows, len(found.headers), found.warnings) == (85, 7, ())


def test_tickets_whose_last_row_is_cut_short() -> None:
    for file in (DATA / "tickets_multilang_tobi").glob("*.csv"):
        rows = list(read_rows(file, inspect(file, file.name).format))
        assert [row.number for row in rows if row.problem] == [rows[-1].number]


def test_every_naughty_string_comes_through(tmp_path: Path) -> None:
    (source,) = (DATA / "naughty_strings").rglob("blns.json")
    strings = [text for text in json.loads(source.read_text(encoding="utf-8")) if text and "\0" not in text]
    file = tmp_path / "naughty.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["first", "second"], *([text, text] for text in strings)])
    found = inspect(file, file.name)
    rows = list(read_rows(file, found.format))
    assert [row.cells for row in rows] == [(text, text) for text in strings]
    assert not any(row.problem for row in rows)
