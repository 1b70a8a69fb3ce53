"""How many of the ratings were good; every number is a list."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.clock import now
from app.tickets.queries import list_csat_rates


@pytest.fixture
def some(world, admin, crowd):
    """Three tickets of the agent's, two good and one bad; a good one of the manager's; one nobody rated."""
    made = []
    for owner, answer in (("agent", "good"), ("agent", "good"), ("agent", "bad"), ("manager", "good"), ("agent", None)):
        ticket = world.add()
        world.move(ticket, "resolved")
        admin.execute("update tickets set owner_id = %s, csat = %s where id = %s", [crowd.id_of(owner), answer, ticket])
        made.append(ticket)
    return made


@pytest.fixture
def ask(acme, inside):
    def run(scope=None, **more):
        with inside(scope or acme):
            return list_csat_rates(scope or acme, more.pop("since", now() - timedelta(days=1)), **more)

    return run


def test_all_of_them(ask, some):
    (rate,) = ask()
    assert (rate.good, rate.bad, rate.rated, rate.share) == (3, 1, 4, 0.75)


def test_nobody_has_rated(ask, world):
    (rate,) = ask()
    assert (rate.rated, rate.share) == (0, None)


def test_by_assignee(ask, some, crowd):
    found = {rate.key: (rate.good, rate.bad) for rate in ask(by="owner_id")}
    assert found == {crowd.id_of("agent"): (2, 1), crowd.id_of("manager"): (1, 0)}


def test_within_days(ask, some, admin):
    admin.execute("update tickets set resolved_at = now() - interval '3 days' where id = %s", [some[0]])
    assert ask()[0].good == 2
    assert ask(since=now() - timedelta(days=4), until=now() - timedelta(days=2))[0].good == 1


def test_not_deleted_ones_nor_those_opened_again(ask, some, world):
    world.delete(some[0])
    world.move(some[1], "open")
    assert (ask()[0].good, ask()[0].bad) == (1, 1)


def test_of_those_the_asker_sees(ask, some, crowd):
    scope = crowd.scope_of(crowd.person(crowd.role(["ticket:read"], {"ticket": ("own", "own")}))[0])
    assert ask(scope)[0].rated == 0
    assert ask(replace(scope, colleagues=frozenset({crowd.id_of("agent")})))[0].rated == 0


def test_another_tenants_are_not_counted(ask, some, globex):
    assert ask(globex)[0].rated == 0


def test_what_it_counts_is_what_the_list_shows(ask, some, owner):
    (rate,) = ask()
    for answer, number in (("good", rate.good), ("bad", rate.bad)):
        page = owner.get(f"/tickets/?csat={answer}&resolved_at_from={(now() - timedelta(days=1)).date()}")
        assert len(page.soup.select("tr[data-row]")) == number


def test_the_service_figures_show_it_and_every_number_is_its_list(some, owner, as_custom_role, admin, acme):
    today = now().astimezone(acme.zone_info).date()
    admin.execute("update tickets set resolved_at = now() - interval '10 days' where id = %s", [some[0]])
    page = owner.get(f"/tickets/figures?from={today - timedelta(days=2)}&to={today}")
    assert page.text_of("[aria-label=Satisfaction] .figure-rate") == "66 %"
    links = page.soup.select("[aria-label=Satisfaction] [data-count], [data-count][aria-label*=' rated ']")
    assert len(links) == 2 + 3
    for link in links:
        there = owner.get(link["href"].removeprefix("/t/acme"))
        assert len(there.soup.select("tr[data-row]")) == int(link["data-count"]), link
    reader = as_custom_role({"ticket:read"}, {"ticket": ("own", "none")})
    assert reader.get(f"/tickets/figures?from={today}&to={today}").soup.select("[aria-label=Satisfaction]") == []


def test_by_nonsense(ask):
    with pytest.raises(ValueError, match="told apart by one of"):
        ask(by="subject")
