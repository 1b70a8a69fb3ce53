from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.core.scope import Scope
from app.leads.definition import LEADS
from tests.support import console
from tests.support.console import ConsoleClient
from tests.support.world import World


@pytest.fixture
def secret(app: Flask) -> str:
    """Of Opal's app; she is the only operator."""
    return console.add_operator(app)


@pytest.fixture
def nobody(app: Flask) -> ConsoleClient:
    """At the console, not signed in."""
    return console.console_client(app)


@pytest.fixture
def opal(nobody: ConsoleClient, secret: str) -> ConsoleClient:
    """Signed in at the console."""
    answer = nobody.enter(secret)
    assert answer.status_code == 303, answer.problems
    return nobody


@pytest.fixture
def world(acme: Scope, inside: Callable[..., Any]) -> World:
    return World(acme, inside, LEADS)


@pytest.fixture
def done(admin: Any) -> Callable[[], list[tuple[str, str, str]]]:
    """What the operators' log says: type, who, about whom; oldest first."""
    query = "select type, operator_name, about_name from operator_events order by id"
    return lambda: [tuple(row) for row in admin.execute(query)]
