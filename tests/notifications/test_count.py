"""The number at the bell."""

from __future__ import annotations

from tests.support.battery import Battery


class TestCount(Battery):
    path = "/notices/count"
    target = "notice_count"
    viewer_may = True


def _count(client):
    answer = client.fragment("/notices/count", target="notice_count")
    number = answer.soup.select_one("#notice_count .bell-number")
    return number.contents[0] if number else None, answer


def test_none_is_no_number(agent):
    assert _count(agent)[0] is None


def test_the_answer_does_not_ask_for_itself(agent):
    assert "load" not in _count(agent)[1].soup.select_one("#notice_count")["hx-trigger"]
    assert "load" in agent.get("/leads/").soup.select_one("#notice_count")["hx-trigger"]


def test_unread_ones_are_counted(agent, agents, world, count_queries):
    first, _ = agents.notice(), agents.notice()
    world.notice()
    assert _count(agent)[0] == "2"
    assert count_queries(_count(agent)[1]) == 1, "the rest of a request is in the cache by now"
    agent.submit(f"/notices/{first}/confirm")
    assert _count(agent)[0] == "1"


def test_a_hundred_are_99_and_more(agent, agents, admin):
    agents.notice()
    others = "json_populate_record(n, json_build_object('id', gen_random_uuid(), 'key', number::text))"
    admin.execute(f"insert into notices select ({others}).* from notices n, generate_series(1, 150) number")
    assert _count(agent)[0] == "99+"
