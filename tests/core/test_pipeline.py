"""The request, in its order: forgeries, headers, errors of the servers behind it."""

import pytest
import redis as redis_client

from app import create_app
from app.core import cache
from tests.conftest import client_of
from tests.support.routes import asks_by_secret, is_api
from tests.support.servers import PASSWORD, with_settings

SIGN_IN = {"email": "agent@acme.example", "password": PASSWORD}
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def unsafe_routes(app, *, api=False):
    for rule in app.url_map.iter_rules():
        if is_api(rule) is not api or asks_by_secret(rule):
            continue
        for method in sorted((rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}):
            values = dict.fromkeys(rule.arguments, "00000000-0000-7000-8000-000000000000")
            with app.test_request_context():
                adapter = app.url_map.bind("localhost")
                try:
                    yield method, adapter.build(rule.endpoint, values, method=method)
                except Exception:
                    yield method, rule.rule


def test_claim_25_every_write_needs_the_token(owner, app):
    routes = list(unsafe_routes(app))
    assert len(routes) >= 3
    for method, path in routes:
        response = owner.open(path, method=method)
        assert response.status_code == 400, f"{method} {path} without token: {response.status_code}"
        assert "Your session has moved on" in response.text


def test_claim_25_cookies_count_for_nothing_under_api(owner, app):
    """So there is nothing to forge: a write needs a token that no browser sends by itself."""
    routes = list(unsafe_routes(app, api=True))
    assert routes
    for method, path in routes:
        response = owner.open(path, method=method, data="not json", content_type="text/plain")
        assert response.status_code in {401, 415}, f"{method} {path} with a cookie: {response.status_code}"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_claim_25_cross_site_writes_are_refused_even_with_the_token(owner, app, site):
    for method, path in unsafe_routes(app):
        response = owner.open(path, method=method, data={"csrf_token": owner.csrf()}, headers={"Sec-Fetch-Site": site})
        assert response.status_code == 403, f"{method} {path} from {site}: {response.status_code}"


def test_claim_25_a_foreign_origin_is_refused(owner):
    response = owner.submit("/preferences", {"theme": "dark"}, headers={"Origin": "https://evil.example"})
    assert response.status_code == 403
    response = owner.submit("/preferences", {"theme": "dark"}, headers={"Origin": "http://localhost"})
    assert response.status_code == 303


def test_a_token_of_another_session_is_refused(as_role):
    token = as_role("agent").csrf()
    response = as_role("owner").post("/preferences", data={"theme": "dark", "csrf_token": token})
    assert response.status_code == 400


def test_claim_28_and_36_headers(client, agent):
    for response in (client.get("/sign-in"), agent.get("/"), client.get("/nowhere"), client.get("/api/health")):
        assert response.headers["Content-Security-Policy"] == CSP
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "same-origin"
        assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Response-Time"].endswith("ms")
        assert len(response.headers["X-Request-ID"]) == 36
        assert {"HX-Request", "HX-Target"} <= set(response.vary.as_set(preserve_casing=True))
        assert "Strict-Transport-Security" not in response.headers
        assert "Server" not in response.headers


def test_secure_installations_say_so(settings):
    app = create_app(with_settings(settings, secure_cookies=True))
    response = client_of(app, "acme").get("/sign-in", base_url="https://localhost/")
    assert response.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert "Secure" in response.headers["Set-Cookie"]


def test_a_request_id_is_taken_over_if_it_is_one(client):
    assert client.get("/sign-in", headers={"X-Request-ID": "abcd-1234-xyz"}).headers["X-Request-ID"] == "abcd-1234-xyz"
    assert client.get("/sign-in", headers={"X-Request-ID": 'x" onload="'}).headers["X-Request-ID"] != 'x" onload="'


def test_static_files_are_cached_for_ever_under_their_hash(client, app):
    page = client.get("/sign-in")
    (url, *_) = [link["href"] for link in page.soup.select("link[rel=stylesheet]") if "/css/" in link["href"]]
    response = client.get(url)
    assert response.status_code == 200
    assert "immutable" in response.headers["Cache-Control"]
    assert "Access-Control-Allow-Origin" not in response.headers
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get("/static/000000000000/css/base.css").status_code == 404
    assert client.get("/static/../app/config.py").status_code == 404


def test_api_errors_are_json(client):
    response = client.get("/api/nothing")
    assert response.status_code == 404
    assert response.mimetype == "application/problem+json"
    assert response.json["status"] == 404


