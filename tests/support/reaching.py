"""The same questions of reach to every kind of record: whoever asks by whatever door meets the same rows.

class TestReach(Reaching):
    name, colour = "last_name", {"rating": "hot"}
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar
from uuid import UUID

import pytest

from app.core.access import KindReach, Reach
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.records import actions, queries
from app.core.records.fields import ParseContext
from app.core.records.listing import ListRequest, read
from app.core.scope import Scope
from app.core.transfer import exporting
from app.core.transfer import queries as transfers
from app.extensions import db
from tests.support.clients import PageClient
from tests.support.world import World

EACH = 7
"""Records an owner has: with four owners a list has more than one page."""
OWNERS = ("agent", "manager", "viewer", None)
SEEN = {
    Reach.NONE: (),
    Reach.OWN: ("agent",),
    Reach.TEAM: ("agent", "manager"),
    Reach.ALL: OWNERS,
}
"""The asker is the agent, whose only colleague is the manager."""
PAIRS = [KindReach(sees, changes) for sees in Reach for changes in Reach if sees.covers(changes)]
WORD = "zanzibar"


class Reaching:
    """Inherit, say which field is the name, and a filter with the values that pass it."""

    name: ClassVar[str]
    passing: ClassVar[Mapping[str, str]]

    @pytest.fixture
    def people(self, scope_in: Callable[..., Scope]) -> dict[str | None, UUID | None]:
        return {role: scope_in("acme", role).user_id if role else None for role in OWNERS}

    @pytest.fixture
    def owned(self, world: World, people: Mapping[str | None, UUID | None], inside: Any) -> dict[UUID, str | None]:
        """Records of each owner, in turn; the ids with whose they are. The first of each owner passes the filter."""
        made: dict[UUID, str | None] = {}
        with inside(world.scope):
            for number in range(EACH):
                for role in OWNERS:
                    made[self._make(world, people[role], number)] = role
        return made

    def _make(self, world: World, owner: UUID | None, number: int) -> UUID:
        typed = {self.name: f"{WORD} {number}", "tags": "blue" if number % 2 else "red"}
        typed |= self.passing if number == 0 else {}
        context = ParseContext(world.scope)
        values = {name: world.kind.field(name).parse(text, context) for name, text in typed.items()}
        return actions.create_record(world.scope, world.kind, values | {"owner_id": owner})

    @pytest.fixture
    def asker(self, scope_in: Callable[..., Scope], world: World, people: Mapping[str, UUID]) -> Callable[..., Scope]:
        """The agent, with a reach."""
        agent = scope_in("acme", "agent")
        colleagues = frozenset({people["agent"], people["manager"]})

        def make(reach: KindReach) -> Scope:
            return replace(agent, reach={world.kind.name: reach}, colleagues=colleagues)

        return make

    def listing(self, scope: Scope, world: World, **args: Any) -> ListRequest:
        return read(world.kind, {name: [value] for name, value in args.items()}, ParseContext(scope))

    @pytest.mark.parametrize("sees", Reach)
    def test_every_reading_door_shows_the_same_rows(
        self, world: World, owned: dict[UUID, str | None], asker: Any, sees: Reach, inside: Any, settings: Any
    ) -> None:
        scope = asker(KindReach(sees, Reach.NONE))
        mine = {id_ for id_, owner in owned.items() if owner in SEEN[sees]}
        red = {id_ for number, id_ in enumerate(owned) if number // len(OWNERS) % 2 == 0} & mine
        passing = set(list(owned)[: len(OWNERS)]) & mine
        (passes,) = self.passing.items()
        with inside(scope):
            for args, expected in (
                ({}, mine),
                ({"q": WORD[:4]}, mine),
                ({"sort": "name"}, mine),
                ({"q": WORD, "sort": "name"}, mine),
                ({"tags": "red"}, red),
                ({"q": WORD, "tags": "red"}, red),
                (dict([passes]), passing),
                ({"q": WORD, passes[0]: passes[1]}, passing),
                ({"q": "nowhere"}, set()),
            ):
                request = self.listing(scope, world, **args)
                assert _walked(scope, world, request) == expected, args
                assert queries.count_records(scope, world.kind, request).value == len(expected), args
                assert queries.count_records(scope, world.kind, request, exact=True).value == len(expected), args
                assert set(queries.list_ids(scope, world.kind, request, 1_000)) == expected, args
                exported = exporting.export_records(
                    scope, world.kind, request, everything=True, database_url=settings.database_url
                )
                assert _line_count(exported) == len(expected), args
            assert {record.id for record in queries.list_by_ids(scope, world.kind, list(owned))} == mine
            keys = [row["match_key"] for row in world.rows()]
            similar = queries.list_similar(scope, world.kind, keys)
            assert {record.id for record in similar} <= mine
            assert bool(similar) == bool(mine)
            found = transfers.find_existing(scope, world.kind, keys, values=True, lock=False)
            assert {there.id for there in found.values()} <= mine
            assert bool(found) == bool(mine)
            for id_ in owned:
                if id_ in mine:
                    assert queries.get_record(scope, world.kind, id_).id == id_
                else:
                    with pytest.raises(NotFound):
                        queries.get_record(scope, world.kind, id_)

    @pytest.mark.parametrize("reach", PAIRS, ids=lambda pair: f"{pair.sees}-{pair.changes}")
    def test_every_writing_door_opens_for_the_same_rows(
        self, world: World, owned: dict[UUID, str | None], asker: Any, reach: KindReach, inside: Any
    ) -> None:
        scope = asker(reach)
        seen, changed = ({id_ for id_, owner in owned.items() if owner in SEEN[side]} for side in _sides(reach))
        doors: list[Callable[[UUID], object]] = [
            lambda id_: actions.update_record(scope, world.kind, id_, 1, {self.name: "Other"}),
            lambda id_: actions.add_note(scope, world.kind, id_, "A note."),
            lambda id_: queries.get_record(scope, world.kind, id_, change=True),
        ]
        if world.kind.lifecycle:
            to = world.kind.lifecycle.moves[world.kind.lifecycle.initial][0]
            doors.append(lambda id_: actions.move_record(scope, world.kind, id_, 2, to))
        with inside(scope):
            for id_ in list(owned)[: len(OWNERS)]:
                for door in doors:
                    if id_ in changed:
                        door(id_)
                    else:
                        with pytest.raises(Forbidden if id_ in seen else NotFound):
                            door(id_)

    @pytest.mark.parametrize("reach", PAIRS, ids=lambda pair: f"{pair.sees}-{pair.changes}")
    def test_bulk_leaves_out_what_is_not_the_askers_and_says_so(
        self, world: World, owned: dict[UUID, str | None], asker: Any, reach: KindReach, inside: Any
    ) -> None:
        scope = asker(reach)
        seen, changed = ({id_ for id_, owner in owned.items() if owner in SEEN[side]} for side in _sides(reach))
        everything = self.listing(scope, world)
        with inside(scope):
            for ids, request in ((list(owned), None), ((), everything)):
                if not changed:
                    with pytest.raises(Invalid) as refused:
                        actions.select_records(scope, world.kind, ids, request)
                    assert ("yours to change" in str(refused.value)) == bool(seen)
                    continue
                chosen = actions.select_records(scope, world.kind, ids, request)
                assert set(chosen.ids) == changed or request is None
                assert chosen.spared == (0 if seen == changed else len(seen - changed))
            # Whatever is asked for, the actions themselves touch nothing else.
            count = actions.bulk_update(scope, world.kind, list(owned), {}, add_tags=["touched"])
            assert count == len(changed)
        assert {row["id"] for row in world.rows() if "touched" in row["tags"]} == changed
        with inside(scope):
            if changed:
                deletion, gone = actions.delete_records(scope, world.kind, list(owned))
                assert gone == len(changed)
                assert actions.undo_deletion(scope, world.kind, deletion) == len(changed)

    def test_a_deletion_is_undone_within_reach_only(
        self, world: World, owned: dict[UUID, str | None], asker: Any, inside: Any
    ) -> None:
        deletion = world.delete(*owned)
        own = asker(KindReach(Reach.ALL, Reach.OWN))
        with inside(own):
            assert actions.undo_deletion(own, world.kind, deletion) == EACH
        nothing = asker(KindReach(Reach.NONE, Reach.NONE))
        with inside(nothing), pytest.raises(NotFound):
            actions.undo_deletion(nothing, world.kind, deletion)

    @pytest.mark.parametrize("sees", [Reach.OWN, Reach.TEAM, Reach.ALL])
    def test_what_is_made_without_an_owner(
        self, world: World, asker: Any, people: Mapping[str, UUID], sees: Reach, inside: Any
    ) -> None:
        scope = asker(KindReach(sees, Reach.OWN))
        with inside(scope):
            made = actions.create_record(scope, world.kind, {self.name: "Ownerless"})
        assert world.row(made)["owner_id"] == people["agent"]
        everything = asker(KindReach(Reach.ALL, Reach.ALL))
        with inside(everything):
            made = actions.create_record(everything, world.kind, {self.name: "Ownerless"})
        assert world.row(made)["owner_id"] is None

    def test_without_assign_the_owner_stays(
        self, world: World, owned: dict[UUID, str | None], asker: Any, people: Mapping[str, UUID], inside: Any
    ) -> None:
        scope = asker(KindReach(Reach.ALL, Reach.ALL))
        scope = replace(scope, permissions=scope.permissions - {world.kind.permission("assign")})
        record = next(id_ for id_, owner in owned.items() if owner == "agent")
        other = {"owner_id": people["manager"]}
        with inside(scope):
            for attempt in (
                lambda: actions.update_record(scope, world.kind, record, 1, other),
                lambda: actions.update_record(scope, world.kind, record, 1, {"owner_id": None}),
                lambda: actions.bulk_update(scope, world.kind, [record], other),
                lambda: actions.create_record(scope, world.kind, {self.name: "Theirs", **other}),
            ):
                with pytest.raises(Invalid) as refused:
                    attempt()
                assert "Your role does not allow" in refused.value.errors["owner_id"]
                db.session.rollback()
            made = actions.create_record(scope, world.kind, {self.name: "Mine", "owner_id": people["agent"]})
            actions.update_record(scope, world.kind, record, 1, {"owner_id": people["agent"], self.name: "Other"})
        assert world.row(made)["owner_id"] == people["agent"]

    @pytest.mark.parametrize("sees", ["own", "team", "all"])
    def test_the_pages(
        self, world: World, owned: dict[UUID, str | None], as_custom_role: Any, sees: str, people: Any, inside: Any
    ) -> None:
        """A person with such a role, at the doors of the web."""
        client = self._client(world, as_custom_role, sees, "own")
        with inside(world.scope):
            for id_, owner in owned.items():
                if owner == "agent":
                    actions.update_record(world.scope, world.kind, id_, 1, {"owner_id": client.user_id})
        # The person's only colleague is the manager.
        reached = {"own": ("agent",), "team": ("agent", "manager"), "all": OWNERS}[sees]
        seen = {id_ for id_, owner in owned.items() if owner in reached}
        changed = {id_ for id_, owner in owned.items() if owner == "agent"}
        at = f"/{world.kind.plural}"
        assert _shown(client, f"{at}/") == seen
        assert _shown(client, f"{at}/?q={WORD}") == seen
        assert f"{len(seen)} " in client.get(f"{at}/count?q={WORD}").get_data(as_text=True)
        assert _line_count([client.get(f"{at}/export.csv").get_data()]) == len(seen)
        for id_ in owned:
            page, edit = client.get(f"{at}/{id_}"), client.get(f"{at}/{id_}/edit")
            write = client.submit(f"{at}/{id_}/notes", {"body": "Hello"})
            expected = (200, 200, 303) if id_ in changed else (200, 403, 403) if id_ in seen else (404, 404, 404)
            assert (page.status_code, edit.status_code, write.status_code) == expected
            if page.status_code == 200:
                offered = bool(page.soup.select("a[href$='/edit'], a[href$='/delete'], #note_form"))
                assert offered == (id_ in changed)
        answer = client.submit(f"{at}/bulk", {"action": "tag", "tags": "bulk", "all_matching": "1"})
        toast = client.get(answer.headers["Location"]).toasts[0]
        assert (f"{len(seen - changed)} were left out" in toast) == bool(seen - changed)
        assert {row["id"] for row in world.rows() if "bulk" in row["tags"]} == changed

    def test_a_stranger_by_reach_gets_the_page_of_an_unknown_id(
        self, world: World, owned: dict[UUID, str | None], as_custom_role: Any
    ) -> None:
        client = self._client(world, as_custom_role, "own", "own")
        theirs, nothing = next(iter(owned)), UUID(int=1)
        at = f"/{world.kind.plural}"
        for path in ("", "/edit", "/delete", f"/fields/{self.name}", f"/fields/{self.name}/edit"):
            pages = [client.get(f"{at}/{id_}{path}").get_data(as_text=True) for id_ in (theirs, nothing)]
            assert _plain(pages[0]) == _plain(pages[1]), path

    def _client(self, world: World, as_custom_role: Any, sees: str, changes: str) -> PageClient:
        kind = world.kind
        allowed = {kind.permission(action) for action in ("read", "create", "update", "delete", "export", "assign")}
        return as_custom_role(allowed, {kind.name: (sees, changes)}, teams={"North": ["manager"]})


def _sides(reach: KindReach) -> tuple[Reach, Reach]:
    return reach.sees, reach.changes


def _walked(scope: Scope, world: World, request: ListRequest) -> set[UUID]:
    """The ids of all pages, forth by their cursors; walking back must meet the same."""
    found: list[UUID] = []
    page = queries.list_records(scope, world.kind, request)
    while True:
        found += [row["id"] for row in page.rows]
        if page.next is None:
            break
        page = queries.list_records(scope, world.kind, replace(request, cursor=page.next))
    back = {row["id"] for row in page.rows}
    while page.previous is not None:
        page = queries.list_records(scope, world.kind, replace(request, cursor=page.previous))
        back |= {row["id"] for row in page.rows}
    assert len(found) == len(set(found)), "a row stood on two pages"
    assert back == set(found)
    return set(found)


def _line_count(stream: Any) -> int:
    text = b"".join(stream).decode()
    return len(list(csv.reader(io.StringIO(text, newline="")))) - 1


def _shown(client: PageClient, address: str) -> set[UUID]:
    """The ids of the list, over all of its pages."""
    found: set[UUID] = set()
    while address:
        soup = client.get(address).soup
        found |= {UUID(str(row["id"]).removeprefix("record-")) for row in soup.select("tr[data-row][id^=record-]")}
        link = soup.select_one(".pager a[rel=next]")
        address = str(link["href"]) if link else ""
    return found


_VARIES = re.compile(r"[\w-]{20,}\.[\w-]{6}\.[\w-]{20,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _plain(html: str) -> str:
    return _VARIES.sub("", html)
