"""What is said on a ticket, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from app.core.errors import Conflict, Invalid
from app.core.scope import Scope
from app.tickets import queries
from app.tickets.actions import conversation, relating
from jobs import conversation as jobs
from tests.support.battery import Battery
from tests.support.clients import PageClient
from tests.support.talk import Talk
from tests.support.world import World


class TestMessages(Battery):
    path = "/tickets/{id}/messages"
    target = "conversation_entries"
    viewer_may = True
    wrong_method = "PUT"


class TestSend(Battery):
    path = "/tickets/{id}/messages"
    method = "POST"
    form = {"kind": "reply", "body": "We look into it."}  # noqa: RUF012
    target = "conversation"
    as_page = 303
    invalid = {"kind": "reply", "body": "Hello", "cc": "no address"}  # noqa: RUF012


class TestNote(Battery):
    path = "/tickets/{id}/messages"
    method = "POST"
    form = {"kind": "note", "body": "For us."}  # noqa: RUF012
    target = "conversation"
    as_page = 303
    invalid = {"kind": "note", "body": "x" * 50_001}  # noqa: RUF012


class OfAReply:
    def ids(self, world: World) -> dict[str, Any]:
        talk = Talk(world)
        ticket = world.add()
        return {"id": ticket, "message_id": talk.reply(ticket)}


class TestUndo(OfAReply, Battery):
    path = "/tickets/{id}/messages/{message_id}/undo"
    method = "POST"
    role = "owner"
    target = "conversation"
    as_page = 303


class TestSendNow(OfAReply, Battery):
    path = "/tickets/{id}/messages/{message_id}/send"
    method = "POST"
    role = "owner"
    target = "conversation_entries"
    as_page = 303


def test_a_reply_is_held_and_then_leaves_once(talk: Talk, world: World, acme: Scope) -> None:
    ticket = world.add()
    reply = talk.reply(ticket, "Hello *John*.")
    (row,) = talk.messages(ticket)
    assert (row["state"], row["kind"], row["author_id"]) == ("held", "reply", acme.user_id)
    assert row["send_at"] - row["created_at"] == timedelta(seconds=10)
    assert talk.ticket(ticket)["status"] == "new"
    assert not talk.release(reply, later=5), "its time is not over"
    assert talk.release(reply)
    assert not talk.release(reply), "it has left"
    stored = talk.ticket(ticket)
    assert talk.messages(ticket)[0]["state"] in ("queued", "sent")
    assert (stored["status"], stored["owner_id"]) == ("open", acme.user_id)
    assert stored["first_replied_at"] == row["created_at"], "it counts from when it was sent"
    assert talk.drafts(ticket) == []
    assert world.event_types(ticket)[:2] == ["created", "replied"]


def test_a_reply_that_is_taken_back_did_nothing_and_is_a_draft_again(talk: Talk, world: World) -> None:
    ticket = world.add()
    file = talk.upload(ticket)
    reply = talk.reply(ticket, "Too early", cc="ida@example.com", files=[file], status="resolved")
    assert talk.withdraw(ticket, reply) == "Too early"
    assert talk.withdraw(ticket, reply) == "Too early", "twice is once"
    assert not talk.release(reply)
    stored = talk.ticket(ticket)
    assert (stored["status"], stored["first_replied_at"], stored["owner_id"]) == ("new", None, None)
    (draft,) = talk.drafts(ticket)
    assert (draft["body"], draft["cc"], draft["message_id"]) == ("Too early", "ida@example.com", None)
    assert talk.files(ticket)[0]["message_id"] is None
    assert talk.messages(ticket)[0]["state"] == "withdrawn"


def test_what_was_typed_since_stays_below_what_is_taken_back(agent: PageClient, talk: Talk, world: World) -> None:
    ticket = world.add()
    agent.submit(f"/tickets/{ticket}/messages", {"kind": "reply", "body": "First."})
    (row,) = talk.messages(ticket)
    agent.submit(f"/tickets/{ticket}/messages/{row['id']}/undo", {"kind": "reply", "body": "Second."})
    page = agent.get(f"/tickets/{ticket}")
    assert page.soup.find("textarea", id="reply_body").get_text().strip() == "First.\n\nSecond."


def test_too_late_is_said(agent: PageClient, talk: Talk, world: World) -> None:
    ticket = world.add()
    agent.submit(f"/tickets/{ticket}/messages", {"kind": "reply", "body": "Gone."})
    (row,) = talk.messages(ticket)
    talk.release(row["id"])
    answer = agent.submit(f"/tickets/{ticket}/messages/{row['id']}/undo")
    assert answer.status_code == 422
    assert "too late" in answer.get_data(as_text=True)


def test_only_its_author_takes_it_back_or_hurries_it(talk: Talk, world: World, scope_in: Callable[..., Scope]) -> None:
    ticket = world.add()
    reply = talk.reply(ticket)
    with pytest.raises(Invalid, match="Only whoever sent"):
        talk.withdraw(ticket, reply, who=scope_in("acme", "admin"))


def test_send_and_set_status(talk: Talk, world: World) -> None:
    ticket = world.add()
    talk.release(talk.reply(ticket, status="resolved"))
    assert talk.ticket(ticket)["status"] == "resolved"
    with pytest.raises(Invalid, match="Resolved cannot become Pending"):
        talk.reply(ticket, status="pending")
    assert len(talk.messages(ticket)) == 1


def test_a_status_that_somebody_moved_meanwhile_is_a_conflict(talk: Talk, world: World) -> None:
    ticket = world.add()
    version = talk.ticket(ticket)["version"]
    world.move(ticket, "pending")
    with pytest.raises(Conflict):
        talk.reply(ticket, status="resolved", version=version)
    assert talk.messages(ticket) == []


def test_a_note_is_told_to_nobody_outside_and_is_shown_apart(talk: Talk, world: World, owner: PageClient) -> None:
    ticket = world.add()
    talk.note(ticket, "He is **angry**.")
    assert talk.ticket(ticket)["first_replied_at"] is None
    assert talk.ticket(ticket)["status"] == "new"
    note = owner.get(f"/tickets/{ticket}").soup.select_one(".message.is-note")
    assert note.select_one(".badge").get_text(strip=True) == "Internal note"
    assert note.strong is not None
    assert world.event_types(ticket) == ["created", "annotated"]


@pytest.mark.parametrize("status", ["pending", "resolved", "closed"])
def test_a_customer_who_writes_opens_the_ticket_again(talk: Talk, world: World, status: str) -> None:
    ticket = world.add()
    talk.release(talk.reply(ticket, status=status))
    assert talk.ticket(ticket)["status"] == status
    talk.receive(ticket, later=100)
    stored = talk.ticket(ticket)
    assert stored["status"] == "open"
    assert stored["last_customer_at"] is not None
    assert "moved" in world.event_types(ticket)
    talk.release(talk.reply(ticket, later=200), later=300)
    assert talk.ticket(ticket)["last_customer_at"] is None


def test_too_late_a_new_ticket_follows(talk: Talk, world: World) -> None:
    ticket = world.add(subject="Printer", requester_name="John Doe", requester_email="john@doe.example")
    talk.release(talk.reply(ticket, status="resolved"))
    talk.receive(ticket, "Again!", later=8 * 24 * 3600)
    assert talk.ticket(ticket)["status"] == "resolved"
    follower = next(row for row in world.rows() if row["id"] != ticket)
    assert follower["follows_id"] == ticket
    assert (follower["subject"], follower["requester_email"], follower["status"]) == (
        "Printer",
        "john@doe.example",
        "new",
    )
    (opening,) = talk.messages(follower["id"])
    assert (opening["kind"], opening["body"]) == ("opening", "Again!")


def test_a_machine_reopens_nothing(talk: Talk, world: World) -> None:
    ticket = world.add()
    talk.release(talk.reply(ticket, status="resolved"))
    talk.receive(ticket, "I am on holiday.", later=100, automatic=True)
    assert talk.ticket(ticket)["status"] == "resolved"
    assert talk.ticket(ticket)["last_customer_at"] is None
    assert len(talk.messages(ticket)) == 2


def test_a_message_is_stored_once_for_its_message_id(talk: Talk, world: World) -> None:
    ticket = world.add()
    first = talk.receive(ticket, message_id="<1@x.example>")
    assert talk.receive(ticket, message_id="<1@x.example>") == first
    assert len(talk.messages(ticket)) == 1


def test_what_was_said_is_found(talk: Talk, world: World, owner: PageClient) -> None:
    ticket, other = world.add(), world.add()
    talk.receive(ticket, "The Überweisung to Łódź failed.")
    talk.note(other, "zwiebelkuchen")
    found = owner.get("/tickets/", query_string={"q": "uberweis"})
    assert [row["id"].removeprefix("record-") for row in found.soup.select("tr[data-row]")] == [str(ticket)]


def test_people_who_are_named_and_may_see_it_are_told(
    talk: Talk, world: World, as_custom_role: Callable[..., PageClient], scope_in: Callable[..., Scope], admin: Any
) -> None:
    blind = as_custom_role({"ticket:read"}, {"ticket": ("own", "none")})
    admin.execute("update users set name = 'Blind Bob' where id = %s", (blind.user_id,))
    agent = scope_in("acme", "agent")
    ticket = world.add()
    talk.note(ticket, f"@{agent.user_email} and @Blind Bob, look.")
    told = admin.execute("select user_id from notices where kind = 'ticket.mentioned'").fetchall()
    assert told == [(agent.user_id,)]


def test_the_assignee_is_told_of_what_the_customer_wrote(
    talk: Talk, world: World, scope_in: Callable[..., Scope], admin: Any
) -> None:
    agent = scope_in("acme", "agent")
    ticket = world.add()
    talk.release(talk.reply(ticket, who=agent))
    talk.receive(ticket, later=100)
    told = admin.execute("select user_id, endpoint from notices where kind = 'ticket.received'").fetchall()
    assert told == [(agent.user_id, "conversation.show_message")]


def test_mail_is_shown_without_what_it_quotes_and_without_strange_markup(
    talk: Talk, world: World, owner: PageClient
) -> None:
    ticket = world.add()
    html = '<p onclick="x">Hi</p><script>alert(1)</script><img src="https://evil.example/x.png"><iframe src="//x">'
    talk.receive(ticket, "Hi", body_html=html, quoted_text="> before", author_email="john@doe.example")
    message = owner.get(f"/tickets/{ticket}").soup.select_one(".message.is-customer")
    assert message.select("script, iframe, [onclick], img[src]") == []
    assert message.select_one("details.quoted").get_text().strip().endswith("> before")


def test_a_long_conversation_is_shown_page_by_page_in_few_queries(
    talk: Talk, world: World, owner: PageClient, count_queries: Callable[..., int]
) -> None:
    ticket = world.add()
    for number in range(60):
        talk.receive(ticket, f"Message {number}")
    page = owner.get(f"/tickets/{ticket}")
    # Of the page the other blocks have their own; what refreshes itself is this block's alone.
    assert count_queries(owner.fragment(f"/tickets/{ticket}/messages", target="conversation_entries")) <= 8
    assert len(page.soup.select(".message")) + len(page.soup.select(".happening")) == 50
    earlier = page.soup.select_one("#earlier_entries a")["href"]
    part = owner.fragment(earlier, target="earlier_entries")
    assert "Message 0" in part.get_data(as_text=True)
    assert "Message 20" not in part.get_data(as_text=True)
    assert owner.get(earlier).status_code == 200


def test_a_merged_ticket_takes_no_reply(talk: Talk, world: World, admin: Any) -> None:
    ticket, into = world.add(), world.add()
    admin.execute("update tickets set merged_into_id = %s where id = %s", (into, ticket))
    with pytest.raises(Invalid, match="merged into"):
        talk.reply(ticket)
    message = talk.receive(ticket)
    assert [row["id"] for row in talk.messages(into)] == [message]


def test_a_reply_to_nobody_is_said_so(talk: Talk, world: World) -> None:
    ticket = world.add(subject="By phone")
    talk.release(talk.reply(ticket))
    (row,) = talk.messages(ticket)
    assert row["state"] != "held"
    assert "address" in row["state_reason"]


def test_one_key_is_one_message(agent: PageClient, talk: Talk, world: World) -> None:
    ticket = world.add()
    form = {"kind": "reply", "body": "Once.", "key": "k1"}
    first = agent.submit(f"/tickets/{ticket}/messages", form)
    second = agent.submit(f"/tickets/{ticket}/messages", form | {"body": "Twice."})
    assert first.headers["Location"] == second.headers["Location"]
    assert [row["body"] for row in talk.messages(ticket)] == ["Once."]


def test_what_was_taken_back_is_never_said_to_be_sent(agent: PageClient, talk: Talk, world: World) -> None:
    ticket = world.add()
    form = {"kind": "reply", "body": "Once.", "key": "k1"}
    agent.submit(f"/tickets/{ticket}/messages", form)
    (row,) = talk.messages(ticket)
    agent.submit(f"/tickets/{ticket}/messages/{row['id']}/undo")
    again = agent.submit(f"/tickets/{ticket}/messages", form)
    assert (again.status_code, "was taken back" in again.text) == (422, True)


def test_a_key_of_another_ticket_is_refused(agent: PageClient, talk: Talk, world: World) -> None:
    one, other = world.add(), world.add()
    form = {"kind": "reply", "body": "Once.", "key": "k1"}
    agent.submit(f"/tickets/{one}/messages", form)
    assert agent.submit(f"/tickets/{other}/messages", form).status_code == 422
    assert talk.messages(other) == []


def test_the_sweep_lets_what_is_due_leave_and_nothing_else(
    talk: Talk, world: World, app: Any, admin: Any, run_jobs: Callable[[], int]
) -> None:
    due, early, withdrawn = world.add(), world.add(), world.add()
    talk.reply(due)
    talk.reply(early)
    talk.withdraw(withdrawn, talk.reply(withdrawn))
    admin.execute("update ticket_messages set send_at = now() - interval '1 second' where ticket_id <> %s", (early,))
    with app.app_context():
        jobs.sweep()
    run_jobs()
    assert talk.messages(due)[0]["state"] in ("queued", "sent", "failed")
    assert talk.messages(early)[0]["state"] == "held"
    assert talk.messages(withdrawn)[0]["state"] == "withdrawn"


def test_a_reply_that_cannot_leave_holds_up_no_other(
    talk: Talk, world: World, app: Any, admin: Any, run_jobs: Callable[[], int]
) -> None:
    gone, due = world.add(), world.add()
    talk.reply(gone)
    talk.reply(due)
    world.delete(gone)
    admin.execute("update ticket_messages set send_at = now() - interval '1 second'")
    with app.app_context():
        jobs.sweep()
    run_jobs()
    (lost,) = talk.messages(gone)
    assert (lost["state"], "deleted" in lost["state_reason"]) == ("failed", True)
    assert talk.drafts(gone) == []
    assert talk.messages(due)[0]["state"] in ("queued", "sent", "failed")


def test_a_reply_whose_ticket_is_merged_while_it_waits_leaves_from_where_that_lives_on(
    talk: Talk, world: World, admin: Any
) -> None:
    ticket, into = world.add(), world.add()
    world.move(ticket, "pending")
    reply = talk.reply(ticket, status="open")
    with world.inside(world.scope):
        relating.merge(world.scope, ticket, into)
    assert talk.release(reply)
    assert [(row["id"], row["state"]) for row in talk.messages(ticket)] == [(reply, "queued")]
    assert talk.ticket(into)["first_replied_at"] is not None
    assert (talk.ticket(ticket)["status"], talk.ticket(ticket)["first_replied_at"]) == ("closed", None)


def test_a_reply_of_a_merged_ticket_is_taken_back_and_sent_again_where_that_lives_on(
    talk: Talk, world: World, admin: Any
) -> None:
    ticket, into = world.add(), world.add()
    file = talk.upload(ticket)
    held, lost = talk.reply(ticket, "Not yet", files=[file]), talk.reply(ticket, "Lost", hold=False)
    admin.execute("update ticket_messages set state = 'bounced' where id = %s", (lost,))
    with world.inside(world.scope):
        relating.merge(world.scope, ticket, into)
    assert talk.withdraw(into, held) == "Not yet"
    assert [draft["body"] for draft in talk.drafts(into)] == ["Not yet"]
    assert [(row["id"], row["message_id"]) for row in talk.files(into)] == [(file, None)]
    with world.inside(world.scope):
        assert conversation.send_now(world.scope, into, lost).state == "queued"


def test_a_reply_to_an_address_that_is_none_is_said_so_and_leaves_once_it_is_corrected(
    talk: Talk, world: World, admin: Any, agent: PageClient, sent_mails: Any, scope_in: Callable[..., Scope]
) -> None:
    author = scope_in("acme", "agent")
    ticket = world.add()
    admin.execute("update tickets set requester_email = 'nobody at all' where id = %s", (ticket,))
    reply = talk.reply(ticket, "Hello there", who=author)
    assert talk.release(reply)
    (row,) = talk.messages(ticket)
    assert (row["state"], "“nobody at all” is no address" in row["state_reason"]) == ("failed", True)
    assert "A reply of yours did not arrive" in agent.get("/notices").text
    admin.execute("update tickets set requester_email = 'right@example.com' where id = %s", (ticket,))
    assert agent.submit(f"/tickets/{ticket}/messages/{reply}/send").status_code == 303
    (mail,) = (mail for mail in sent_mails() if "Hello there" in mail.as_string())
    assert "right@example.com" in str(mail["To"])


def test_taking_a_reply_back_and_its_leaving_do_not_wait_for_each_other(talk: Talk, world: World, admin: Any) -> None:
    ticket = world.add()
    reply = talk.reply(ticket)
    waiting = "select count(*) from pg_locks where not granted"
    with ThreadPoolExecutor(1) as threads:
        with world.inside(world.scope):
            queries.get_ticket(world.scope, ticket, lock=True)
            leaving = threads.submit(talk.release, reply)
            while not admin.execute(waiting).fetchone()[0]:
                assert not leaving.done()
            conversation.withdraw(world.scope, ticket, reply)
        assert leaving.result() is False
    assert [row["state"] for row in talk.messages(ticket)] == ["withdrawn"]