def test_large_bodies_are_413(agent):
    response = agent.post("/preferences", data={"theme": "x" * 3_000_000})
    assert response.status_code == 413


def test_claim_16_without_redis_sign_in_and_pages_work(settings, app):
    away = create_app(with_settings(settings, redis_url="redis://127.0.0.1:1/0", rate_limits=True))
    client = client_of(away, "acme")
    assert client.submit("/sign-in", SIGN_IN).status_code == 303
    assert client.get("/nowhere").status_code == 404
    assert client.submit("/preferences", {"theme": "dark"}).status_code == 303
    health = client.get("/api/health")
    assert health.status_code == 503
    assert health.json["down"] == ["cache", "queue"]
    assert client.submit("/sign-out").status_code == 303


def test_without_the_database_pages_say_so(settings, app):
    broken = with_settings(
        settings, database_url="postgresql://fairlead_app@127.0.0.1:1/none", redis_url=settings.redis_url
    )
    client = client_of(create_app(broken), "acme")
    client.application.testing = False
    response = client.get("/sign-in")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert "127.0.0.1" not in response.text
    health = client.get("/api/health")
    assert health.status_code == 503
    assert health.json["down"] == ["database", "migrations"]
    assert client.get("/api/health/live").status_code == 200


def test_health_is_well(client):
    health = client.get("/api/health")
    assert health.status_code == 200
    assert health.json["down"] == []
    assert set(health.json["checks"]) == {"database", "migrations", "cache", "queue"}


def test_health_notices_a_schema_of_another_release(client, admin):
    (before,) = admin.execute("select version_num from alembic_version").fetchone()
    admin.execute("update alembic_version set version_num = '0000'")
    try:
        client.application.extensions.pop("fairlead.health", None)
        assert client.get("/api/health").json["down"] == ["migrations"]
    finally:
        admin.execute("update alembic_version set version_num = %s", (before,))
        client.application.extensions.pop("fairlead.health", None)


def test_a_slow_statement_is_503_not_500(app, admin, inside, acme):
    """Another transaction holds the row: the app role waits two seconds, then says so."""
    import psycopg

    client = client_of(app, "acme")
    client.sign_in("agent@acme.example", PASSWORD)
    with psycopg.connect(admin.info.dsn) as other:
        other.execute("lock table user_sessions in access exclusive mode")
        response = client.submit("/sign-out")
        other.rollback()
    assert response.status_code == 503
    assert "try again" in response.text.lower()


def test_connections_of_a_restarted_server_are_replaced(app, admin, acme, inside):
    """No ping, no failed request: a closed connection is seen at check-out."""
    from sqlalchemy import text

    from app.extensions import db

    for _ in range(3):
        with inside(acme):
            db.session.execute(text("select 1"))
        admin.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
            "where usename = 'fairlead_app' and datname = current_database()"
        )
        with inside(acme):
            assert db.session.execute(text("select count(*) from users")).scalar() == 5


def test_limits_stop_guessing(settings, app, bell):
    limited = create_app(with_settings(settings, rate_limits=True))
    client = client_of(limited, "acme")
    wrong = {"email": "agent@acme.example", "password": "wrong"}
    statuses = [client.submit("/sign-in", wrong).status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]
    other = {"email": "owner@acme.example", "password": "wrong"}
    assert client.submit("/sign-in", other).status_code == 422, "another person is not locked out"
    assert "Retry-After" in client.submit("/sign-in", wrong).headers


def test_cache_turns_over_in_every_process(settings, app, inside, acme):
    first, second = app, create_app(settings)
    with first.app_context():
        assert cache.get_or_make(acme.tenant_id, ("lead",), "x", lambda: 1) == 1
    with second.app_context():
        assert cache.get_or_make(acme.tenant_id, ("lead",), "x", lambda: 2) == 1
        cache.bump(acme.tenant_id, "lead")
    with first.app_context():
        assert cache.get_or_make(acme.tenant_id, ("lead",), "x", lambda: 3) == 3


def test_a_cached_value_is_json(bell, app, acme):
    """What is in Redis can never become code."""
    with app.app_context():
        cache.get_or_make(acme.tenant_id, ("lead",), "y", lambda: {"a": [1, "b"]})
    values = [bell.get(key) for key in bell.keys("fl:*")]
    assert b'{"a": [1, "b"]}' in values
    assert isinstance(bell, redis_client.Redis)
