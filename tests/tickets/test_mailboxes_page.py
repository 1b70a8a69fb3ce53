"""/settings/mailboxes: set up, changed and deleted; what cannot be is said, and secrets are never shown again."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from tests.support.battery import Battery
from tests.support.desk_mail import DeskMail
from tests.support.letters import letter
from tests.support.world import World

PATH = "/settings/mailboxes"
FORM = {
    "name": "Support",
    "address": "Support@Acme.example",
    "from_name": "",
    "replies": "plus",
    "reply_domain": "",
    "way": "imap",
    "host": "imap.acme.example",
    "port": "993",
    "tls": "implicit",
    "user_name": "support@acme.example",
    "password": "a-secret-of-the-server",
    "folder": "INBOX",
    "done_folder": "Done",
    "team_id": "",
    "category_id": "",
    "active": "1",
}


class Mailboxes(Battery):
    path = f"{PATH}/"
    role = "manager"

    def ids(self, world: World) -> dict[str, Any]:
        return {"mailbox_id": world.mailbox()[0]} if "{mailbox_id}" in self.path else {}


class TestList(Mailboxes):
    path = f"{PATH}/"


class TestNew(Mailboxes):
    path = f"{PATH}/new"


class TestCreate(Mailboxes):
    path = f"{PATH}/"
    method = "POST"
    form = FORM
    invalid: ClassVar = {**FORM, "address": "no address", "password": ""}


class TestEdit(Mailboxes):
    path = f"{PATH}/{{mailbox_id}}/edit"


class TestUpdate(Mailboxes):
    path = f"{PATH}/{{mailbox_id}}"
    method = "POST"
    as_page = 303
    form: ClassVar = {**FORM, "version": "1"}
    invalid: ClassVar = {**FORM, "version": "1", "port": "0", "password": ""}


class TestCheck(Mailboxes):
    path = f"{PATH}/{{mailbox_id}}/check"
    method = "POST"
    as_page = 303


class TestFetch(Mailboxes):
    path = f"{PATH}/{{mailbox_id}}/fetch"
    method = "POST"
    as_page = 303


class TestRotate(Mailboxes):
    path = f"{PATH}/{{mailbox_id}}/secret"
    method = "POST"


class TestDelete(Mailboxes):
    path = f"{PATH}/{{mailbox_id}}/delete"
    method = "POST"
    as_page = 303


class TestLog(Mailboxes):
    path = f"{PATH}/mail"
    target = "mail_log"


class TestMakeTicket(Mailboxes):
    path = f"{PATH}/mail/{{mail_id}}/tickets"
    method = "POST"
    as_page = 303

    def ids(self, world: World) -> dict[str, Any]:
        return {"mail_id": world.received_mail()}


def test_it_is_set_up_changed_and_deleted(owner, admin):
    made = owner.submit(f"{PATH}/", FORM)
    assert made.status_code == 200
    address = made.text_of("#secret_address")
    token = address.rpartition("/")[2]
    assert len(token) == 40
    stored = admin.execute("select id, address, password_sealed, token_hash, version from mailboxes").fetchone()
    assert stored[1] == "support@acme.example"
    assert FORM["password"] not in stored[2]
    assert token not in stored[3]
    page = owner.get(f"{PATH}/{stored[0]}/edit")
    assert FORM["password"] not in page.text
    assert token not in page.text
    changed = {**FORM, "password": "", "name": "Help", "version": "1"}
    assert owner.submit(f"{PATH}/{stored[0]}", changed).status_code == 303
    assert admin.execute("select name, password_sealed from mailboxes").fetchone() == ("Help", stored[2])
    stale = owner.submit(f"{PATH}/{stored[0]}", {**changed, "name": "Stale"})
    assert (stale.status_code, stale.soup.find("input", {"name": "name"})["value"]) == (409, "Stale")
    assert owner.submit(f"{PATH}/{stored[0]}/delete").status_code == 303
    events = [
        row[0] for row in admin.execute("select data->>'what' from events where subject_kind = 'mailbox' order by id")
    ]
    assert events == ["created", "name", "deleted"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"address": ""}, "address"),
        ({"address": "support"}, "address"),
        ({"address": "a@b"}, "address"),
        ({"address": "Ann <ann@x.example>"}, "address"),
        ({"address": "süpport@acme.example"}, "address"),
        ({"address": f"{'x' * 40}@acme.example"}, "replies"),
        ({"replies": "domain", "reply_domain": "nothing"}, "reply_domain"),
        ({"replies": "magic"}, "replies"),
        ({"way": "pigeon"}, "way"),
        ({"host": ""}, "host"),
        ({"host": "a b"}, "host"),
        ({"host": "http://imap.example"}, "host"),
        ({"port": "0"}, "port"),
        ({"port": "99999"}, "port"),
        ({"port": "abc"}, "port"),
        ({"tls": "none"}, "tls"),
        ({"tls": "rot13"}, "tls"),
        ({"user_name": ""}, "user_name"),
        ({"password": ""}, "password"),
        ({"done_folder": "INBOX"}, "done_folder"),
        ({"team_id": "00000000-0000-7000-8000-000000000000"}, "team_id"),
        ({"category_id": "none"}, "category_id"),
    ],
    ids=str,
)
def test_what_cannot_be_is_said(owner, admin, changes, field):
    answer = owner.submit(f"{PATH}/", {**FORM, **changes})
    assert answer.status_code == 422
    assert answer.soup.select_one(f'[data-error-summary] a[href="#{field}"]'), answer.problems
    typed = {**FORM, **changes}
    for name in ("name", "host", "port", "user_name", "reply_domain"):
        assert answer.soup.find("input", {"name": name}).get("value", "") == typed[name]
    assert FORM["password"] not in answer.text
    assert admin.execute("select count(*) from mailboxes").fetchone() == (0,)


def test_the_password_is_not_sent_to_another_server(owner, admin):
    owner.submit(f"{PATH}/", FORM)
    (row,) = admin.execute("select id from mailboxes").fetchone()
    answer = owner.submit(f"{PATH}/{row}", {**FORM, "password": "", "host": "evil.example", "version": "1"})
    assert answer.status_code == 422
    assert "not sent to another server" in answer.problems[0]


def test_an_address_stands_once(owner):
    assert owner.submit(f"{PATH}/", FORM).status_code == 200
    assert "already" in owner.submit(f"{PATH}/", {**FORM, "address": "SUPPORT@acme.example"}).problems[0]


def test_another_address_has_to_be_proved_again(owner, admin):
    owner.submit(f"{PATH}/", FORM)
    admin.execute("update mailboxes set proved_at = now()")
    (row,) = admin.execute("select id from mailboxes").fetchone()
    owner.submit(f"{PATH}/{row}", {**FORM, "version": "1", "address": "ceo@elsewhere.example"})
    assert admin.execute("select proved_at from mailboxes").fetchone() == (None,)


def test_the_check_of_a_connection_says_what_is_wrong(owner, admin):
    owner.submit(f"{PATH}/", {**FORM, "host": "nobody.invalid"})
    (row,) = admin.execute("select id from mailboxes").fetchone()
    answer = owner.submit(f"{PATH}/{row}/check")
    assert (answer.status_code, answer.problems) == (422, ["There is no mail server of that name."])


def test_the_log_is_bounded_and_goes_on(owner, client, acme, inside):
    desk = DeskMail(client, acme, inside)
    desk.mailbox()
    for number in range(55):
        desk.hand_over(
            letter("x", f"Mail {number:02d}", Message_ID=f"<{number}@x>", From=f"p{number}@x.example").as_bytes()
        )
    desk.work()
    page = owner.get(f"{PATH}/mail")
    assert len(page.soup.select("tbody tr")) == 50
    older = page.soup.select_one('a[href*="before="]')["href"]
    rest = owner.get(older)
    assert rest.texts("tbody td[data-label='']") == [f"Mail {n:02d}" for n in range(4, -1, -1)]
    for nonsense in ("state=x", "before=x", "mailbox=x", "before=%00"):
        assert owner.get(f"{PATH}/mail?{nonsense}").status_code == 200


def test_the_original_is_a_download_nothing_shows(owner, agent, viewer, stranger, client, acme, inside):
    desk = DeskMail(client, acme, inside)
    desk.mailbox()
    row = desk.take(raw := letter("<script>alert(1)</script>").as_bytes())
    for who in (owner, agent, viewer):
        answer = who.get(f"/tickets/mail/{row.id}/original")
        assert (answer.status_code, answer.data) == (200, raw)
        assert answer.mimetype == "message/rfc822"
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert stranger.get(f"/tickets/mail/{row.id}/original").status_code == 404
    assert agent.get(f"{PATH}/mail/{row.id}/original").status_code == 403
    assert owner.get(f"{PATH}/mail/{row.id}/original").data == raw


def test_the_original_follows_the_reach_of_the_ticket(as_custom_role, client, acme, inside):
    desk = DeskMail(client, acme, inside)
    desk.mailbox()
    row = desk.take(letter("x").as_bytes())
    own = as_custom_role({"ticket:read"}, {"ticket": ("own", "none")})
    assert own.get(f"/tickets/mail/{row.id}/original").status_code == 404
