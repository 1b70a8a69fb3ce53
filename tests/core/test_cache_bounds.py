"""What is asked for decides what is cached, so whoever asks decides how much: it must be bounded."""

from __future__ import annotations

from collections.abc import Callable

import redis
from flask import Flask

from app.core import cache
from tests.support.clients import PageClient


def test_a_key_is_short_however_long_the_address(app_context: Flask, bell: redis.Redis) -> None:
    cache.get_or_make("t", ("kind",), "x" * 100_000 + "\ud800", lambda: 1)
    assert max(len(key) for key in bell.keys("fl:*")) < 200


def test_what_is_not_there_fills_no_redis(client: PageClient, bell: redis.Redis) -> None:
    before = bell.dbsize()
    for number in range(20):
        assert client.get(f"/t/nobody-{number}/sign-in").status_code == 404
    assert bell.dbsize() <= before + 1, "one key for the generations, none for a name that is nobody's"


def test_an_id_is_spelled_in_one_way(client: PageClient, acme: object) -> None:
    spelled = str(acme.tenant_id)  # type: ignore[attr-defined]
    assert client.get("/sign-in", headers={"X-Tenant-ID": spelled}).status_code == 200
    for other in (f"{{{spelled}}}", spelled.replace("-", ""), f"urn:uuid:{spelled}", f"-{spelled}", "-" * 36):
        assert client.get("/sign-in", headers={"X-Tenant-ID": other}).status_code == 404


def test_the_first_level_counts_keys_and_small_values(app_context: Flask) -> None:
    state = app_context.extensions["fairlead.cache"]
    for number in range(100):
        cache.get_or_make("t", ("kind",), str(number), lambda: None)
    assert state.first.currsize >= 100 * 500
    cache.forget_everything()


def test_what_is_wrong_with_one_address_is_not_told_at_another(owner: PageClient) -> None:
    """A link from outside must not leave its words on the list that the person opens next."""
    assert "Call 0900 now" in owner.get("/leads/?rating=Call+0900+now").text
    assert "Call 0900 now" not in owner.get("/leads/").text
    assert "Call 0900 now" in owner.get("/leads/?rating=Call+0900+now").text


def test_a_signed_out_session_is_ended_by_the_dispatcher_too(
    as_role: Callable[..., PageClient], settings: object, run_jobs: Callable[[], int], monkeypatch: object
) -> None:
    """The process that signs out dies before it has told the cache: the event does."""
    client = as_role("agent")
    assert client.get("/leads/").status_code == 200
    cookie = client.get_cookie("fairlead-acme", path="/t/acme")
    assert cookie is not None
    with monkeypatch.context() as patch:  # type: ignore[attr-defined]
        patch.setattr(cache, "bump", lambda tenant_id, kind: None)
        assert client.submit("/sign-out").status_code == 303
    client.set_cookie("fairlead-acme", cookie.value, path="/t/acme")
    assert client.get("/leads/").status_code == 200, "still cached, or this test shows nothing"
    run_jobs()
    client.set_cookie("fairlead-acme", cookie.value, path="/t/acme")
    assert client.get("/leads/").status_code == 303
