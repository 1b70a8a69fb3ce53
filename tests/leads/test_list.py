from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.support.battery import Battery
from tests.support.clients import PageClient, PageResponse
from tests.support.world import World


class TestList(Battery):
    path = "/leads/"
    target = "records"
    viewer_may = True
    wrong_method = "PUT"


def titles(page: PageResponse) -> list[str]:
    return page.texts(".cell-title")


def query(client: PageClient, **address: Any) -> PageResponse:
    return client.get("/leads/", query_string=address)


def follow(client: PageClient, page: PageResponse, rel: str) -> PageResponse | None:
    link = page.soup.select_one(f".pager a[rel={rel}]")
    return client.get(link["href"], check=False) if link else None


@pytest.fixture
def crowd(world: World) -> World:
    me = str(world.scope.user_id)
    rows = [
        {"first_name": "José", "last_name": "Núñez", "email": "jose.nunez@cafe-sol.example", "company": "Café Sol"},
        {"first_name": "Zoë", "last_name": "Østby", "phone": "+1 212 555 0100", "company": "Østby AS", "rating": "hot"},
        {
            "first_name": "Ann",
            "last_name": "Lee",
            "job_title": "Chief Buyer",
            "city": "Oslo",
            "tags": "vip, Trade Fair",
        },
        {"company": "Lee & Sons", "postal_code": "10115", "tags": "vip", "estimated_value": "10", "currency": "EUR"},
        {"last_name": "Miller", "description": "Wants purple envelopes", "estimated_value": "2,000", "owner_id": me},
        {"last_name": "Smith", "phone": "+49 30 901820", "rating": "cold", "source": "event", "do_not_contact": "yes"},
        {"last_name": "O'Neil", "next_follow_up": "2026-12-01", "last_contacted_at": "2026-11-20T23:30:00"},
    ]
    world.add_many(rows)
    return world


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("nun", ["José Núñez"]),
        ("NÚÑ", ["José Núñez"]),
        ("jose nunez", ["José Núñez"]),
        ("nunez jos", ["José Núñez"]),
        ("jose.nunez@cafe-sol.example", ["José Núñez"]),
        ("cafe-s", ["José Núñez"]),
        ("cafe", ["José Núñez"]),
        ("zoe", ["Zoë Østby"]),
        ("lee", ["Lee & Sons", "Ann Lee"]),
        ("lee & so", ["Lee & Sons"]),
        ("buyer", ["Ann Lee"]),
        ("purple env", ["Miller"]),
        ("101", ["Lee & Sons"]),
        ("o'neil", ["O'Neil"]),
        ("212 555 0100", ["Zoë Østby"]),
        ("(212) 555-0100", ["Zoë Østby"]),
        ("+1 212 555", ["Zoë Østby"]),
        ("2125550100", ["Zoë Østby"]),
        ("+12125550100", ["Zoë Østby"]),
        ("030 901820", ["Smith"]),
        ("030901820", ["Smith"]),
        ("+49 30 9018", ["Smith"]),
        ("nobody", []),
        ("unez", []),
        ("vip", []),
        ("lee:* | zoe", []),
        ("!!!", []),
    ],
)
def test_search(owner: PageClient, crowd: World, typed: str, found: list[str]) -> None:
    page = query(owner, q=typed)
    assert titles(page) == found
    assert page.soup.select_one("form.search input[name=q]")["value"] == typed


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ({"rating": "hot"}, ["Zoë Østby"]),
        ({"rating": ["hot", "cold"]}, ["Smith", "Zoë Østby"]),
        ({"rating": "Hot"}, ["Zoë Østby"]),
        ({"rating": ["none", "hot"], "q": "lee"}, ["Lee & Sons", "Ann Lee"]),
        ({"source": "event"}, ["Smith"]),
        ({"status": "contacted"}, []),
        ({"status": "new", "q": "smith"}, ["Smith"]),
        ({"estimated_value_min": "10"}, ["Miller", "Lee & Sons"]),
        ({"estimated_value_min": "10.01"}, ["Miller"]),
        ({"estimated_value_max": "1,999.99"}, ["Lee & Sons"]),
        ({"owner_id": "owner@acme.example"}, ["Miller"]),
        ({"owner_id": "none", "q": "smith"}, ["Smith"]),
        ({"tags": "vip"}, ["Lee & Sons", "Ann Lee"]),
        ({"tags": "VIP, trade fair"}, ["Ann Lee"]),
        ({"tags": ["vip", "trade fair"]}, ["Ann Lee"]),
        ({"tags": "trade"}, []),
        ({"tags": "vip", "q": "ann"}, ["Ann Lee"]),
        ({"do_not_contact": "yes"}, ["Smith"]),
        ({"do_not_contact": "no", "q": "smith"}, []),
        ({"next_follow_up_from": "2026-12-01"}, ["O'Neil"]),
        ({"next_follow_up_to": "2026-11-30"}, []),
        ({"next_follow_up_to": "2026-12-01"}, ["O'Neil"]),
        ({"last_contacted_at_to": "2026-11-20"}, ["O'Neil"]),
        ({"last_contacted_at_to": "2026-11-19"}, []),
        ({"last_contacted_at_from": "2026-11-21"}, []),
        ({"last_contacted_at_from": "2026-11-20", "last_contacted_at_to": "2026-11-20"}, ["O'Neil"]),
    ],
)
def test_filters(owner: PageClient, crowd: World, address: dict[str, Any], found: list[str]) -> None:
    page = query(owner, **address)
    assert titles(page) == found
    if found:
        assert page.text_of("#record_count").startswith(f"{len(found)} lead")
    counted = owner.get("/leads/count", query_string=address).text_of("#record_count")
    assert counted.startswith(f"{len(found)} lead")
    assert page.texts(".chip") or set(address) == {"q"}


