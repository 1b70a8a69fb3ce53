"""What conversations hold of a person: handed over with its files, and erased."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from app.core import storage
from app.core.scope import Scope
from app.privacy import actions, queries
from app.privacy.running import run_request
from app.tickets.actions.files import NewFile
from tests.support.talk import Talk
from tests.support.world import World

ADDRESS = "john@doe.example"


def test_an_export_has_the_messages_and_the_files(talk: Talk, world: World, inside: Any, acme: Scope) -> None:
    mine = world.add(subject="Help", requester_email=ADDRESS)
    other = world.add(subject="Other", requester_email="ida@x.example")
    talk.receive(mine, "My words", files=[NewFile("=cmd.txt", b"my bytes")])
    talk.note(other, f"Ask {ADDRESS}.")
    with inside(acme):
        asked = actions.ask_export(acme, ADDRESS)
    with inside(acme):
        run_request(acme, asked)
    with inside(acme):
        key = queries.get_request(acme, asked).file_key
        assert key is not None
        archive = zipfile.ZipFile(io.BytesIO(storage.files().open(key).read()))
    found = json.loads(archive.read("data.json"))
    assert [row["body"] for row in found["tickets-messages"]] == ["My words"]
    assert "conversation_text" not in found["tickets"][0], "the words of notes among colleagues"
    assert [row["body"] for row in found["messages-that-mention"]] == [f"Ask {ADDRESS}."]
    (kept,) = [name for name in archive.namelist() if name.startswith("files/")]
    assert archive.read(kept) == b"my bytes"
    # Claim 32: a name that a spreadsheet would run.
    assert "'=cmd.txt" in archive.read("tickets-files.csv").decode()


def test_an_erasure_leaves_nothing_of_them(talk: Talk, world: World, inside: Any, acme: Scope, admin: Any) -> None:
    mine = world.add(subject="Help", requester_email=ADDRESS)
    other = world.add(subject="Other", requester_email="ida@x.example")
    talk.receive(mine, "My words", files=[NewFile("a.txt", b"my bytes")])
    talk.receive(other, f"I am {ADDRESS}.", author_name="John Doe", author_email=ADDRESS)
    talk.reply(other, "Hello", cc=f"{ADDRESS}, ida@x.example")
    talk.draft(mine, f"To {ADDRESS}")
    (file,) = talk.files(mine)
    with inside(acme):
        asked = actions.ask_erasure(acme, ADDRESS, again=ADDRESS)
    with inside(acme):
        run_request(acme, asked)
    for table in ("ticket_messages", "ticket_drafts", "ticket_files", "tickets"):
        left = admin.execute(f"select count(*) from {table} t where t::text ilike %s", (f"%{ADDRESS}%",)).fetchone()
        assert left == (0,), table
    searched = admin.execute("select conversation_text from tickets where id = %s", (other,)).fetchone()[0].split()
    assert searched == ["i", "am", "erased"], "nor is the ticket found by the address any more"
    first, second = talk.messages(other)
    assert (first["body"], first["author_name"], first["author_email"]) == ("I am [erased].", "Erased person", None)
    assert second["recipients"]["cc"] == ["[erased]", "ida@x.example"]
    with inside(acme):
        assert file["key"] not in {key for key, _ in storage.files().keys(acme.tenant_id)}
