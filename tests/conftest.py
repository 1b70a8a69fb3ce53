"""What every test may ask for: the application on real servers, clients per role, the two tenants.

`as_role("agent")` is a signed-in client of acme, `as_role("agent", "globex")` one of globex. Each test begins
with the two tenants and one person per role (`owner@acme.example` …), and nothing else. `as_custom_role(…)` is
someone of acme with a role of its own.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage
from functools import lru_cache
from typing import Any
from uuid import UUID

import psycopg
import pytest
import redis
from flask import Flask, g
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from app import create_app
from app.accounts import queries
from app.config import Settings
from app.core import cache
from app.core import db as database
from app.core.queue import QUEUES
from app.core.scope import Scope, tenant_context
from app.extensions import db
from tests.support import mailbox, servers
from tests.support.clients import PageClient, PageResponse
from tests.support.oidc_provider import OidcProvider
from tests.support.people import Crowd
from tests.support.programs import personal_token
from tests.support.servers import TestServers


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Journeys first: they are the longest, and a run should not end with one worker waiting for a browser.

    Workers begin with a stretch each, so one of them walks most journeys, with one product and one browser.
    """
    items.sort(key=lambda item: "journeys" not in item.path.parts)


@pytest.fixture(scope="session")
def test_servers() -> Iterator[TestServers]:
    """This worker's database and Redis."""
    provided = servers.provide(os.environ.get("PYTEST_XDIST_WORKER", "alone"))
    yield provided
    servers.drop(provided)


@pytest.fixture(scope="session")
def settings(test_servers: TestServers) -> Settings:
    return test_servers.settings


@pytest.fixture(scope="session")
def whole_app(settings: Settings) -> Iterator[Flask]:
    """The application, made once per worker."""
    made = create_app(settings)
    made.test_client_class = PageClient
    # What is here by now stays: the collector, which pages as trees keep busy, need not walk it every time.
    gc.collect()
    gc.freeze()
    yield made
    with made.app_context():
        db.engine.dispose()


