"""The page a requester answers on: who holds the link may, nobody signs in, looking changes nothing."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import replace

import pytest

from app.core.clock import new_id, now
from app.privacy.actions import ask_erasure
from app.privacy.running import run_request
from app.tickets.actions import csat


@pytest.fixture
def rated(world):
    """A ticket whose requester was asked, long enough ago that no program opens the links of the mail any more."""
    return world.rating(world.add(subject="My <b>invoice</b>", requester_email="ada@customer.example"))


@pytest.fixture
def path(rated):
    return f"/ratings/links/{rated[1]}"


@pytest.fixture
def number(world, rated):
    return world.row(rated[0])["number"]


@pytest.fixture
def stored(admin):
    """Answer, comment and what the ticket says."""
    query = "select r.rating, r.comment, t.csat from ticket_ratings r join tickets t on t.id = r.ticket_id"
    return lambda: admin.execute(query).fetchone()


@pytest.fixture
def sent_before(admin, sent_mails):
    """`sent_before("3 minutes")`: the mail left then."""

    def run(ago):
        sent_mails()
        admin.execute(f"update outgoing_mails set sent_at = now() - interval '{ago}'")

    return run


def _events(admin):
    rows = admin.execute("select data, actor_name from events where type = 'ticket.rated' order by id").fetchall()
    return [(data["rating"], data["before"], data["commented"], actor) for data, actor in rows]


def test_the_page_shows_two_buttons_and_whose_ticket(client, path, stored, number):
    page = client.get(path)
    assert page.status_code == 200
    assert page.text_of("h1") == "How did we do?"
    assert f"Acme: #{number} My <b>invoice</b>" in page.text_of(".page-lead")
    assert page.texts("button[name=answer]") == ["Good", "Not good"]
    assert page.headers["Referrer-Policy"] == "strict-origin"
    assert stored() == (None, "", None)


@pytest.mark.parametrize("query", ["", "?answer=good", "?answer=bad", "?answer=x", "?answer=good&confirm=1"])
def test_looking_changes_nothing(client, path, stored, admin, query):
    for _ in range(3):
        assert client.get(path + query).status_code == 200
        assert client.open(path + query, method="HEAD").status_code == 200
    assert stored() == (None, "", None)
    assert _events(admin) == []


def test_one_press_answers(client, path, stored, admin, rated):
    version = admin.execute("select version from tickets").fetchone()
    answer = client.submit(path, {"answer": "good"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/t/acme{path}")
    assert stored() == ("good", "", "good")
    page = client.get(path)
    assert page.text_of("h1") == "Thank you"
    assert "You said: Good" in page.text_of("main")
    assert _events(admin) == [("good", None, False, "The requester")]
    assert admin.execute("select version from tickets").fetchone() == version, "no agent's edit became a stale one"


def test_it_can_be_changed_and_commented(client, path, stored, admin):
    client.submit(path, {"answer": "bad"})
    client.submit(path, {"answer": "good"})
    client.submit(path, {"comment": "It was\r\nquick.\x00 "})
    assert stored() == ("good", "It was\nquick.", "good")
    assert "It was" in client.get(path).text_of("textarea")
    client.submit(path, {"answer": "bad"})
    assert stored() == ("bad", "It was\nquick.", "bad"), "the comment stays"
    assert [event[:3] for event in _events(admin)] == [
        ("bad", None, False), ("good", "bad", False), ("good", "good", True), ("bad", "good", True),
    ]  # fmt: skip


def test_the_same_again_is_nothing_new(client, path, admin):
    for _ in range(3):
        client.submit(path, {"answer": "good", "comment": "Fine"})
    assert len(_events(admin)) == 1


def test_a_page_may_answer_by_itself_when_no_program_reads_mail(client, path, stored, sent_before):
    sent_before("3 minutes")
    page = client.get(f"{path}?answer=good")
    assert page.soup.select_one("form[data-behaviour=answer-once] template")
    assert '<input type="hidden" name="answer" value="good"></template>' in page.text
    assert client.submit(path, {"answer": "good", "by_itself": "1"}).headers["Location"].endswith(path)
    assert stored()[0] == "good"
    assert client.get(f"{path}?answer=good").soup.select_one("[data-behaviour=answer-once]") is None, (
        "never in a circle"
    )


@pytest.mark.parametrize("ago", ["0 seconds", "1 minute 50 seconds"])
def test_in_the_first_minutes_a_press_is_needed(client, path, stored, sent_before, ago):
    """Programs open both links of a mail, and run the script of their pages."""
    sent_before(ago)
    answer = client.submit(path, {"answer": "bad", "by_itself": "1"})
    assert stored() == (None, "", None)
    page = client.get(answer.headers["Location"])
    assert page.soup.select_one("[data-behaviour=answer-once]") is None
    assert "Press your answer once more" in page.text_of("main")
    client.submit(path, {"answer": "bad"})
    assert stored()[0] == "bad"


def test_what_never_left_was_opened_by_nobody(client, path, stored):
    client.submit(path, {"answer": "good", "by_itself": "1"})
    assert stored() == (None, "", None)


def test_without_an_answer_there_is_nothing_to_comment(client, path, stored):
    for form in ({}, {"answer": ""}, {"answer": "great"}, {"comment": "Hello"}):
        answer = client.submit(path, form)
        assert answer.status_code == 422
        assert answer.problems == ["Choose one of the two first."]
    assert stored() == (None, "", None)


def test_a_comment_too_long_is_kept_on_the_page(client, path, stored):
    client.submit(path, {"answer": "good"})
    long = "x" * 2_001
    answer = client.submit(path, {"comment": long})
    assert answer.status_code == 422
    assert answer.problems == ["Please use 2,000 characters at most; these are 2,001."]
    assert long in answer.text_of("textarea")
    assert stored()[1] == ""
    client.submit(path, {"comment": "é" * 2_000})
    assert len(stored()[1]) == 2_000


def test_after_thirty_days_it_is_over(client, path, stored, admin):
    admin.execute("update ticket_ratings set expires_at = now()")
    for answer in (client.get(path), client.submit(path, {"answer": "good"})):
        assert answer.status_code == 410
        assert "expired" in answer.text_of("main")
    assert stored() == (None, "", None)


def test_with_its_ticket_it_is_gone(client, path, world, rated, admin):
    world.delete(rated[0])
    assert client.get(path).status_code == 410
    assert client.submit(path, {"answer": "good"}).status_code == 410
    assert _events(admin) == []


def test_an_altered_or_invented_link_is_none(client, path, rated, acme, app):
    token = rated[1]
    with app.app_context():
        unknown = csat.token_of(acme.tenant_id, new_id())
    bad = [token[:-1] + ("A" if token[-1] != "A" else "B"), token[1:], "x", f"{token}x", "." * 50, "%00", "9" * 5000]
    for one in bad:
        answer = client.get(f"/ratings/links/{one}")
        assert answer.status_code == 404, one
    assert "incomplete" in client.get(f"/ratings/links/{bad[0]}").text_of("main")
    assert client.submit(f"/ratings/links/{bad[0]}", {"answer": "good"}).status_code == 404
    assert client.get(f"/ratings/links/{unknown}").status_code == 410


def test_it_means_nothing_to_another_organisation(stranger, path, stored):
    assert stranger.get(path).status_code == 404
    assert stranger.submit(path, {"answer": "good"}).status_code == 404
    assert stored() == (None, "", None)


def test_a_post_needs_the_pages_token(client, path, stored):
    assert client.post(path, data={"answer": "good"}).status_code == 400
    assert stored() == (None, "", None)


def test_the_ticket_shows_it(owner, client, path, rated, world):
    client.submit(path, {"answer": "bad", "comment": "Too <slow>"})
    page = owner.get(f"/tickets/{rated[0]}")
    assert "Not good" in page.text_of("#ratings")
    assert "Too <slow>" in page.text_of("#ratings blockquote")
    listed = owner.get("/tickets/?csat=bad")
    assert str(rated[0]) in listed.text
    assert str(rated[0]) not in owner.get("/tickets/?csat=good").text


def test_the_log_says_it_without_the_comment(owner, client, path, admin):
    client.submit(path, {"answer": "bad", "comment": "secret words"})
    client.submit(path, {"answer": "good"})
    texts = owner.get("/audit/").text_of(".audit-log")
    assert re.search(r"The requester rated it “not good”", texts)
    assert re.search(r"rated it “good”, no longer “not good”", texts)
    assert "secret words" not in str(admin.execute("select data from events").fetchall())


def test_the_link_stands_in_no_log(client, path, capfd, rated):
    client.get(path)
    client.submit(path, {"answer": "good"})
    printed = capfd.readouterr()
    assert rated[1] not in printed.out + printed.err


def test_an_export_holds_it_and_an_erasure_takes_it(owner, client, path, rated, world, acme, inside, admin):
    client.submit(path, {"answer": "good", "comment": "Quick."})
    archive = owner.get(f"/privacy/requests/{world.privacy_request('ada@customer.example')}/data.zip")
    data = json.loads(zipfile.ZipFile(io.BytesIO(archive.get_data())).read("data.json"))
    assert [(row["rating"], row["comment"]) for row in data["tickets-ratings"]] == [("good", "Quick.")]
    with inside(acme):
        asked = ask_erasure(acme, "ada@customer.example", "ada@customer.example")
    with inside(acme):
        run_request(replace(acme, now=now()), asked)
    assert admin.execute("select count(*) from ticket_ratings").fetchone() == (0,)
    assert client.get(path).status_code == 410


class TestWhoHears:
    """The assignee, and who may set up the desk in their teams."""

    @pytest.fixture
    def told(self, admin):
        query = "select split_part(u.email, '@', 1), n.subject, n.body from notices n join users u on u.id = n.user_id"
        return lambda: sorted(admin.execute(query).fetchall())

    @pytest.fixture
    def team(self, crowd, rated, admin):
        """The agent has the ticket; a manager, a viewer and nobody else are in the agent's team."""
        agent, manager, viewer = (crowd.id_of(role) for role in ("agent", "manager", "viewer"))
        crowd.team("Support", [agent, manager, viewer])
        admin.execute("update tickets set owner_id = %s", [agent])

    def test_of_a_bad_one(self, client, path, team, told, sent_mails, number):
        client.submit(path, {"answer": "bad"})
        assert [(who, subject) for who, subject, _ in told()] == [
            ("agent", f"Rated “not good”: #{number} My <b>invoice</b>"),
            ("manager", f"Rated “not good”: #{number} My <b>invoice</b>"),
        ]
        assert len([mail for mail in sent_mails() if "not good" in mail["Subject"]]) == 2

    def test_and_why(self, client, path, team, told, sent_mails):
        client.submit(path, {"answer": "bad"})
        client.submit(path, {"comment": "Nobody called."})
        assert [subject[:20] for who, subject, body in told() if body == "Nobody called."] == [
            "Why it was “not good"
        ] * 2
        assert len([mail for mail in sent_mails() if "not good" in mail["Subject"]]) == 2, "one mail each is enough"

    def test_of_a_good_one_nobody(self, client, path, team, told):
        client.submit(path, {"answer": "good", "comment": "Thanks"})
        assert told() == []

    def test_without_assignee_or_team_nobody(self, client, path, told):
        client.submit(path, {"answer": "bad"})
        assert told() == []
