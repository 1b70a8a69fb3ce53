"""Conversations in real browsers: two agents on one ticket, a reply taken back, a draft that outlives its tab."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from playwright.sync_api import Locator, Page, expect

from tests.journeys.conftest import Person
from tests.journeys.talking import talk_of
from tests.journeys.test_live import listens
from tests.support.site import Site


def some_ticket(site: Site, undo_seconds: int | None = None) -> UUID:
    with talk_of(site) as talk:
        if undo_seconds is not None:
            set_undo(talk, undo_seconds)
        return talk.world.add(subject="Printer on fire", requester_name="John Doe", requester_email="john@doe.example")


def set_undo(talk: object, seconds: int) -> None:
    """How long a reply can be taken back: longer than a slow machine needs to press the button."""
    from app.core.clock import new_id
    from app.extensions import db
    from app.tickets.models import DeskRow

    scope = talk.scope()  # type: ignore[attr-defined]
    with talk.world.inside(scope):  # type: ignore[attr-defined]
        stamps = {"created_at": scope.now, "updated_at": scope.now, "version": 1}
        row = DeskRow(tenant_id=scope.tenant_id, id=new_id(), settings={"undo_seconds": seconds}, **stamps)
        db.session.add(row)


def write(page: Page, text: str) -> Locator:
    box = page.locator("#reply_body")
    box.fill(text)
    return box


def said(page: Page) -> Locator:
    return page.locator("#conversation_entries .message")


def test_two_agents_see_each_other_reply_at_once_and_lose_nothing(site: Site, person: Callable[..., Person]) -> None:
    path = f"/tickets/{some_ticket(site, 60)}"
    ida, mary = person("agent"), person("manager")
    mine, theirs = listens(ida.visit(path)), listens(mary.visit(path))
    expect(mine.locator("#presence")).to_contain_text("Mary")
    theirs.locator("#reply_body").press_sequentially("Mary's answer.")
    expect(mine.locator("#presence")).to_contain_text("is typing a reply")
    # Ida does not look up: what she was shown when she began is what counts.
    mine.locator("input[name=seen]").evaluate("field => { field.form.dataset.seen = field.value; }")
    write(mine, "Ida's answer.")
    theirs.locator("[data-editor-send]").click()
    expect(said(theirs).filter(has_text="Mary's answer.")).to_be_visible()
    expect(said(mine).filter(has_text="Mary's answer.")).to_be_visible(timeout=30_000)
    expect(mine.locator("#reply_body")).to_have_value("Ida's answer.")
    mine.locator("input[name=seen]").evaluate("field => { field.value = field.form.dataset.seen; }")
    mine.locator("[data-editor-send]").click()
    expect(mine.locator("#reply-errors")).to_contain_text("replied while you were writing")
    expect(mine.locator("#reply_body")).to_have_value("Ida's answer.")
    mine.get_by_role("button", name="Send anyway").click()
    for page in (mine, theirs):
        for text in ("Mary's answer.", "Ida's answer."):
            expect(said(page).filter(has_text=text)).to_be_visible(timeout=30_000)


def test_a_reply_is_taken_back_and_comes_back_into_the_editor(site: Site, person: Callable[..., Person]) -> None:
    page = person("agent").visit(f"/tickets/{some_ticket(site, 60)}")
    write(page, "Too early").press("Control+Enter")
    held = said(page).filter(has_text="Too early")
    expect(held).to_have_class(re.compile("is-held"))
    expect(held.get_by_role("button", name=re.compile("Undo"))).to_contain_text(re.compile(r"\(\d+ s\)"))
    write(page, "Meanwhile")
    held.get_by_role("button", name=re.compile("Undo")).click()
    expect(page.locator("#reply_body")).to_have_value("Too early\n\nMeanwhile")
    expect(held).to_have_count(0)


def test_a_reply_leaves_by_itself_and_the_page_shows_it(site: Site, person: Callable[..., Person]) -> None:
    page = person("agent").visit(f"/tickets/{some_ticket(site, 2)}")
    write(page, "Off it goes")
    page.get_by_text("Send and…").click()
    page.get_by_role("button", name="Send as resolved", exact=True).click()
    message = said(page).filter(has_text="Off it goes")
    expect(message).not_to_have_class(re.compile("is-held"))
    expect(page.locator("#record_summary")).to_contain_text("Resolved")


def test_a_draft_outlives_its_tab_and_is_there_on_another_device(site: Site, person: Callable[..., Person]) -> None:
    path = f"/tickets/{some_ticket(site)}"
    desk, phone = person("agent"), person("agent", width=375)
    page = desk.visit(path)
    page.locator("#reply_body").press_sequentially("Half a thou")
    expect(page.locator("[data-editor-state]")).to_contain_text("Draft saved")
    page.close()
    there = phone.visit(path)
    expect(there.locator("#reply_body")).to_have_value("Half a thou")
    there.get_by_role("button", name="Discard draft").click()
    there.get_by_role("alertdialog").get_by_role("button", name="Discard draft").click()
    expect(there.locator("#reply_body")).to_have_value("")


def test_what_could_not_be_saved_stays_in_the_browser(site: Site, person: Callable[..., Person]) -> None:
    desk = person("agent")
    page = desk.visit(path := f"/tickets/{some_ticket(site)}")
    desk.context.set_offline(True)
    page.locator("#reply_body").press_sequentially("Written in a tunnel")
    expect(page.locator("[data-editor-state]")).to_contain_text("kept in this browser")
    desk.context.set_offline(False)
    page = desk.visit(path)
    expect(page.locator("#reply_body")).to_have_value("Written in a tunnel")


def test_files_are_uploaded_as_they_are_chosen_and_sent(
    site: Site, person: Callable[..., Person], tmp_path: Path
) -> None:
    page = person("agent").visit(f"/tickets/{some_ticket(site)}")
    for name in ("one.txt", "two.txt"):
        (tmp_path / name).write_text(name)
    page.set_input_files("#reply_file", [tmp_path / "one.txt", tmp_path / "two.txt"])
    waiting = page.locator("#waiting_files .file")
    expect(waiting).to_have_count(2)
    waiting.filter(has_text="one.txt").get_by_role("button").click()
    expect(waiting).to_have_count(1)
    page.keyboard.press("Escape")
    page.locator("label.editor-kind").filter(has_text="Internal note").click()
    write(page, "See the file.")
    page.get_by_role("button", name="Add note").click()
    note = said(page).filter(has_text="See the file.")
    expect(note.locator(".file-name")).to_have_text("two.txt")
    with page.expect_download() as download:
        note.locator(".file a").click()
    assert download.value.suggested_filename == "two.txt"


def test_a_canned_reply_by_keys_alone(site: Site, person: Callable[..., Person]) -> None:
    ticket = some_ticket(site)
    with talk_of(site) as talk:
        talk.canned("Restart", "Hello {{requester_first_name}}, please restart it.")
        talk.canned("Thanks", "Thank you!")
    page = person("agent").visit(f"/tickets/{ticket}")
    page.keyboard.press("r")
    expect(page.locator("#reply_body")).to_be_focused()
    page.keyboard.type("/")
    expect(page.locator("#canned_q")).to_be_focused()
    page.keyboard.type("resta")
    expect(page.locator("[data-canned]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#reply_body")).to_have_value("Hello John, please restart it.")
    expect(page.locator("#reply_body")).to_be_focused()


def test_everything_works_without_script(site: Site, person: Callable[..., Person]) -> None:
    page = person("agent", script=False).visit(f"/tickets/{some_ticket(site, 60)}")
    page.fill("#reply_body", "Without script")
    page.get_by_role("button", name="Save draft").click()
    assert page.locator("#reply_body").input_value() == "Without script"
    page.get_by_role("button", name="Send", exact=True).first.click()
    assert "Without script" in page.locator(".message.is-held").inner_text()
    page.get_by_role("button", name="Undo").click()
    assert page.locator("#reply_body").input_value() == "Without script"