def test_each_chip_takes_away_just_itself(owner: PageClient, crowd: World) -> None:
    page = query(owner, rating=["hot", "cold"], tags=["vip", "Trade Fair"], q="ann")
    assert page.texts(".chip span strong") == ["Hot or Cold", "vip", "Trade Fair"]
    page = owner.get(page.soup.select(".chip-remove")[0]["href"])
    assert page.texts(".chip span strong") == ["vip", "Trade Fair"]
    assert titles(page) == ["Ann Lee"]
    page = owner.get(page.soup.select(".chip-remove")[1]["href"])
    assert page.texts(".chip span strong") == ["vip"]


def test_a_chip_names_the_owner(owner: PageClient, crowd: World) -> None:
    page = query(owner, owner_id=str(crowd.scope.user_id))
    assert page.texts(".chip strong") == [crowd.scope.user_name]


def test_filters_outside_the_known_are_left_out_and_said(owner: PageClient, crowd: World) -> None:
    page = query(owner, rating="boiling", estimated_value_min="much", next_follow_up_from="soon", nothing="x")
    assert len(titles(page)) == 7
    assert page.get_data(as_text=True).count("That filter was left out.") == 3


SORTED = {
    "created": ["O'Neil", "Smith", "Miller", "Lee & Sons", "Ann Lee", "Zoë Østby", "José Núñez"],
    "oldest": ["José Núñez", "Zoë Østby", "Ann Lee", "Lee & Sons", "Miller", "Smith", "O'Neil"],
    "updated": ["José Núñez", "O'Neil", "Smith", "Miller", "Lee & Sons", "Ann Lee", "Zoë Østby"],
    "name": ["Ann Lee", "Miller", "José Núñez", "O'Neil", "Smith", "Zoë Østby", "Lee & Sons"],
    "company": ["José Núñez", "Lee & Sons", "Zoë Østby", "Ann Lee", "Miller", "Smith", "O'Neil"],
    "value": ["José Núñez", "Zoë Østby", "Ann Lee", "Smith", "O'Neil", "Lee & Sons", "Miller"],
    "-value": ["Miller", "Lee & Sons", "O'Neil", "Smith", "Ann Lee", "Zoë Østby", "José Núñez"],
    "follow-up": ["O'Neil", "José Núñez", "Zoë Østby", "Ann Lee", "Lee & Sons", "Miller", "Smith"],
}


@pytest.mark.parametrize("sort", [*SORTED, "-name", "-company"])
def test_sorts(owner: PageClient, crowd: World, sort: str) -> None:
    crowd.change(crowd.rows()[0]["id"], city="Lima")
    found = titles(query(owner, sort=sort))
    assert found == (SORTED[sort] if sort in SORTED else SORTED[sort[1:]][::-1])


def test_an_unknown_sort_is_the_first(owner: PageClient, crowd: World) -> None:
    assert titles(query(owner, sort="id; drop table leads")) == SORTED["created"]


def test_headings_turn_the_order_round(owner: PageClient, crowd: World) -> None:
    page = query(owner, rating="none")
    for direction in ("ascending", "descending", "ascending"):
        heading = page.soup.find("a", class_="sort", string="Company") or page.soup.select("th a.sort")[1]
        page = owner.get(heading["href"])
        assert page.soup.select_one("th[aria-sort]")["aria-sort"] == direction
        assert page.texts(".chip strong") == ["none"]


ADDRESSES = [{"sort": sort} for sort in ("created", "oldest", "updated", "name", "-company", "value", "follow-up")]
ADDRESSES += [{"q": "doe"}, {"q": "doe", "sort": "name"}, {"rating": "none"}, {"tags": "t"}]


