"""The page of notices: one's own, newest first, read and unread."""

from __future__ import annotations

import re

import pytest

from tests.support.battery import Battery


class TestList(Battery):
    path = "/notices/"
    target = "notice_list"
    viewer_may = True


def _subjects(page):
    return [" ".join(found.get_text().split()) for found in page.soup.select(".notice-subject")]


def test_newest_first_with_text_and_a_way_there(agent, agents):
    agents.notice("First", link=None, body="One.\n\nTwo <b>bold</b>.")
    agents.notice("Second")
    page = agent.get("/notices/")
    assert _subjects(page) == ["Second", "First"]
    assert "Two <b>bold</b>." in page.text_of(".notices")
    assert len(page.soup.select("li.is-unread")) == 2
    assert len(page.soup.select("button.notice-subject")) == 1, "what leads nowhere is no button"


def test_nobody_reads_anothers(agent, agents, world, stranger, owner):
    agents.notice("For the agent")
    assert _subjects(owner.get("/notices/")) == []
    assert _subjects(stranger.get("/notices/")) == []
    assert "No notices yet" in owner.get("/notices/").text


def test_unread_only(agent, agents):
    read, unread = agents.notice("Read"), agents.notice("Unread")
    assert agent.submit(f"/notices/{read}/confirm").status_code == 303
    assert _subjects(agent.get("/notices/?show=unread")) == ["Unread"]
    assert _subjects(agent.get("/notices/")) == ["Unread", "Read"]
    agent.submit(f"/notices/{unread}/confirm")
    assert "Nothing unread" in agent.get("/notices/?show=unread").text


def test_twenty_a_page_there_and_back(agent, agents):
    for number in range(45):
        agents.notice(f"Number {number}")
    shown, path = [], "/notices/?show=unread"
    pages = []
    while path:
        page = agent.get(path)
        pages.append(_subjects(page))
        shown += pages[-1]
        older = page.soup.select_one("a[rel=next]")
        path = older["href"].removeprefix("/t/acme") if older else None
    assert [len(page) for page in pages] == [20, 20, 5]
    assert shown == [f"Number {number}" for number in reversed(range(45))]
    back = page.soup.select_one("a[rel=prev]")["href"].removeprefix("/t/acme")
    assert _subjects(agent.get(back)) == pages[1]


@pytest.mark.parametrize("query", ["?before=x", "?after='", "?show=zzz", "?before=0190&after=%00"])
def test_an_address_that_says_nonsense_shows_the_first_page(agent, agents, query):
    agents.notice("Here")
    page = agent.get(f"/notices/{query}")
    assert page.status_code == 200
    assert _subjects(page) == ["Here"]


def test_an_empty_place_shows_the_first_page(agent, agents):
    first = agents.notice("Oldest")
    agents.notice("Newest")
    assert _subjects(agent.get(f"/notices/?before={first}")) == ["Newest", "Oldest"]


def test_a_link_to_a_page_that_went_is_no_link(agent, agents, admin):
    notice = agents.notice("Old")
    admin.execute("update notices set endpoint = 'gone.show', values = '{}'")
    assert _subjects(agent.get("/notices/")) == ["Old"]
    assert agent.get("/notices/").soup.select_one("button.notice-subject") is None
    assert agent.submit(f"/notices/{notice}/open").headers["Location"].endswith("/t/acme/notices/")


def test_a_digest_names_each(agent, agents, inside, acme):
    from app.notifications.actions import notify_digest

    items = [(f"Ticket {number} is overdue", ("leads.list", {"q": str(number)})) for number in range(22)]
    with inside(acme):
        notify_digest(acme, agents.scope.user_id, kind="sla", items=items, key="d", subject="22 tickets are overdue")
    page = agent.get("/notices/")
    links = page.soup.select(".notice-items a")
    assert [link.get_text() for link in links] == [f"Ticket {number} is overdue" for number in range(20)]
    assert re.search(r"q=19$", links[19]["href"])
    assert "and 2 more" in page.text_of(".notice-items")


def test_the_bell_stands_on_every_page(agent):
    page = agent.get("/leads/")
    assert page.soup.select_one("a.bell")["href"] == "/t/acme/notices/"
    assert page.soup.select_one("#notice_count")["hx-get"] == "/t/acme/notices/count"