@pytest.fixture(scope="session")
def admin(test_servers: TestServers) -> Iterator[psycopg.Connection[Any]]:
    """The superuser in this worker's database: for looking behind the policies, and for cleaning up."""
    with psycopg.connect(database.libpq_url(test_servers.admin_url), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def bell(settings: Settings) -> redis.Redis:
    """This worker's Redis."""
    return redis.Redis.from_url(settings.redis_url)


@pytest.fixture
def app(whole_app: Flask, admin: psycopg.Connection[Any], bell: redis.Redis) -> Iterator[Flask]:
    """The application, with the database and Redis put back to how every test begins."""
    servers.reset(admin)
    bell.flushdb()
    with whole_app.app_context():
        cache.forget_everything()
    return whole_app


@pytest.fixture
def app_context(app: Flask) -> Iterator[Flask]:
    """For tests that call queries and actions themselves: `with tenant_context(acme.tenant_id)` as well."""
    with app.app_context():
        yield app
        database.rollback()


@pytest.fixture
def client(app: Flask) -> PageClient:
    """Nobody is signed in; at acme's address."""
    return client_of(app, "acme")


@pytest.fixture
def as_role(app: Flask, inside: Callable[..., Any], scope_in: Callable[..., Scope]) -> Callable[..., PageClient]:
    """`as_role("viewer")`, `as_role("owner", "globex")`: a client that is signed in."""

    def make(role: str, tenant: str = "acme") -> PageClient:
        made = client_of(app, tenant)
        made.come_in(f"{role}@{tenant}.example")
        made.program = lru_cache(maxsize=1)(lambda: personal_token(inside, scope_in(tenant, role)))
        return made

    return make


@pytest.fixture
def crowd(acme: Scope, inside: Callable[..., Any]) -> Crowd:
    """acme's people, and how to make more of them with roles and teams of its own."""
    return Crowd(acme, inside)


@pytest.fixture
def as_custom_role(app: Flask, crowd: Crowd, inside: Callable[..., Any]) -> Callable[..., PageClient]:
    """`as_custom_role({"lead:read"}, {"lead": ("own", "none")}, teams={"North": ["agent"]})`: a signed-in client.

    `reach` maps a kind to what it sees and what it changes. `teams` are names of teams the person is in, or a
    mapping of them to the built-in roles whose people are in it too. `client.user_id` is the person.
    """

    def make(
        permissions: Iterable[str],
        reach: Mapping[str, tuple[str, str]],
        teams: Iterable[str] | Mapping[str, Iterable[str]] = (),
    ) -> PageClient:
        user_id, email = crowd.person(crowd.role(permissions, reach))
        for name in teams:
            others = teams[name] if isinstance(teams, Mapping) else ()
            crowd.team(name, [user_id, *(crowd.id_of(role) for role in others)])
        made = client_of(app, "acme")
        made.user_id = user_id
        made.come_in(email)
        made.program = lru_cache(maxsize=1)(lambda: personal_token(inside, crowd.scope_of(user_id)))
        return made

    return make


@pytest.fixture
def owner(as_role: Callable[..., PageClient]) -> PageClient:
    return as_role("owner")


@pytest.fixture
def agent(as_role: Callable[..., PageClient]) -> PageClient:
    return as_role("agent")


@pytest.fixture
def viewer(as_role: Callable[..., PageClient]) -> PageClient:
    return as_role("viewer")


@pytest.fixture
def stranger(as_role: Callable[..., PageClient]) -> PageClient:
    """The owner of the other tenant."""
    return as_role("owner", "globex")


@pytest.fixture
def scope_in(app: Flask) -> Callable[..., Scope]:
    """`scope_in("acme", "agent")`: the scope of a person, for calling actions and queries."""

    def make(tenant: str = "acme", role: str = "owner") -> Scope:
        with app.app_context():
            info = queries.find_tenant(tenant)
            assert info is not None
            with tenant_context(info.id):
                user = queries.find_user_by_email(f"{role}@{tenant}.example")
                assert user is not None
                scope = queries.user_scope(info.id, user.id, database_now())
                database.rollback()
        return scope

    return make


@pytest.fixture
def acme(scope_in: Callable[..., Scope]) -> Scope:
    """acme's owner."""
    return scope_in("acme")


@pytest.fixture
def globex(scope_in: Callable[..., Scope]) -> Scope:
    return scope_in("globex")


@pytest.fixture
def inside(app: Flask) -> Callable[[Scope | UUID], Any]:
    """`with inside(acme): …` — application context, tenant, and a commit at the end."""

    @contextmanager
    def enter(who: Scope | UUID) -> Iterator[None]:
        tenant_id = who if isinstance(who, UUID) else who.tenant_id
        with app.app_context(), tenant_context(tenant_id):
            try:
                yield
                database.commit()
            except BaseException:
                database.rollback()
                raise

    return enter


@pytest.fixture
def run_jobs(app: Flask, bell: redis.Redis) -> Callable[[], int]:
    """Runs what waits on the queues, here and now; returns how many jobs there were. Failures are raised."""

    def run() -> int:
        with app.app_context():
            queues = [Queue(name, connection=bell, serializer=JSONSerializer) for name in QUEUES]
            count = sum(len(queue) for queue in queues)
            worker = SimpleWorker(queues, connection=bell, serializer=JSONSerializer)
            worker.work(burst=True, logging_level="ERROR")
            failed = [job for queue in queues for job in queue.failed_job_registry.get_job_ids()]
            assert not failed, f"jobs failed: {failed}"
        return count

    return run


@pytest.fixture
def sent_mails(app: Flask, settings: Settings, run_jobs: Callable[[], int]) -> Callable[[], list[EmailMessage]]:
    """`sent_mails()` runs what waits and returns all mail that left in this test, oldest first."""
    mailbox.clear(settings.mail_dir)

    def read() -> list[EmailMessage]:
        run_jobs()
        return mailbox.read(settings.mail_dir)

    return read


@pytest.fixture(scope="session")
def running_oidc_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcProvider]:
    provider = OidcProvider(tmp_path_factory.mktemp("oidc") / "provider.log")
    yield provider
    provider.stop()


@pytest.fixture
def oidc_provider(running_oidc_provider: OidcProvider) -> OidcProvider:
    """A real OpenID Connect provider with a few people: tests/support/oidc_provider.py says how to use it."""
    if not running_oidc_provider.is_running:
        running_oidc_provider.start()
    running_oidc_provider.reset()
    return running_oidc_provider


@pytest.fixture
def count_queries(app: Flask) -> Iterator[Callable[[PageResponse], int]]:
    """How many statements the last request sent: `count_queries(client.get("/leads"))`."""
    counted: list[int] = []

    def remember(error: BaseException | None) -> None:
        counted.append(g.get("queries", 0))

    app.teardown_request_funcs.setdefault(None, []).insert(0, remember)
    yield lambda response: counted[-1]
    app.teardown_request_funcs[None].remove(remember)


def client_of(app: Flask, tenant: str) -> PageClient:
    made = PageClient(app, PageResponse, use_cookies=True)
    made.root = f"/t/{tenant}"
    return made


def database_now() -> Any:
    from app.core.clock import now

    return now()