@pytest.fixture
def many(world: World) -> World:
    """61 of them, with many equal sort values; the eldest changed last."""
    rows = [
        {
            "last_name": f"Doe {number // 9}",
            "company": f"Co {number % 3}",
            "tags": "t",
            "estimated_value": str(number % 4),
        }
        for number in range(61)
    ]
    ids = world.add_many(rows)
    for record_id in ids[:5]:
        world.change(record_id, city="Lima")
    return world


def row_ids(page: PageResponse) -> list[str]:
    return [row["id"].removeprefix("record-") for row in page.soup.select("#record_rows tr")]


def walk(client: PageClient, page: PageResponse | None, rel: str) -> list[list[str]]:
    pages = []
    while page is not None:
        pages.append(row_ids(page))
        assert len(pages) < 20, "the list never ends"
        page = follow(client, page, rel)
    return pages


@pytest.mark.parametrize("address", ADDRESSES)
def test_forwards_and_backwards_visit_each_row_once(owner: PageClient, many: World, address: dict[str, str]) -> None:
    first = query(owner, **address)
    forwards = walk(owner, first, "next")
    assert [len(page) for page in forwards] == [20, 20, 20, 1]
    assert len({row for page in forwards for row in page}) == 61
    last = first
    while (more := follow(owner, last, "next")) is not None:
        last = more
    assert walk(owner, last, "prev") == forwards[::-1]
    assert first.soup.select_one(".pager a[rel=prev]") is None
    assert first.text_of("#record_count") == "61 leads"


@pytest.mark.parametrize("sort", ["created", "oldest", "name", "-value", "updated"])
def test_rows_that_stay_are_visited_once_while_others_come_and_go(owner: PageClient, many: World, sort: str) -> None:
    stay = {str(row["id"]) for row in many.rows()}
    page, seen, place = query(owner, sort=sort), [], 0
    while page is not None:
        seen += row_ids(page)
        gone = [row for row in row_ids(page) if row in stay][:1]
        many.delete(*[row for row in [many.rows()[0]["id"]] if str(row) in gone] or [many.rows()[-1]["id"]])
        many.add(last_name=f"Doe {place}", estimated_value=str(place % 4))
        stay &= {str(row["id"]) for row in many.rows()}
        place += 1
        page = follow(owner, page, "next")
    assert len(seen) == len(set(seen)), "a row was shown twice"
    assert stay <= set(seen), "a row that was there all the time was not shown"


@pytest.mark.parametrize(
    "cursor", ["x", "%00", "W10", "bnVsbA", "eyJhIjoxfQ", "W251bGwsbnVsbCxudWxsXQ", "é", "=" * 9, "A" * 9000]
)
@pytest.mark.parametrize("sort", ["created", "name", "value", "updated"])
def test_a_malformed_cursor_is_the_first_page_and_said(owner: PageClient, crowd: World, cursor: str, sort: str) -> None:
    page = query(owner, cursor=cursor, sort=sort)
    assert page.status_code == 200
    assert len(titles(page)) == 7
    assert "no longer there" in page.get_data(as_text=True)


def test_a_cursor_of_another_sort_never_breaks_the_page(owner: PageClient, many: World) -> None:
    cursors = {}
    for sort in ("created", "updated", "name", "value"):
        href = query(owner, sort=sort).soup.select_one(".pager a[rel=next]")["href"]
        cursors[sort] = href.partition("cursor=")[2].partition("&")[0]
    for cursor in cursors.values():
        for sort in cursors:
            assert owner.get(f"/leads/?sort={sort}&cursor={cursor}", check=False).status_code == 200


def test_query_count_is_small_and_does_not_grow(owner: PageClient, world: World, count_queries) -> None:
    world.add_many([{"last_name": f"Doe {number}", "tags": "a,b", "company": "Co"} for number in range(20)])
    addresses = ["/leads/", "/leads/?q=doe", "/leads/?rating=none&sort=name", "/leads/?tags=a"]
    owner.get("/leads/new")
    owner.get("/leads/")
    few = [count_queries(owner.get(address + ("&" if "?" in address else "?") + "view=")) for address in addresses]
    world.add_many([{"last_name": f"Doe {number}", "tags": "a,b", "company": "Co"} for number in range(180)])
    many = [count_queries(owner.get(address + ("&" if "?" in address else "?") + "view=")) for address in addresses]
    assert few[1:] == many[1:]
    assert max(few + many) <= 4


def test_a_second_look_costs_no_query_of_rows_and_a_change_is_seen_at_once(
    owner: PageClient, world: World, count_queries
) -> None:
    lead = world.add(last_name="Before")
    owner.get("/leads/")
    assert count_queries(owner.get("/leads/")) == 0
    world.change(lead, last_name="After")
    assert titles(owner.get("/leads/")) == ["After"]


