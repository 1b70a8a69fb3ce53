"""When a requester is asked how it went, and by what mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app.core import dispatcher
from app.core.clock import now
from app.extensions import db
from app.gateways.mail.actions import ring
from app.tickets.actions import csat
from app.tickets.models import Ticket
from app.tickets.rules.csat import may_ask


@pytest.fixture
def dispatched(app, acme):
    """What was told is handed to who listens."""

    def run():
        with app.app_context():
            dispatcher.dispatch(acme.tenant_id)

    return run


@pytest.fixture
def asked(admin, dispatched):
    def count():
        dispatched()
        return admin.execute("select count(*) from ticket_ratings").fetchone()[0]

    return count


@pytest.fixture
def about_it(sent_mails, admin, acme, inside):
    """The mails that ask, once their time has come."""

    def read():
        admin.execute("update outgoing_mails set next_attempt_at = now() where template = 'tickets/rating'")
        with inside(acme):
            ring(acme.tenant_id)
        return [mail for mail in sent_mails() if mail["Subject"].startswith("How did we do?")]

    return read


def test_the_requester_is_asked_when_it_is_resolved(world, asked, about_it):
    ticket = world.add(subject="My invoice", requester_name="Ada", requester_email="ada@customer.example")
    assert asked() == 0
    world.move(ticket, "resolved")
    assert asked() == 1
    (mail,) = about_it()
    number = world.row(ticket)["number"]
    assert mail["Subject"] == f"How did we do? (#{number} My invoice)"
    assert mail["To"] == "Ada <ada@customer.example>"
    for kind in ("plain", "html"):
        text = mail.get_body((kind,)).get_content()
        assert "answer=good" in text
        assert "answer=bad" in text
        assert "/t/acme/ratings/links/" in text


def test_once_however_often_the_event_is_delivered(world, asked, admin, about_it):
    world.move(world.add(), "resolved")
    assert asked() == 1
    admin.execute("delete from event_deliveries")
    admin.execute(
        "insert into outbox (tenant_id, id, lease_until, attempts) select tenant_id, id, now(), 0 from events"
    )
    assert asked() == 1
    assert len(about_it()) == 1


def test_not_again_within_a_week(world, asked, admin, about_it):
    ticket = world.add()
    for expected, earlier in ((1, "0 days"), (1, "6 days 23 hours"), (2, "1 hour 1 minute")):
        admin.execute(f"update ticket_ratings set created_at = created_at - interval '{earlier}'")
        world.move(ticket, "resolved")
        assert asked() == expected
        about_it()
        world.move(ticket, "open")


def test_it_waits_until_the_reply_can_no_longer_be_taken_back(world, asked, admin, sent_mails):
    world.move(world.add(), "resolved")
    assert asked() == 1
    assert sent_mails() == []
    waits = "select extract(epoch from next_attempt_at - created_at) from outgoing_mails"
    assert admin.execute(waits).fetchone() == (300,)


def test_opened_again_in_time_it_is_taken_back(world, asked, about_it):
    ticket = world.add()
    world.move(ticket, "resolved")
    assert asked() == 1
    world.move(ticket, "open")
    assert asked() == 0
    assert about_it() == []
    world.move(ticket, "resolved")
    assert asked() == 1, "what was never asked may be asked again"
    assert len(about_it()) == 1


def test_opened_again_too_late_the_link_stays_good(world, asked, about_it):
    ticket = world.add()
    world.move(ticket, "resolved")
    assert asked() == 1
    assert len(about_it()) == 1
    world.move(ticket, "open")
    assert asked() == 1


def test_closed_meanwhile_it_is_asked_all_the_same(world, asked, about_it):
    ticket = world.add()
    world.move(ticket, "resolved")
    assert asked() == 1
    world.move(ticket, "closed")
    assert asked() == 1
    assert len(about_it()) == 1


def test_not_what_was_opened_again_before_it_was_looked_at(world, asked):
    ticket = world.add()
    world.move(ticket, "resolved")
    world.move(ticket, "open")
    assert asked() == 0


@pytest.mark.parametrize("status", ["open", "pending", "on_hold", "closed"])
def test_no_other_move_asks(world, asked, status):
    world.move(world.add(), status)
    assert asked() == 0


def test_nobody_without_an_address(world, asked):
    world.move(world.add(subject="By phone", requester_name="Ada"), "resolved")
    assert asked() == 0


def test_not_if_the_organisation_does_not_want_it(world, asked, admin, acme):
    admin.execute(
        "insert into desk_settings (tenant_id, id, settings, created_at, updated_at, version)"
        " values (%s, gen_random_uuid(), '{\"csat\": false}', now(), now(), 1)",
        [acme.tenant_id],
    )
    world.move(world.add(), "resolved")
    assert asked() == 0


def test_not_a_merged_one(world, asked, admin):
    first, second = world.add(), world.add()
    world.move(second, "resolved")
    admin.execute("update tickets set merged_into_id = %s where id = %s", [first, second])
    assert asked() == 0


def test_not_what_a_program_opened(world, asked, admin, acme):
    ticket = world.add()
    admin.execute(
        "insert into ticket_messages (tenant_id, id, ticket_id, kind, author_name, body, channel, recipients, state,"
        " automatic, created_at, updated_at, version) values (%s, gen_random_uuid(), %s, 'opening', 'Cron', 'x',"
        " 'email', '{}', 'received', true, now(), now(), 1)",
        [acme.tenant_id, ticket],
    )
    world.move(ticket, "resolved")
    assert asked() == 0


def test_an_address_that_is_none_is_nobodys(world, asked, admin):
    ticket = world.add()
    admin.execute("update tickets set requester_email = 'not an address' where id = %s", [ticket])
    world.move(ticket, "resolved")
    assert asked() == 0


def test_nothing_is_sent_if_the_question_is_not_stored(world, acme, inside, about_it):
    ticket_id = world.add()
    world.move(ticket_id, "open")
    with pytest.raises(RuntimeError), inside(acme):
        csat.ask(replace(acme, now=now()), db.session.get_one(Ticket, (acme.tenant_id, ticket_id)))
        raise RuntimeError
    assert about_it() == []


def test_the_rule():
    at = now()
    good = {"address": "a@b.example", "merged": False, "automatic": False, "last_asked": None, "now": at}
    assert may_ask(**good)
    assert may_ask(**good | {"last_asked": at - timedelta(days=7)})
    for bad in ({"address": None}, {"address": ""}, {"merged": True}, {"automatic": True},
                {"last_asked": at - timedelta(days=6, hours=23)}):  # fmt: skip
        assert not may_ask(**good | bad)
