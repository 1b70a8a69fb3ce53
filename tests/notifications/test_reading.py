"""Opening a notice, and marking one or all as read."""

from __future__ import annotations

from uuid import uuid4

import pytest

from app.core.clock import new_id
from tests.support.battery import Battery


class _OfOne:
    """What is asked of one notice, whatever is done with it."""

    method = "POST"
    as_page = 303
    role = "owner"

    def ids(self, world):
        return {"id": world.notice()}

    def test_viewer(self, viewer, world, address, admin):
        """Anybody who is signed in may read their own; another's is not there."""
        assert self.ask(viewer, address, {}).status_code == 404
        assert admin.execute("select count(*) from notices where read_at is not null").fetchone() == (0,)


class TestOpen(_OfOne, Battery):
    path = "/notices/{id}/open"


class TestConfirm(_OfOne, Battery):
    path = "/notices/{id}/confirm"
    target = "notice_list"


class TestConfirmAll(Battery):
    path = "/notices/confirm"
    method = "POST"
    as_page = 303
    target = "notice_list"
    viewer_may = True

    def typed(self, world, ids):
        return {"newest": str(new_id())}


@pytest.fixture
def unread(admin):
    query = "select subject from notices where read_at is null order by id"
    return lambda: [subject for (subject,) in admin.execute(query).fetchall()]


def test_opening_reads_it_and_leads_there(agent, agents, unread):
    notice = agents.notice("Go", link=("leads.list", {"q": "ada"}))
    for _ in range(2):
        answer = agent.submit(f"/notices/{notice}/open")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/t/acme/leads/?q=ada")
    assert unread() == []


def test_opening_what_leads_nowhere_leads_to_the_list(agent, agents):
    notice = agents.notice("Go", link=None)
    assert agent.submit(f"/notices/{notice}/open").headers["Location"] == "/t/acme/notices/"


def test_a_get_opens_nothing(agent, agents, unread):
    notice = agents.notice("Go")
    assert agent.get(f"/notices/{notice}/open").status_code == 405
    assert unread() == ["Go"]


def test_one_stays_where_one_was(agent, agents):
    notice = agents.notice("Go")
    answer = agent.submit(f"/notices/{notice}/confirm", {"show": "unread"})
    assert answer.headers["Location"] == "/t/acme/notices/?show=unread"
    answer = agent.fragment(f"/notices/{notice}/confirm", target="notice_list", method="POST", data={})
    assert "notice-changed" in answer.headers["HX-Trigger"]


def test_all_that_were_shown_and_none_that_came_since(agent, agents, world, unread):
    agents.notice("First")
    second = agents.notice("Second")
    agents.notice("Came since")
    world.notice("Another's")
    agent.submit("/notices/confirm", {"newest": str(second)})
    assert unread() == ["Came since", "Another's"]


@pytest.mark.parametrize("newest", ["", "x", "' or 1=1"])
def test_all_up_to_nothing_is_refused(agent, agents, unread, newest):
    agents.notice("First")
    assert agent.submit("/notices/confirm", {"newest": newest}).status_code == 404
    assert unread() == ["First"]


def test_the_form_says_what_was_newest(agent, agents):
    agents.notice("First")
    newest = agents.notice("Second")
    form = agent.get("/notices/").soup.select_one("form[action$='/notices/confirm']")
    assert form.select_one("[name=newest]")["value"] == str(newest)


def test_unknown(agent):
    assert agent.submit(f"/notices/{uuid4()}/open").status_code == 404