def test_columns_are_chosen_in_the_address(owner: PageClient, crowd: World) -> None:
    page = owner.get("/leads/?columns=city,tags&columns=rating&columns=nothing&columns=tenant_id&q=ann")
    assert page.texts("thead th")[1:] == ["Lead", "City", "Tags", "Rating"]
    assert page.texts("tbody td")[2:] == ["Oslo", "vip Trade Fair", "– none"]
    shown = [box["value"] for box in page.soup.select(".column-chooser input[checked]")]
    assert set(shown) == {"city", "tags", "rating"}


def test_every_column_can_be_shown(owner: PageClient, crowd: World) -> None:
    names = [spec.name for spec in crowd.kind.fields]
    page = query(owner, columns=",".join(names))
    assert len(page.texts("thead th")) == len(names) + 2


def test_an_empty_list_offers_the_next_step(owner: PageClient, viewer: PageClient) -> None:
    page = owner.get("/leads/")
    assert "No leads yet" in page.text_of("main")
    assert page.soup.select_one("main a[href$='/leads/new']")
    nothing = query(owner, q="nobody")
    assert "Nothing matches" in nothing.text_of("main")
    assert viewer.get("/leads/").soup.select("main a[href$='/leads/new']") == []


def test_a_viewer_has_nothing_to_select_for(viewer: PageClient, world: World) -> None:
    world.add()
    assert viewer.get("/leads/").soup.select("form.bulk") == []


def test_markup_in_the_search_is_text(owner: PageClient, crowd: World) -> None:
    page = query(owner, q='"><script>alert(1)</script>', tags="<b>x</b>")
    assert page.soup.find("script", string="alert(1)") is None
    assert page.texts(".chip strong") == ["<b>x</b>"]


def test_neighbours_of_each_page_lead_where_they_say(owner: PageClient, many: World) -> None:
    pages = [query(owner, sort="name")]
    while (more := follow(owner, pages[-1], "next")) is not None:
        pages.append(more)
    for before, after in pairwise(pages):
        back = follow(owner, after, "prev")
        assert back is not None
        assert row_ids(back) == row_ids(before)


def hidden(page: PageResponse, form: str) -> list[tuple[str, str]]:
    return [(str(item["name"]), str(item["value"])) for item in page.soup.select(f"{form} input[type=hidden]")]


def test_without_script_each_form_keeps_all_that_stands_in_the_others(owner: PageClient, crowd: World) -> None:
    page = owner.get("/leads/?q=lee&rating=hot&rating=none&tags=vip&sort=name&columns=email")
    assert hidden(page, "form.search") == [
        ("rating", "hot"),
        ("rating", "none"),
        ("tags", "vip"),
        ("sort", "name"),
        ("columns", "email"),
    ]
    assert hidden(page, "form.column-chooser") == [
        ("q", "lee"),
        ("rating", "hot"),
        ("rating", "none"),
        ("tags", "vip"),
        ("sort", "name"),
    ]
    assert hidden(page, "form.filters") == [("q", "lee"), ("columns", "email"), ("rating", "none")]


def test_a_chip_has_the_name_as_the_person_writes_it(owner: PageClient, crowd: World) -> None:
    me = crowd.scope.user_id
    page = owner.get(f"/leads/?owner_id={me}&owner_id=none")
    name = page.soup.select_one(f"select[name=owner_id] option[value='{me}']").get_text()
    assert page.texts(".chip strong") == [f"{name} or nobody"]


def test_a_page_whose_rows_are_gone_leads_to_the_first(owner: PageClient, many: World) -> None:
    second = owner.get(owner.get("/leads/?sort=name").soup.select_one(".pager a[rel=next]")["href"], check=False)
    third = second.soup.select_one(".pager a[rel=next]")["href"]
    many.delete(*[row["id"] for row in many.rows() if row["name_key"] > "a"][3:])
    page = owner.get(third, check=False)
    assert "This page of the list is gone" in page.text_of("main")
    first = page.soup.find("a", string="To the first page")["href"]
    assert first.endswith("?sort=name")
    assert len(row_ids(owner.get(first, check=False))) == 3


def test_when_it_came_and_changed_can_be_columns_and_sorted_by(owner: PageClient, crowd: World) -> None:
    page = owner.get("/leads/?columns=created_at,updated_at")
    assert page.texts("thead .sort") == ["Lead", "Created", "Changed"]
    assert len(page.soup.select("td.cell-time time")) == 14
    created = page.soup.select("thead th[aria-sort]")
    assert [(item.get_text(strip=True), item["aria-sort"]) for item in created] == [("Created", "descending")]
    oldest = owner.get(page.soup.select("thead .sort")[1]["href"], check=False)
    assert titles(oldest) == titles(page)[::-1]
    export = owner.get("/leads/export.csv?columns=created_at").get_data(as_text=True)
    assert export.lstrip("\ufeff").splitlines()[0].endswith("Created")
