from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.core.scope import Scope
from app.leads.definition import LEADS
from tests.support.world import World


@pytest.fixture
def world(acme: Scope, inside: Callable[..., Any]) -> World:
    """acme, whose owner does everything."""
    return World(acme, inside, LEADS)


@pytest.fixture
def agents(crowd, inside) -> World:
    """The same, done by the agent: what `agents.notice()` tells, the agent is told."""
    return World(crowd.scope_of(crowd.id_of("agent")), inside, LEADS)
