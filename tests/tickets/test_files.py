"""Files of tickets: uploaded, sent, downloaded by links that expire, removed."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.core import storage
from app.core.errors import Invalid
from app.core.scope import Scope
from app.gateways.files import links
from app.tickets.actions.files import NewFile
from jobs import conversation as jobs
from jobs.files import remove_orphans
from tests.support.battery import Battery
from tests.support.clients import PageClient, PageResponse
from tests.support.talk import Talk
from tests.support.world import World

GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")


class TestUpload(Battery):
    path = "/tickets/{id}/files"
    method = "POST"
    target = "waiting_files"
    as_page = 303

    def ask(self, client: PageClient, path: str, form: Any, *, fragment: bool = False) -> PageResponse:
        # A stream is read once: each question has its own.
        return super().ask(client, path, {"file": (io.BytesIO(b"some text"), "a.txt")}, fragment=fragment)


class TestDeleteFile(Battery):
    path = "/tickets/{id}/files/{file_id}/delete"
    method = "POST"
    role = "owner"
    target = "waiting_files"
    as_page = 303

    def ids(self, world: World) -> dict[str, Any]:
        ticket = world.add()
        return {"id": ticket, "file_id": Talk(world).upload(ticket)}


def sent_file(talk: Talk, ticket: Any, content: bytes, name: str) -> Any:
    file = talk.upload(ticket, content, name)
    talk.note(ticket, files=[file])
    return file


def link_of(client: PageClient, ticket: Any) -> str:
    address: str = client.get(f"/tickets/{ticket}").soup.select_one(".message .file a")["href"]
    return address.removeprefix("/t/acme")


def test_a_file_goes_with_a_reply_and_comes_back(agent: PageClient, talk: Talk, world: World) -> None:
    ticket = world.add()
    form = {"kind": "note", "body": "See.", "file": [(io.BytesIO(b"a"), "a.txt"), (io.BytesIO(b"bb"), "b.txt")]}
    assert agent.submit(f"/tickets/{ticket}/messages", form).status_code == 303
    rows = talk.files(ticket)
    assert [(row["name"], row["size"]) for row in rows] == [("a.txt", 1), ("b.txt", 2)]
    assert {row["message_id"] for row in rows} == {talk.messages(ticket)[0]["id"]}
    answer = agent.get(link_of(agent, ticket))
    assert (answer.status_code, answer.get_data()) == (200, b"a")


def test_uploads_wait_and_can_be_taken_back(agent: PageClient, talk: Talk, world: World) -> None:
    ticket = world.add()
    part = agent.fragment(
        f"/tickets/{ticket}/files", target="waiting_files", method="POST", data={"file": (io.BytesIO(b"a"), "a.txt")}
    )
    assert part.texts("#waiting_files .file-name") == ["a.txt"]
    assert agent.get(f"/tickets/{ticket}").texts("#waiting_files .file-name") == ["a.txt"]
    (row,) = talk.files(ticket)
    part = agent.fragment(f"/tickets/{ticket}/files/{row['id']}/delete", target="waiting_files", method="POST", data={})
    assert part.texts(".file-name") == []
    assert talk.files(ticket) == []


def test_what_waits_is_its_uploaders_alone(
    agent: PageClient, owner: PageClient, talk: Talk, world: World, scope_in: Callable[..., Scope]
) -> None:
    ticket = world.add()
    file = talk.upload(ticket, who=scope_in("acme", "agent"))
    assert owner.get(f"/tickets/{ticket}").texts("#waiting_files .file-name") == []
    assert owner.get(f"/files/{file}").status_code == 404
    assert owner.submit(f"/tickets/{ticket}/files/{file}/delete").status_code == 404
    with pytest.raises(Invalid, match="not here any more"):
        talk.reply(ticket, files=[file])


def test_a_refused_reply_keeps_its_files(agent: PageClient, talk: Talk, world: World) -> None:
    ticket = world.add()
    form = {"kind": "reply", "body": "x", "cc": "nobody", "file": (io.BytesIO(b"a"), "a.txt")}
    answer = agent.submit(f"/tickets/{ticket}/messages", form)
    assert answer.status_code == 422
    # A refused request is rolled back, its file with it; script uploads before sending.
    assert talk.files(ticket) == [] or answer.texts("#waiting_files .file-name") == ["a.txt"]


def test_an_old_link_leads_to_a_fresh_one(owner: PageClient, talk: Talk, world: World, monkeypatch: Any) -> None:
    ticket = world.add()
    sent_file(talk, ticket, b"x", "a.txt")
    link = link_of(owner, ticket)
    monkeypatch.setattr(links, "SECONDS", -1)
    monkeypatch.setattr(links.check, "__defaults__", (-1,))
    answer = owner.get(link)
    assert answer.status_code == 303
    assert f"/tickets/{ticket}#m-" in answer.headers["Location"]
    assert "expired" in owner.get(f"/tickets/{ticket}").toasts[0]


def test_pictures_of_a_mail_are_shown_in_it(owner: PageClient, talk: Talk, world: World) -> None:
    ticket = world.add()
    files = [
        NewFile("logo.gif", GIF, "image/gif", "logo@x", True),
        NewFile("b.svg", b"<svg/>", "image/gif", "b@x", True),
    ]
    talk.receive(ticket, "Hi", body_html='<p>Hi<img src="cid:logo@x"><img src="cid:b@x"></p>', files=files)
    message = owner.get(f"/tickets/{ticket}").soup.select_one(".message.is-customer")
    shown = [image["src"] for image in message.select(".message-body img[src]")]
    assert len(shown) == 1
    assert owner.get(shown[0].removeprefix("/t/acme")).mimetype == "image/gif"
    assert [name.get_text() for name in message.select(".file-name")] == ["b.svg"]


def test_what_nobody_sends_goes_after_a_day(talk: Talk, world: World, app: Any, admin: Any, run_jobs: Any) -> None:
    ticket, other = world.add(), world.add()
    talk.upload(ticket)
    kept = talk.upload(other)
    admin.execute("delete from ticket_drafts where ticket_id = %s", (ticket,))
    admin.execute("update ticket_files set created_at = created_at - interval '25 hours'")
    with app.app_context():
        jobs.purge()
    assert talk.files(ticket) == []
    assert [row["id"] for row in talk.files(other)] == [kept], "its draft is still there"


def test_bytes_without_a_row_go(talk: Talk, world: World, inside: Any, acme: Scope, admin: Any) -> None:
    ticket = world.add()
    talk.upload(ticket)
    talk.upload(ticket)
    admin.execute("delete from ticket_files where id = (select min(id::text)::uuid from ticket_files)")
    with inside(acme):
        store = storage.files()
        assert remove_orphans(acme, acme.now - timedelta(days=2)) == 0, "they are young"
        assert remove_orphans(acme, acme.now + timedelta(days=2)) >= 1
        left = {key for key, _ in store.keys(acme.tenant_id)}
    assert {row["key"] for row in talk.files(ticket)} <= left
    assert len(talk.files(ticket)) == 1
