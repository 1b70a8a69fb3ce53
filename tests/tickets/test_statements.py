"""What tickets ask the database: few statements, no more of them for more rows, and by plans that use indexes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from app.accounts.actions.teams import create_team
from app.core.records import actions, queries
from app.core.records.fields import ParseContext
from app.core.records.listing import read
from app.core.scope import Scope
from app.tickets.definition import TICKETS
from app.tickets.rules import lifecycle
from tests.support.clients import PageClient
from tests.support.statements import plan_of, scans, statements
from tests.support.talk import Talk
from tests.support.world import World
from tests.tickets.sla import Desk

_FEW, _MANY = 20, 60


def test_a_list_sends_few_statements_and_no_more_for_more_rows(
    owner: PageClient, world: World, count_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"subject": "Help", "requester_name": "Doe", "tags": "a,b"}
    world.add_many([row] * _FEW)
    addresses = ["/tickets/?queue=all", "/tickets/?q=help", "/tickets/?queue=open&priority=normal", "/tickets/?tags=a"]
    owner.get("/tickets/new")
    owner.get("/tickets/?queue=all")
    few = [count_queries(owner.get(f"{address}&view=")) for address in addresses]
    world.add_many([row] * (_MANY - _FEW))
    monkeypatch.setattr("app.core.records.listing.PAGE_SIZE", _MANY)
    many = [count_queries(owner.get(f"{address}&view=")) for address in addresses]
    assert len(owner.get(f"{addresses[0]}&view=").soup.select("tr[data-row]")) == _MANY
    assert few[1:] == many[1:]
    assert max(few + many) <= 4


def test_a_page_sends_no_more_statements_for_a_longer_conversation(
    owner: PageClient, world: World, talk: Talk, count_queries: Any
) -> None:
    ticket = world.add()
    address = f"/tickets/{ticket}"

    def say(count: int) -> None:
        for _ in range(count):
            talk.reply(ticket)
            talk.note(ticket)
            talk.receive(ticket)

    say(1)
    owner.get(address)
    few = count_queries(owner.get(address))
    say(6)
    many = count_queries(owner.get(address))
    assert many == few <= 16


def test_a_page_that_tells_the_conversation_reads_no_timeline(owner: PageClient, acme: Scope, world: World) -> None:
    """The events are read once: as the conversation has them."""
    ticket = world.add()
    owner.get(f"/tickets/{ticket}")
    with world.inside(acme):
        sent = statements(lambda: owner.get(f"/tickets/{ticket}"))
    assert len([sql for sql, _ in sent if "FROM events" in sql]) == 1
    assert not [sql for sql, _ in sent if "FROM notes" in sql]


def test_the_views_are_counted_from_what_is_at_work(many: None, acme: Scope, inside: Any, admin: Any) -> None:
    """A team has 20,000 tickets of which a thousand are at work: only those are looked at."""
    with inside(acme):
        team = create_team(acme, "First line")
    admin.execute("update tickets set team_id = %s", (team,))
    admin.execute("vacuum analyze tickets")
    working = {"status": list(lifecycle.WORKING)}
    for what, index in (({"team_id": [str(team)]}, "working_team"), ({"sla_state": ["breached"]}, "working_sla")):
        with inside(acme):
            request = read(TICKETS, what | working, ParseContext(acme))
            ((sql, params),) = statements(lambda state=request: queries.count_records(acme, TICKETS, state))
            plan = plan_of(sql, params)
        assert f"ix_tickets_{index}" in plan, plan


def test_a_new_ticket_is_written_once(desk: Desk) -> None:
    """With everything its clocks say: another version of the row would go through all its indexes again."""
    desk.policy(desk.calendar())
    scope = desk.at()
    values = {"subject": "Help", "requester_name": "Doe"}
    with desk.inside(scope):
        sent = statements(lambda: actions.create_record(scope, TICKETS, values))
    assert len([sql for sql, _ in sent if sql.startswith("INSERT INTO tickets")]) == 1
    assert not [sql for sql, _ in sent if sql.startswith("UPDATE tickets")]


@pytest.fixture
def many(admin: Any, acme: Scope) -> None:
    """20,000 tickets of many people, one in twenty at work, with statistics."""
    admin.execute(
        """
        insert into tickets (tenant_id, id, owner_id, number, subject, status, priority, priority_order, requester_key,
            channel, sla_state, due_order, opened_at, conversation_text, tags, tag_keys, match_key, search_text,
            created_at, updated_at, version)
        select %s, gen_random_uuid(), case when n %% 100 = 0 then %s::uuid end, n, 'Help',
            case when n %% 20 = 0 then 'open' else 'closed' end, 'normal', 1, n::text, 'web', 'none', n, now(),
            case when n = 777 then 'quince marmalade' else '' end, '{}', '{}', n::text, 'zanzibar ' || n, now(),
            now(), 1
        from generate_series(1, 20000) n
        """,
        (acme.tenant_id, acme.user_id),
    )
    admin.execute("analyze tickets")


@pytest.mark.parametrize(
    ("what", "index"),
    [
        ({"queue": ["all"]}, "pk_tickets"),
        ({"sort": ["due"]}, "ix_tickets_due_order"),
        ({"sort": ["updated"]}, "ix_tickets_updated_at"),
        ({"queue": ["open"]}, "ix_tickets_working_due"),
        ({"queue": ["mine"]}, "ix_tickets_working_owner"),
        ({"queue": ["unassigned"]}, "ix_tickets_working_(due|owner)"),
    ],
)
def test_a_list_is_read_in_the_order_of_an_index(
    many: None, acme: Scope, inside: Any, what: dict[str, list[str]], index: str
) -> None:
    request = read(TICKETS, what, ParseContext(acme))
    with inside(acme):
        page, _ = statements(lambda: queries.list_records(acme, TICKETS, request))
        plan = plan_of(*page)
    assert re.search(rf"Index (Only )?Scan (Backward )?using {index}\b", plan), plan
    assert "Sort" not in plan, plan


@pytest.mark.parametrize(
    ("terms", "found", "index"), [("quince:* & marmalade:*", 1, "ix_tickets_search"), ("zanzibar:*", 21, "pk_tickets")]
)
def test_a_search_uses_the_words_or_walks_the_newest(
    many: None, acme: Scope, admin: Any, terms: str, found: int, index: str
) -> None:
    """Within the function that looks below the policy: few matches come from the words' index, many by walking."""
    indexes = ("ix_tickets_search", "pk_tickets")
    with admin.transaction():
        admin.execute("select set_config('app.tenant_id', %s, true)", (str(acme.tenant_id),))
        rows = admin.execute("select search_tickets(%s, null, null, 21)", (terms,)).fetchall()
        used = dict(zip(indexes, scans(admin, *indexes), strict=True))
        assert scans(admin, "tickets") == [0]
    assert len(rows) == found
    assert used == {name: int(name == index) for name in indexes}
