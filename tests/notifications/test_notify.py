"""Telling people: a notice and a mail each, once an occasion; digests; who is left out."""

from __future__ import annotations

import contextlib
from uuid import uuid4

import pytest
from werkzeug.routing import BuildError

from app.extensions import db
from app.notifications.actions import notify, notify_digest

NOBODY = uuid4()


def _tell(scope, to, **more):
    given = {"kind": "ticket.assigned", "subject": "Ticket 12 is yours", "key": "assigned:12"} | more
    return notify(scope, to, **given)


@pytest.fixture
def rows(admin):
    """What is stored, by person and key."""
    query = (
        "select split_part(u.email, '@', 1), n.key, n.subject, n.endpoint, n.values, n.items, n.more, n.read_at, n.kind"
        " from notices n join users u on u.tenant_id = n.tenant_id and u.id = n.user_id order by 1, n.id"
    )
    return lambda: admin.execute(query).fetchall()


def test_each_person_has_a_notice_and_a_mail(inside, acme, crowd, rows, sent_mails):
    with inside(acme):
        link = ("people.show", {"user_id": crowd.id_of("agent")})
        assert (
            _tell(acme, [crowd.id_of("agent"), crowd.id_of("manager")], body="It was Ada's.\n\nShe left.", link=link)
            == 2
        )
    assert [(row[0], row[2], row[3], row[7], row[8]) for row in rows()] == [
        ("agent", "Ticket 12 is yours", "people.show", None, "ticket.assigned"),
        ("manager", "Ticket 12 is yours", "people.show", None, "ticket.assigned"),
    ]
    mails = {mail["To"]: mail for mail in sent_mails()}
    assert len(mails) == 2
    for mail in mails.values():
        assert mail["Subject"] == "Ticket 12 is yours"
        text = mail.get_body(("plain",)).get_content()
        html = mail.get_body(("html",)).get_content()
        for part in (text, html):
            assert "It was Ada" in part
            assert "She left." in part
            assert f"/t/acme/people/{crowd.id_of('agent')}" in part


def test_the_text_of_a_mail(inside, acme, crowd, sent_mails):
    link = ("leads.list", {})
    with inside(acme):
        _tell(acme, [crowd.id_of("agent")], body="One & <two>.\nThree.\n\nFour.", link=link)
        items = [("Ticket 1", link), ("Ticket 2", None), *(("x", None) for _ in range(19))]
        notify_digest(acme, crowd.id_of("agent"), kind="x", items=items, key="d", subject="21 are overdue", link=link)
    plain, digest = (mail.get_body(("plain",)).get_content().splitlines() for mail in sent_mails())
    name, url = plain[0], plain[-1]
    assert url.endswith("/t/acme/leads/")
    assert plain[1:] == ["", "One & <two>.", "Three.", "", "Four.", "", "Open it:", url]
    assert digest[:6] == [name, "", "21 are overdue:", "", "- Ticket 1", f"  {url}"]
    assert digest[6:8] == ["- Ticket 2", "- x"]
    assert digest[-5:] == ["", "and 1 more", "", "See all of them:", url]
    html = sent_mails()[0].get_body(("html",)).get_content()
    assert "One &amp; &lt;two&gt;.<br>Three." in html


def test_an_occasion_is_told_once(inside, acme, crowd, rows, sent_mails):
    with inside(acme):
        assert _tell(acme, [crowd.id_of("agent")]) == 1
        assert _tell(acme, [crowd.id_of("agent")], subject="Again") == 0
    with inside(acme):
        assert _tell(acme, [crowd.id_of("agent"), crowd.id_of("viewer")]) == 1, "only who had not been told"
        assert _tell(acme, [crowd.id_of("agent")], key="assigned:13") == 1
    assert [(row[0], row[1]) for row in rows()] == [
        ("agent", "assigned:12"), ("agent", "assigned:13"), ("viewer", "assigned:12"),
    ]  # fmt: skip
    assert len(sent_mails()) == 3


def test_nobody_is_told_of_what_they_did(inside, acme, crowd, rows):
    with inside(acme):
        assert _tell(acme, [acme.user_id]) == 0
    assert rows() == []


def test_who_left_is_told_nothing_and_nobody_harms(inside, acme, crowd, admin, rows):
    admin.execute("update users set disabled_at = now() where id = %s", [crowd.id_of("agent")])
    with inside(acme):
        assert _tell(acme, [crowd.id_of("agent"), NOBODY]) == 0
        assert _tell(acme, []) == 0
    assert rows() == []


def test_another_tenants_person_is_nobody(inside, acme, globex, rows):
    with inside(acme):
        assert _tell(acme, [globex.user_id]) == 0
    assert rows() == []


def test_nothing_is_told_of_what_was_rolled_back(inside, acme, crowd, rows, sent_mails):
    with pytest.raises(RuntimeError), inside(acme):
        _tell(acme, [crowd.id_of("agent")])
        raise RuntimeError
    assert rows() == []
    assert sent_mails() == []


def test_a_notice_without_a_mail(inside, acme, crowd, rows, sent_mails):
    with inside(acme):
        assert _tell(acme, [crowd.id_of("agent")], mail=False) == 1
    assert len(rows()) == 1
    assert sent_mails() == []


def test_long_and_odd_text_is_made_to_fit(inside, acme, crowd, rows, sent_mails):
    with inside(acme):
        _tell(acme, [crowd.id_of("agent")], subject="A\nBcc: x@y.example\x00 " + "x" * 300, body="y" * 9000)
    subject = rows()[0][2]
    assert subject.startswith("A Bcc: x@y.example x")
    assert len(subject) == 200
    assert subject.endswith("…")
    mail = sent_mails()[0]
    assert mail["Bcc"] is None
    assert "<b>" not in mail.get_body(("html",)).get_content()


