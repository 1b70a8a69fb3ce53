"""A file of contacts becomes leads through the browser, goes out again equal, and is taken back."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.config import ROOT
from tests.journeys.conftest import Person
from tests.support.waiting import PATIENCE

US500 = ROOT.parent / "shared" / "data" / "contacts_us500" / "us-500.csv"
LONG = PATIENCE * 1000
TAKE_BACK = "Take this import back"


def upload(someone: Person, file: Path) -> Page:
    page = someone.visit("/leads/imports/new")
    page.set_input_files("input[type=file]", file)
    page.get_by_role("button", name="Upload and look at it").click()
    page.wait_for_url(re.compile(r"/leads/imports/[0-9a-f-]{36}"))
    return page


def check_and_import(page: Page) -> None:
    """From the mapping to the result."""
    page.get_by_role("button", name=re.compile("Check", re.IGNORECASE)).click()
    page.get_by_role("button", name=re.compile("^Import", re.IGNORECASE)).click(timeout=LONG)
    expect(page.get_by_role("button", name=TAKE_BACK)).to_be_visible(timeout=LONG)


def download(page: Page) -> list[dict[str, str]]:
    page.locator("summary[aria-label='Import and export']").click()
    with page.expect_download() as caught:
        page.get_by_role("link", name="Download with every column").click()
    return list(csv.DictReader(Path(caught.value.path()).read_text(encoding="utf-8-sig").splitlines()))


def test_a_small_file_with_a_bad_row(person: Callable[..., Person], tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(
        "First Name;Surname;Mail;Zip\nZoë;Øst;zoe@example.com;01234\nBad;Row;nope;1\n=SUM(1);Safe;s@example.com;\n"
    )
    someone = person("manager")
    page = upload(someone, file)
    page.get_by_role("button", name=re.compile("Check", re.IGNORECASE)).click()
    expect(page.locator("main")).to_contain_text("is not an e-mail address", timeout=LONG)
    page.get_by_role("button", name=re.compile("^Import", re.IGNORECASE)).click()
    expect(page.get_by_role("button", name=TAKE_BACK)).to_be_visible(timeout=LONG)
    page = someone.visit("/leads/")
    expect(page.locator("#record_rows tr")).to_have_count(2)
    expect(page.locator("#record_rows")).to_contain_text("Zoë Øst")
    rows = download(page)
    assert {row["Postal code"] for row in rows} == {"01234", ""}
    assert "'=SUM(1)" in {row["First name"] for row in rows}, "a formula leaves the house neutralised"


@pytest.mark.skipif(not US500.exists(), reason="the shared data set contacts_us500 is not beside this checkout")
def test_five_hundred_contacts_in_out_and_taken_back(person: Callable[..., Person]) -> None:
    someone = person("owner")
    page = upload(someone, US500)
    check_and_import(page)
    expect(page.locator("main")).to_contain_text("500")
    result = page.url
    page = someone.visit("/leads/")
    expect(page.locator("#record_count")).to_have_text("500 leads")
    exported = {row["E-mail"]: row for row in download(page)}
    with US500.open(encoding="utf-8", newline="") as file:
        original = list(csv.DictReader(file))
    assert len(exported) == len(original) == 500
    for row in original:
        lead = exported[row["email"]]
        assert [lead["First name"], lead["Last name"], lead["Company"], lead["City"], lead["Postal code"]] == [
            row[name] for name in ("first_name", "last_name", "company_name", "city", "zip")
        ]
        assert lead["Phone"].lstrip("'").removeprefix("+1") == row["phone1"].replace("-", "")
    page.goto(result)
    page.get_by_role("button", name=TAKE_BACK).click()
    page.get_by_role("alertdialog").get_by_role("button", name=TAKE_BACK).click()
    expect(page.locator("#import_state .badge").first).to_have_text("Taken back", timeout=LONG)
    page = someone.visit("/leads/")
    expect(page.get_by_text("No leads yet")).to_be_visible()
