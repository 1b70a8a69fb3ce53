"""The number at the bell."""

from __future__ import annotations

from tests.support.battery import Battery


class TestCount(Battery):
    path = "/notices/count"
    target = "notice_count"
    swaps_inside = True
    viewer_may = True


def _count(client):
    answer = client.fragment("/notices/count", target="notice_count")
    return answer.get_data(as_text=True).strip(), answer


def test_none_is_no_number(agent):
    assert _count(agent)[0] == ""


def test_unread_ones_are_counted(agent, agents, world, count_queries):
    first, _ = agents.notice(), agents.notice()
    world.notice()
    assert ">2<" in _count(agent)[0]
    assert count_queries(_count(agent)[1]) == 1, "the rest of a request is in the cache by now"
    agent.submit(f"/notices/{first}/confirm")
    assert ">1<" in _count(agent)[0]


def test_a_hundred_are_99_and_more(agent, agents, admin):
    agents.notice()
    others = "json_populate_record(n, json_build_object('id', gen_random_uuid(), 'key', number::text))"
    admin.execute(f"insert into notices select ({others}).* from notices n, generate_series(1, 150) number")
    assert ">99+<" in _count(agent)[0]
