"""Conversations in the running product: `talk_of(site)` makes tickets and messages as acme's owner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app import create_app
from app.accounts import queries
from app.core import db as database
from app.core.clock import now
from app.core.scope import Scope, tenant_context
from app.tickets.definition import TICKETS
from tests.support.site import Site
from tests.support.talk import Talk
from tests.support.world import World


@contextmanager
def talk_of(site: Site, role: str = "owner") -> Iterator[Talk]:
    """Talks in acme, beside the processes of the site."""
    app = create_app(site.servers.settings)

    @contextmanager
    def inside(scope: Scope) -> Iterator[None]:
        with app.app_context(), tenant_context(scope.tenant_id):
            yield
            database.commit()

    with app.app_context():
        tenant: Any = queries.find_tenant("acme")
        with tenant_context(tenant.id):
            user: Any = queries.find_user_by_email(f"{role}@acme.example")
            scope = queries.user_scope(tenant.id, user.id, now())
            database.rollback()
    yield Talk(World(scope, inside, TICKETS))
    with app.app_context():
        database.db.engine.dispose()
