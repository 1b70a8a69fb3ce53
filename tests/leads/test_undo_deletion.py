from __future__ import annotations

import threading
from typing import Any

from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.world import World


class TestUndoDeletion(Battery):
    path = "/leads/deletions/{deletion_id}/undo"
    method = "POST"
    target = "toasts"
    as_page = 303

    def ids(self, world: World) -> dict[str, Any]:
        return {"deletion_id": world.delete(world.add())}


def test_restores_what_one_deletion_took_and_nothing_else(owner: PageClient, world: World) -> None:
    first, second, other = world.add(last_name="A", tags="t"), world.add(last_name="B"), world.add(last_name="C")
    before = world.row(first)
    deletion = world.delete(first, second)
    world.delete(other)
    owner.submit(f"/leads/deletions/{deletion}/undo")
    assert [row["last_name"] for row in world.rows()] == ["A", "B"]
    after = world.row(first)
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= {"version", "updated_at"}
    assert world.event_types(first) == ["created", "deleted", "restored"]
    assert world.event_types(other) == ["created", "deleted"]
    assert owner.get("/leads/").toasts == ["2 leads restored."]


def test_twice_finds_nothing(owner: PageClient, world: World) -> None:
    lead = world.add()
    path = f"/leads/deletions/{world.delete(lead)}/undo"
    assert owner.submit(path).status_code == 303
    assert owner.submit(path).status_code == 404
    assert world.event_types(lead) == ["created", "deleted", "restored"]


def test_of_two_at_once_one_restores(world: World, as_role) -> None:
    lead = world.add()
    path = f"/leads/deletions/{world.delete(lead)}/undo"
    clients, answers = [as_role("owner"), as_role("agent")], []
    for client in clients:
        client.csrf()
    start = threading.Barrier(2)

    def undo(client: PageClient) -> None:
        start.wait()
        answers.append(client.submit(path).status_code)

    threads = [threading.Thread(target=undo, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 404]
    assert world.event_types(lead) == ["created", "deleted", "restored"]
