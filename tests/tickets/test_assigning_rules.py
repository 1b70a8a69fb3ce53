"""Who gets which ticket, as arithmetic: properties over random desks."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.tickets.rules.assigning import Hands, Waiting, choose, share_out
from app.tickets.rules.settings import LEAST_LOADED, ROUND_ROBIN

WAYS = st.sampled_from((ROUND_ROBIN, LEAST_LOADED))


def uuid(number: int) -> UUID:
    return UUID(int=number)


@st.composite
def desks(draw: st.DrawFn) -> list[Hands]:
    count = draw(st.integers(0, 8))
    return [
        Hands(uuid(number), draw(st.integers(0, 12)), draw(st.integers(1, 10)), draw(st.integers(0, 5)))
        for number in range(count)
    ]


@st.composite
def queues(draw: st.DrawFn) -> list[Waiting]:
    teams = st.none() | st.sets(st.integers(0, 8).map(uuid), max_size=4)
    return [Waiting(uuid(100 + number), draw(teams)) for number in range(draw(st.integers(0, 40)))]


@given(WAYS, queues(), desks())
def test_nobody_gets_more_than_they_can_have(way: str, waiting: list[Waiting], desk: list[Hands]) -> None:
    before = {one.id: one for one in desk}
    loads = {one.id: one.load for one in desk}
    for _, hands in share_out(way, waiting, desk):
        loads[hands.id] += 1
        assert hands.load == loads[hands.id]
        assert loads[hands.id] <= before[hands.id].capacity


@given(WAYS, queues(), desks())
def test_a_ticket_goes_once_and_only_to_its_team(way: str, waiting: list[Waiting], desk: list[Hands]) -> None:
    given_out = share_out(way, waiting, desk)
    assert len({ticket for ticket, _ in given_out}) == len(given_out)
    among = {one.id: one.among for one in waiting}
    assert all(among[ticket] is None or hands.id in among[ticket] for ticket, hands in given_out)


@given(WAYS, queues(), desks())
def test_what_waits_could_go_to_nobody(way: str, waiting: list[Waiting], desk: list[Hands]) -> None:
    given_out = share_out(way, waiting, desk)
    loads = {one.id: one.load for one in desk} | {hands.id: hands.load for _, hands in given_out}
    room = {one.id for one in desk if loads[one.id] < one.capacity}
    left = [one for one in waiting if one.id not in {ticket for ticket, _ in given_out}]
    assert all(room.isdisjoint(room if one.among is None else one.among) for one in left)


@given(WAYS, st.integers(0, 60), desks())
def test_the_oldest_go_first(way: str, count: int, desk: list[Hands]) -> None:
    waiting = [Waiting(uuid(100 + number)) for number in range(count)]
    given_out = [ticket for ticket, _ in share_out(way, waiting, desk)]
    assert given_out == [one.id for one in waiting[: len(given_out)]]


@given(st.integers(1, 8), st.integers(0, 100))
def test_in_turn_is_fair_to_one(people: int, tickets: int) -> None:
    desk = [Hands(uuid(number), 0, 1_000) for number in range(people)]
    got = dict.fromkeys((one.id for one in desk), 0)
    for _, hands in share_out(ROUND_ROBIN, [Waiting(uuid(100 + number)) for number in range(tickets)], desk):
        got[hands.id] += 1
    assert max(got.values()) - min(got.values()) <= 1


@given(desks().filter(lambda desk: any(one.free for one in desk)))
def test_the_least_full_is_the_least_full_by_what_they_can_have(desk: list[Hands]) -> None:
    chosen = choose(LEAST_LOADED, desk)
    assert chosen is not None
    assert all(chosen.load * one.capacity <= one.load * chosen.capacity for one in desk if one.free)


def test_turns_go_on_where_they_were() -> None:
    desk = [Hands(uuid(1), 0, 9, turn=7), Hands(uuid(2), 0, 9, turn=3), Hands(uuid(3), 0, 9, turn=5)]
    given_out = share_out(ROUND_ROBIN, [Waiting(uuid(10)), Waiting(uuid(11)), Waiting(uuid(12))], desk)
    assert [(hands.id.int, hands.turn) for _, hands in given_out] == [(2, 8), (3, 9), (1, 10)]
