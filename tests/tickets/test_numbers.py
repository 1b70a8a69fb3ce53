"""Numbers of tickets: one sequence a tenant, no race, no wait, none given twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from flask import Flask

from app.core import db as database
from app.core.scope import Scope, tenant_context
from app.tickets.actions.numbering import take_numbers
from tests.support.world import World


def test_each_tenant_counts_for_itself(world: World, globex_world: World) -> None:
    ours = [world.row(id_)["number"] for id_ in world.add_many([{"subject": "A"}, {"subject": "B"}])]
    theirs = globex_world.row(globex_world.add(subject="C"))["number"]
    assert ours[1] == ours[0] + 1
    assert theirs != ours[1] + 1 or ours[0] > 1


def test_a_number_is_never_given_again_after_a_roll_back(acme: Scope, inside: Callable[..., Any], world: World) -> None:
    first = world.row(world.add(subject="A"))["number"]
    with suppress(ZeroDivisionError), inside(acme):
        lost = take_numbers(acme, 1)[0]
        raise ZeroDivisionError
    assert lost == first + 1
    assert world.row(world.add(subject="B"))["number"] == first + 2


def test_two_transactions_do_not_wait_for_each_other(app: Flask, acme: Scope) -> None:
    """Both take a number before either commits: with a counter in a row the second would wait for ever."""

    def take() -> int:
        with app.app_context(), tenant_context(acme.tenant_id):
            return take_numbers(acme, 1)[0]

    with app.app_context(), tenant_context(acme.tenant_id), ThreadPoolExecutor(1) as pool:
        mine = take_numbers(acme, 1)[0]
        assert pool.submit(take).result(timeout=5) == mine + 1
        database.rollback()


def test_many_at_once_all_get_different_ones(app: Flask, acme: Scope) -> None:
    def take(_: int) -> list[int]:
        with app.app_context(), tenant_context(acme.tenant_id):
            numbers = take_numbers(acme, 5)
            database.commit()
            return numbers

    with ThreadPoolExecutor(8) as pool:
        taken = [number for numbers in pool.map(take, range(40)) for number in numbers]
    assert len(set(taken)) == 200
