"""Organisations at the console: listed with what they use, made once, suspended and resumed everywhere at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask

from app import create_app
from app.config import Settings
from app.core.scope import Scope
from tests.conftest import client_of
from tests.support import mailbox
from tests.support.clients import PageClient
from tests.support.console import ConsoleClient
from tests.support.servers import PASSWORD
from tests.support.world import World, unknown_id

Done = Callable[[], list[tuple[str, str, str]]]
Mails = Callable[[], list[EmailMessage]]
NEW = {
    "name": "Initech",
    "slug": "initech",
    "zone": "Europe/Berlin",
    "locale": "de_DE",
    "region": "DE",
    "currency": "EUR",
    "owner_name": "Ada Byron",
    "owner_email": "ada@initech.example",
}


def form_of(opal: ConsoleClient) -> dict[str, str]:
    page = opal.get("/operator/tenants/new")
    field = page.soup.select_one("[name=tenant_id]")
    assert field is not None
    return NEW | {"tenant_id": str(field["value"])}


def test_the_list_says_what_each_uses(opal: ConsoleClient, world: World) -> None:
    world.add_many([{"last_name": "Doe", "email": f"a{number}@b.example"} for number in range(3)])
    page = opal.get("/operator/tenants")
    rows = page.texts("#tenant_rows tr")
    assert len(rows) == 2
    assert rows[0].startswith("Acme acme Active")
    cells = page.texts("#tenant_rows tr:first-child td")
    assert (cells[3], cells[4]) == ("5", "3")


def test_search_and_status(opal: ConsoleClient, admin: Any) -> None:
    admin.execute("update tenants set suspended_at = now() where slug = 'globex'")

    def names(query: str) -> list[str]:
        return opal.get(f"/operator/tenants?{query}").texts("[data-row-link]")

    assert names("q=ACM") == ["Acme"]
    assert names("status=suspended") == ["Globex"]
    assert names("status=active") == ["Acme"]
    assert names("q=nothing%25") == []
    assert names("q=%00&page=-4&status=odd") == ["Acme", "Globex"]


def test_pages_of_twenty(opal: ConsoleClient, admin: Any) -> None:
    admin.execute(
        "insert into tenants (id, slug, name, zone, locale, region, currency, created_at) select gen_random_uuid(), "
        "'more-' || n, 'More ' || lpad(n::text, 3, '0'), 'UTC', 'en', 'US', 'USD', now() from generate_series(1, 45) n"
    )
    first, last = opal.get("/operator/tenants"), opal.get("/operator/tenants?page=3")
    assert len(first.texts("#tenant_rows tr")) == 20
    assert "1–20 of 47" in first.text
    assert len(last.texts("#tenant_rows tr")) == 7
    assert opal.get("/operator/tenants?page=9").status_code == 200


def test_made_and_joined_by_mail(opal: ConsoleClient, app: Flask, sent_mails: Mails, done: Done, admin: Any) -> None:
    answer = opal.submit("/operator/tenants", form_of(opal))
    assert answer.status_code == 303
    page = opal.get(answer.location)
    assert page.text_of("h1") == "Initech"
    assert "Ada Byron ada@initech.example Invited" in page.text_of("#owners tbody tr")
    (mail,) = sent_mails()
    assert mail["To"] == "Ada Byron <ada@initech.example>"
    (link,) = [one for one in mailbox.links_in(mail) if "/links/" in one or "token" in one or "/l/" in one][:1]
    path = re.sub(r"^https?://[^/]+/t/initech", "", link)
    owner = client_of(app, "initech")
    assert owner.get(path).status_code == 200
    joined = owner.submit(path, {"name": "Ada Byron", "password": "violet engine numbers 1843"})
    assert joined.status_code == 303, joined.problems
    assert owner.get("/settings/organisation").status_code == 200
    assert owner.get("/settings/organisation").soup.select_one("#zone")["value"] == "Europe/Berlin"
    kinds = [row[0] for row in admin.execute("select type from events where actor_id is null order by id")]
    assert kinds[:2] == ["tenant.created", "user.invited"]
    assert ("tenant.created", "Opal", "Initech") in done()
    assert ("owner.invited", "Opal", "Initech") in done()


def test_sent_twice_it_is_made_once(opal: ConsoleClient, admin: Any, sent_mails: Mails, done: Done) -> None:
    form = form_of(opal)
    first, second = (opal.submit("/operator/tenants", form) for _ in range(2))
    assert first.location == second.location
    assert second.status_code == 303
    assert admin.execute("select count(*) from tenants where slug = 'initech'").fetchone() == (1,)
    assert admin.execute("select count(*) from users where email = 'ada@initech.example'").fetchone() == (1,)
    assert len(sent_mails()) == 1
    assert [kind for kind, *_ in done()].count("tenant.created") == 1


@pytest.mark.parametrize(
    ("field", "bad", "sentence"),
    [
        ("slug", "acme", "There is an organisation acme already."),
        ("slug", "operator", "operator is reserved. Choose another short name."),
        ("slug", "www", "www is reserved. Choose another short name."),
        ("slug", "xn--80ak6aa92e", "xn--80ak6aa92e is reserved. Choose another short name."),
        ("slug", "No Such!", "Use small letters, digits and hyphens, up to 63."),
        ("zone", "Mars/Base", "There is no such time zone."),
        ("locale", "xx", "Choose one of the list."),
        ("region", "ZZ", "Choose one of the list."),
        ("currency", "", "Choose one of the list."),
        ("name", " ", "Enter a name."),
        ("owner_email", "nope", "That is not an e-mail address."),
        ("owner_name", "", "Enter a name."),
        ("tenant_id", "1", "Open this page again."),
    ],
)
def test_what_cannot_be_gets_a_sentence_and_loses_nothing(
    opal: ConsoleClient, admin: Any, field: str, bad: str, sentence: str
) -> None:
    answer = opal.submit("/operator/tenants", form_of(opal) | {field: bad})
    assert answer.status_code == 422
    assert any(sentence in problem for problem in answer.problems)
    assert answer.soup.select_one("#owner_name" if field != "owner_name" else "#name")["value"]
    assert admin.execute("select count(*) from tenants").fetchone() == (2,)


def test_an_owner_can_be_invited_again_until_they_came(
    opal: ConsoleClient, app: Flask, admin: Any, sent_mails: Mails, done: Done
) -> None:
    place = opal.submit("/operator/tenants", form_of(opal)).location
    (user,) = admin.execute("select id from users where email = 'ada@initech.example'").fetchone()
    assert opal.submit(f"{place}/owners/{user}/invite").status_code == 303
    assert len(sent_mails()) == 2
    assert done()[-1][0] == "owner.invited_again"
    assert opal.submit(f"{place}/owners/{unknown_id()}/invite").status_code == 404


def test_nobody_but_an_owner_is_invited_again(opal: ConsoleClient, acme: Scope, admin: Any) -> None:
    (viewer,) = admin.execute("select id from users where email = 'viewer@acme.example'").fetchone()
    assert opal.submit(f"/operator/tenants/{acme.tenant_id}/owners/{viewer}/invite").status_code == 404
    assert opal.submit(f"/operator/tenants/{acme.tenant_id}/owners/{acme.user_id}/invite").status_code == 409


def test_an_unknown_one_is_404(opal: ConsoleClient) -> None:
    for path in ("", "/suspend"):
        assert opal.get(f"/operator/tenants/{unknown_id()}{path}").status_code == 404
    assert opal.submit(f"/operator/tenants/{unknown_id()}/suspend", {"reason": "why not"}).status_code == 404
    assert opal.submit(f"/operator/tenants/{unknown_id()}/resume").status_code == 404
    assert opal.get("/operator/tenants/abc").status_code == 404


def test_suspension_is_everywhere_at_once(
    opal: ConsoleClient, app: Flask, settings: Settings, owner: PageClient, acme: Scope, done: Done, admin: Any
) -> None:
    elsewhere = client_of(create_app(settings), "acme")
    assert elsewhere.sign_in("agent@acme.example", PASSWORD).status_code == 303
    for client in (owner, elsewhere):
        assert client.get("/leads/").status_code == 200
    place = f"/operator/tenants/{acme.tenant_id}"
    answer = opal.submit(f"{place}/suspend", {"reason": "The bill was not paid."})
    assert answer.status_code == 303
    for client in (owner, elsewhere):
        page = client.get("/leads/")
        assert page.status_code == 403
        assert "This organisation is suspended" in page.text
        assert client.get("/sign-in").status_code == 403
        api = client.get("/api/leads")
        assert api.status_code == 403
        assert "suspended" in api.text
    refused = owner.fragment("/leads/", target="lead_list")
    assert refused.status_code == 403
    assert "suspended" in refused.text
    assert client_of(app, "globex").get("/sign-in").status_code == 200
    assert "Suspended" in opal.get(place).text_of(".page-lead")
    (kind, actor, data) = admin.execute(
        "select type, actor_name, data from events where subject_kind = 'tenant'"
    ).fetchone()
    assert (kind, actor, data) == ("tenant.suspended", "The operator", {"reason": "The bill was not paid."})
    assert opal.submit(f"{place}/resume").status_code == 303
    for client in (owner, elsewhere):
        assert client.get("/leads/").status_code == 200
    assert [kind for kind, *_ in done()][-2:] == ["tenant.suspended", "tenant.resumed"]


def test_its_owners_are_told_though_it_is_suspended(
    opal: ConsoleClient, acme: Scope, sent_mails: Mails, inside: Any, admin: Any
) -> None:
    from app.gateways.mail import send_mail

    with inside(acme):
        send_mail(acme, to="ada@example.com", template="mail/test", context={"name": "Ada", "at": acme.now})
    opal.submit(f"/operator/tenants/{acme.tenant_id}/suspend", {"reason": "The bill was\nnot paid."})
    (mail,) = sent_mails()
    assert (mail["To"], mail["Subject"]) == ("Olivia Acme <owner@acme.example>", "Acme is suspended")
    assert "The bill was\r\nnot paid." in mailbox.text_of(mail)
    opal.submit(f"/operator/tenants/{acme.tenant_id}/resume")
    later = sent_mails()
    assert {mail["Subject"] for mail in later} >= {"Acme is open again"}


@pytest.mark.parametrize("reason", ["", "  ", "no", "x" * 501])
def test_a_reason_is_needed(opal: ConsoleClient, acme: Scope, reason: str, owner: PageClient) -> None:
    answer = opal.submit(f"/operator/tenants/{acme.tenant_id}/suspend", {"reason": reason})
    assert answer.status_code == 422
    assert owner.get("/leads/").status_code == 200


def test_suspending_twice_is_once(opal: ConsoleClient, acme: Scope, done: Done) -> None:
    for _ in range(2):
        assert (
            opal.submit(f"/operator/tenants/{acme.tenant_id}/suspend", {"reason": "Asked for it."}).status_code == 303
        )
    assert [kind for kind, *_ in done()].count("tenant.suspended") == 1


def test_an_operator_that_dies_before_the_caches_turn_over_is_caught_by_the_dispatcher(
    app: Flask, owner: PageClient, acme: Scope, secret: str
) -> None:
    from app.core import dispatcher
    from app.operator import actions, store
    from app.operator.actions import Actor

    assert owner.get("/leads/").status_code == 200
    with app.app_context():
        with pytest.raises(RuntimeError), store.transaction(acme.tenant_id) as session:
            actions.suspend_tenant(session, Actor(None, "a test"), acme.tenant_id, "Asked for it.")
            session.commit()
            raise RuntimeError("the process died")
        assert owner.get("/leads/").status_code == 200, "still what the cache says"
        dispatcher.dispatch(acme.tenant_id)
    assert owner.get("/leads/").status_code == 403