def test_markup_is_shown_and_not_obeyed(inside, acme, crowd, sent_mails):
    with inside(acme):
        _tell(acme, [crowd.id_of("agent")], subject="<b>bold</b>", body="<script>alert(1)</script>")
    html = sent_mails()[0].get_body(("html",)).get_content()
    assert "<script" not in html
    assert "&lt;b&gt;bold" in html


def test_a_link_to_no_page_fails_where_it_is_made(inside, acme, crowd):
    with inside(acme), pytest.raises(BuildError):
        _tell(acme, [crowd.id_of("agent")], link=("nothing.here", {}))


def test_a_digest_is_one_notice_and_one_mail(inside, acme, crowd, rows, sent_mails):
    agent = crowd.id_of("agent")
    items = [(f"Ticket {number} is overdue", ("people.show", {"user_id": agent})) for number in range(25)]
    with inside(acme):
        for _ in range(2):
            notify_digest(
                acme, agent, kind="sla.breached", items=items, key="sweep:1", subject="25 tickets are overdue"
            )
    ((_, _, subject, _, _, stored, more, _, _),) = rows()
    assert subject == "25 tickets are overdue"
    assert [item["subject"] for item in stored] == [f"Ticket {number} is overdue" for number in range(20)]
    assert more == 5
    (mail,) = sent_mails()
    assert mail["Subject"] == "25 tickets are overdue"
    for kind in ("plain", "html"):
        content = mail.get_body((kind,)).get_content()
        assert "Ticket 19 is overdue" in content
        assert "Ticket 20 is overdue" not in content
        assert "and 5 more" in content


def test_a_digest_of_one_is_that_one(inside, acme, crowd, rows, sent_mails):
    with inside(acme):
        link = ("people.show", {"user_id": crowd.id_of("agent")})
        args = {"kind": "sla.breached", "key": "sweep:2"}
        assert notify_digest(acme, crowd.id_of("agent"), items=[("Ticket 9 is overdue", link)], **args) == 1
        assert notify_digest(acme, crowd.id_of("agent"), items=[], kind="x", key="sweep:3") == 0
    assert [(row[2], row[3], row[5]) for row in rows()] == [("Ticket 9 is overdue", "people.show", [])]
    assert sent_mails()[0]["Subject"] == "Ticket 9 is overdue"


TITLE = "{count} tickets were given to you"


def test_mails_of_one_digest_in_a_transaction_are_one(inside, acme, crowd, rows, sent_mails):
    agent, manager = crowd.id_of("agent"), crowd.id_of("manager")
    with inside(acme):
        for number in range(1_030):
            _tell(acme, [agent], subject=f"Ticket {number} is yours", key=f"given:{number}", digest=TITLE)
        _tell(acme, [manager], subject="Ticket 7 is yours", key="given:7", digest=TITLE)
        _tell(acme, [manager], subject="Ada mentioned you", key="mentioned")
    assert len(rows()) == 1_030 + 2, "in the house each is there"
    mails = sorted((mail["To"].partition("<")[2], mail["Subject"], mail) for mail in sent_mails())
    assert [(to, subject) for to, subject, _ in mails] == [
        ("agent@acme.example>", "1,030 tickets were given to you"),
        ("manager@acme.example>", "Ada mentioned you"),
        ("manager@acme.example>", "Ticket 7 is yours"),
    ]
    text = mails[0][2].get_body(("plain",)).get_content()
    assert "- Ticket 19 is yours" in text
    assert "- Ticket 20 is yours" not in text
    assert "and 1,010 more" in text


def test_a_digest_told_again_sends_nothing(inside, acme, crowd, sent_mails):
    for _ in range(2):
        with inside(acme):
            for number in range(3):
                _tell(acme, [crowd.id_of("agent")], key=f"given:{number}", digest=TITLE)
    assert len(sent_mails()) == 1


def test_a_digest_leaves_out_what_was_taken_back(inside, acme, crowd, sent_mails):
    with inside(acme):
        for number in range(4):
            with contextlib.suppress(ZeroDivisionError), db.session.begin_nested():
                _tell(acme, [crowd.id_of("agent")], subject=f"Ticket {number}", key=f"n:{number}", digest=TITLE)
                if number % 2:
                    raise ZeroDivisionError
    assert sent_mails()[0]["Subject"] == "2 tickets were given to you"


def test_a_digest_that_is_rolled_back_is_forgotten(inside, acme, crowd, sent_mails):
    with contextlib.suppress(ZeroDivisionError), inside(acme):
        _tell(acme, [crowd.id_of("agent")], digest=TITLE)
        raise ZeroDivisionError
    with inside(acme):
        _tell(acme, [crowd.id_of("agent")], key="another", subject="Another")
    assert [mail["Subject"] for mail in sent_mails()] == ["Another"]


def test_mail_is_in_the_readers_language_and_zone(inside, acme, crowd, admin, sent_mails):
    admin.execute("update users set locale = 'de' where id = %s", [crowd.id_of("agent")])
    items = [(f"Ticket {number}", None) for number in range(1_500)]
    with inside(acme):
        notify_digest(acme, crowd.id_of("agent"), items=items, kind="x", key="many")
    assert "1.480 more" in sent_mails()[0].get_body(("plain",)).get_content()
