"""The board in real browsers: by mouse, by keys, by two people at once."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.journeys.conftest import Person
from tests.support.site import Site, in_tenant

CARD = ".board-card"


def board_of(someone: Person, path: str = "/leads/board") -> Page:
    page = someone.visit(path)
    expect(page.locator("[data-board-cards]").first).to_be_visible()
    return page


def column(page: Page, value: str) -> Locator:
    return page.locator(f"#cards-{value}")


def titles(page: Page, value: str) -> Locator:
    return column(page, value).locator("[data-row-link]")


def card(page: Page, title: str) -> Locator:
    return page.locator(CARD, has=page.get_by_role("link", name=title, exact=True))


def lift(page: Page, what: Locator, to: Locator) -> None:
    """As a hand does: press, a little way first, then there."""
    start, end = what.locator(".board-card-head").bounding_box(), to.bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + start["width"] * 0.6, start["y"] + 4)
    page.mouse.down()
    page.mouse.move(start["x"] + start["width"] * 0.6 + 10, start["y"] + 14, steps=3)
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + min(30, end["height"] / 2), steps=12)


def drag(page: Page, what: Locator, to: Locator) -> None:
    lift(page, what, to)
    page.mouse.up()


def test_dragging_moves_at_once_and_for_everybody(site: Site, person: Callable[..., Person]) -> None:
    in_tenant(site, leads=("Ash", "Birch", "Cedar"))
    page = board_of(person("agent"))
    other = board_of(person("owner"))
    drag(page, card(page, "Birch"), column(page, "contacted"))
    expect(titles(page, "contacted")).to_have_text(["Birch"])
    expect(page.locator("#column-contacted [data-board-count]")).to_have_text("1")
    expect(page.locator("#column-new [data-board-count]")).to_have_text("2")
    expect(page.locator(".board-card.is-pending")).to_have_count(0)
    expect(titles(other, "contacted")).to_have_text(["Birch"])


def test_a_refused_move_goes_back_and_says_who_was_first(site: Site, person: Callable[..., Person]) -> None:
    """Both have the same card in hand: who lets go second is told, and sees where it is."""
    in_tenant(site, leads=("Ash", "Birch"))
    page, other = board_of(person("agent")), board_of(person("owner"))
    lift(page, card(page, "Ash"), column(page, "contacted"))
    drag(other, card(other, "Ash"), column(other, "nurturing"))
    expect(other.locator(".board-card.is-pending")).to_have_count(0)
    page.mouse.up()
    expect(page.locator("#toasts")).to_contain_text("moved this lead to Nurturing before you")
    expect(titles(page, "nurturing")).to_have_text(["Ash"])
    expect(titles(page, "contacted")).to_have_count(0)


def test_a_move_nobody_allows_goes_back_with_the_reason(site: Site, person: Callable[..., Person]) -> None:
    in_tenant(site, leads=("Ash",))
    page = board_of(person("agent"))
    drag(page, card(page, "Ash"), column(page, "converted"))
    expect(page.locator("#toasts")).to_contain_text("New cannot become Converted")
    expect(titles(page, "new")).to_have_text(["Ash"])
    expect(page.locator("#column-new [data-board-count]")).to_have_text("1")


def test_a_reason_is_asked_and_then_the_card_is_there(site: Site, person: Callable[..., Person]) -> None:
    in_tenant(site, leads=("Ash",))
    page = board_of(person("agent"))
    drag(page, card(page, "Ash"), column(page, "lost"))
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why?").fill("Chose another.")
    dialog.get_by_role("button", name="Move to Lost").click()
    expect(titles(page, "lost")).to_have_text(["Ash"])


def test_the_whole_way_by_keys_spoken(site: Site, person: Callable[..., Person]) -> None:
    in_tenant(site, leads=("Ash", "Birch", "Cedar"))
    page = board_of(person("agent"))
    spoken = page.locator("#announcer")
    page.keyboard.press("j")
    expect(card(page, "Cedar").locator("[data-row-link]")).to_be_focused()
    page.keyboard.press("m")
    expect(spoken).to_contain_text("Cedar is picked up: New, 1 of 3")
    page.keyboard.press("ArrowDown")
    expect(spoken).to_contain_text("New, 2 of 3")
    page.keyboard.press("ArrowRight")
    expect(spoken).to_contain_text("Contacted, 1 of 1")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(spoken).to_contain_text("Converted, 1 of 1. It cannot be dropped here.")
    page.keyboard.press("Escape")
    expect(spoken).to_contain_text("Cedar is back in New")
    expect(titles(page, "new")).to_have_text(["Cedar", "Birch", "Ash"])
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(spoken).to_contain_text("Cedar is in New, 3 of 3")
    page.reload()
    expect(titles(page, "new")).to_have_text(["Birch", "Ash", "Cedar"])
    card(page, "Birch").locator("[data-board-grip]").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(spoken).to_contain_text("Birch is in Contacted, 1 of 1")
    expect(card(page, "Birch").locator("[data-board-grip]")).to_be_focused()


def test_the_menu_works_with_script_and_without(site: Site, person: Callable[..., Person]) -> None:
    in_tenant(site, leads=("Ash", "Birch"))
    page = board_of(person("agent"))
    card(page, "Ash").hover()
    card(page, "Ash").locator("summary").click()
    card(page, "Ash").get_by_role("button", name="Contacted").click()
    expect(titles(page, "contacted")).to_have_text(["Ash"])
    plain = person("agent", script=False)
    bare = board_of(plain)
    card(bare, "Birch").locator("summary").click()
    card(bare, "Birch").get_by_role("button", name="Contacted").click()
    bare.wait_for_url("**/leads/board")
    expect(titles(bare, "contacted")).to_have_text(["Birch", "Ash"])


def test_quick_moves_of_one_card_one_after_the_other(site: Site, person: Callable[..., Person]) -> None:
    """The second move knows the version the first one made."""
    in_tenant(site, leads=("Ash",))
    page = board_of(person("agent"))
    drag(page, card(page, "Ash"), column(page, "contacted"))
    drag(page, card(page, "Ash"), column(page, "qualified"))
    expect(page.locator(".board-card.is-pending")).to_have_count(0)
    expect(page.locator("#toasts")).not_to_contain_text("before you")
    page.reload()
    expect(titles(page, "qualified")).to_have_text(["Ash"])


def test_without_the_server_the_card_goes_back(site: Site, person: Callable[..., Person]) -> None:
    in_tenant(site, leads=("Ash",))
    someone = person("agent")
    page = board_of(someone)
    someone.context.set_offline(True)
    drag(page, card(page, "Ash"), column(page, "contacted"))
    expect(page.locator("#toasts")).to_contain_text("Ash was not moved")
    expect(titles(page, "new")).to_have_text(["Ash"])
    someone.context.set_offline(False)
