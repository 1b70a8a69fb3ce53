"""Reach costs nothing who sees all, and an index serves who sees their own: looked up as the app role."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from app.core.access import KindReach, Reach
from app.core.records import queries
from app.core.records.fields import ParseContext
from app.core.records.listing import read
from app.core.scope import Scope
from app.leads.definition import LEADS
from tests.support.clients import PageClient
from tests.support.statements import plan_of, statements


@pytest.fixture
def many(admin: Any, acme: Scope) -> None:
    """20,000 leads of many people, with statistics."""
    admin.execute(
        """
        insert into leads (tenant_id, id, owner_id, status, do_not_contact, name_key, company_key, value_order,
            follow_up_order, tags, tag_keys, match_key, search_text, created_at, updated_at, version)
        select %s, gen_random_uuid(), case when n %% 500 = 0 then %s::uuid end, 'new', false, n::text, n::text, 0, 0,
            '{}', '{}', n::text, 'zanzibar ' || n, now(), now(), 1
        from generate_series(1, 20000) n
        """,
        (acme.tenant_id, acme.user_id),
    )
    admin.execute("analyze leads")


@pytest.mark.parametrize("what", [{}, {"sort": ["name"]}])
def test_own_uses_the_index_of_owners(many: None, acme: Scope, inside: Any, what: dict[str, list[str]]) -> None:
    own = replace(acme, reach={"lead": KindReach(Reach.OWN, Reach.OWN)})
    request = read(LEADS, what, ParseContext(own))
    with inside(own):
        for sql, params in statements(lambda: queries.list_records(own, LEADS, request)):
            plan = plan_of(sql, params)
            assert "ix_leads_owner_id" in plan, plan


def test_who_sees_all_sends_what_was_sent_before(acme: Scope, inside: Any) -> None:
    """No owner in any statement: the same plan, and the same number of statements as for one's own."""
    everything = replace(acme, reach={"lead": KindReach(Reach.ALL, Reach.OWN)})
    own = replace(acme, reach={"lead": KindReach(Reach.OWN, Reach.OWN)})
    request = read(LEADS, {}, ParseContext(acme))
    with inside(acme):
        wide, narrow = (
            statements(lambda who=who: queries.list_records(who, LEADS, request)) for who in (everything, own)
        )
    assert len(wide) == len(narrow)
    assert not [sql for sql, _ in wide if "owner_id =" in sql]
    assert all("owner_id =" in sql for sql, _ in narrow)


def test_one_finds_ones_own_however_many_others_match(many: None, acme: Scope, inside: Any, admin: Any) -> None:
    own = replace(acme, reach={"lead": KindReach(Reach.OWN, Reach.OWN)})
    for what in ({"q": ["zanzibar"]}, {"q": ["zanzibar"], "sort": ["name"]}, {"q": ["zanzibar"], "status": ["new"]}):
        request = read(LEADS, what, ParseContext(own))
        with inside(own):
            page = queries.list_records(own, LEADS, request)
            assert (len(page.rows), page.count) == (20, queries.Count(40)), what
            assert not queries.search_is_capped(own, LEADS, request)
    nobody = replace(own, user_id=uuid4())
    with inside(nobody):
        assert queries.count_records(nobody, LEADS, read(LEADS, {"q": ["zanzibar"]}, ParseContext(own))).value == 0


def test_nothing_is_kept_from_one_reader_to_another(as_custom_role: Any, owner: PageClient, inside: Any) -> None:
    """The same addresses, asked by people of the same role who reach different rows, and again after a change."""
    allowed = {"lead:read", "lead:create"}
    first, second = (as_custom_role(allowed, {"lead": ("own", "own")}) for _ in range(2))
    first.submit("/leads/", {"last_name": "Zanzibar"})
    everybody = as_custom_role(allowed, {"lead": ("all", "own")})
    for _ in range(2):
        for client, sees in ((first, 1), (second, 0), (owner, 1), (everybody, 1)):
            assert len(client.get("/leads/").texts(".cell-title")) == sees
            assert f"{sees} " in client.get("/leads/count").get_data(as_text=True)
