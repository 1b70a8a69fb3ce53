"""Pages kept in the cache: what must be fresh in each answer is, and nothing of one session reaches another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.accounts import actions
from app.accounts.actions import RoleFacts
from app.core import kept
from app.core.records.text import fold
from tests.support.clients import PageClient


def token_in(client) -> str:
    return client.get("/leads/").soup.select_one("[name=csrf_token]")["value"]


def test_two_sessions_of_one_person_share_the_page_but_not_the_token(as_role):
    first, second = as_role("agent"), as_role("agent")
    tokens = [token_in(client) for client in (first, second, first, second)]
    assert len({token.partition(".")[0] for token in tokens}) == 2
    assert second.submit("/leads/", {"last_name": "Kept"}).status_code == 303
    assert "Kept" in first.get("/leads/").get_data(as_text=True)


def test_a_toast_is_shown_once(agent):
    agent.get("/leads/")
    agent.submit("/leads/", {"last_name": "Toasted"})
    assert agent.get("/leads/").toasts == ["Toasted was added."]
    assert agent.get("/leads/").toasts == []


def test_a_theme_is_seen_at_once(agent):
    assert agent.get("/leads/").soup.html["data-theme-choice"] == "auto"
    agent.submit("/preferences", {"theme": "dark"})
    assert agent.get("/leads/").soup.html["data-theme-choice"] == "dark"


def test_a_record_that_holds_the_mark_is_not_given_a_token(app, agent):
    with app.app_context():
        mark = kept._mark("csrf_token")
    agent.submit("/leads/", {"last_name": mark})
    for _ in range(2):
        titles = agent.get("/leads/").texts(".cell-title")
        assert [fold(title) for title in titles] == [mark]


def test_each_role_sees_its_own_page(agent, viewer):
    agent.submit("/leads/", {"last_name": "Shared"})
    assert agent.get("/leads/").soup.select("[data-bulk-bar]")
    assert not viewer.get("/leads/").soup.select("[data-bulk-bar]")


def test_a_role_that_changes_is_seen_on_a_page_that_was_kept(
    as_custom_role: Callable[..., PageClient], as_role: Callable[..., PageClient], admin: Any, inside: Any, acme: Any
) -> None:
    """Same person, same name of the role, other permissions and another reach: its buttons follow at once."""
    reader = as_custom_role({"lead:read"}, {"lead": ("all", "none")})
    (role_id,) = admin.execute("select role_id from users where id = %s", (reader.user_id,)).fetchone()

    def hold(*permissions: str, changes: str) -> None:
        with inside(acme):
            version, name = admin.execute("select version, name from roles where id = %s", (role_id,)).fetchone()
            facts = RoleFacts(name, "", permissions, {"lead": {"sees": "all", "changes": changes}})
            actions.update_role(acme, role_id, version, facts)

    def add_buttons() -> int:
        return len(reader.get("/leads/").soup.select("#records a[href='/t/acme/leads/new']"))

    def ticks() -> int:
        return len(reader.get("/leads/").soup.select("#records [name=action]"))

    assert add_buttons() == 0
    hold("lead:read", "lead:create", changes="none")
    assert add_buttons() > 0
    hold("lead:read", changes="none")
    assert add_buttons() == 0
    as_role("owner").submit("/leads/", {"last_name": "Doe"})
    hold("lead:read", "lead:update", changes="none")
    assert ticks() == 0
    hold("lead:read", "lead:update", changes="all")
    assert ticks() > 0
