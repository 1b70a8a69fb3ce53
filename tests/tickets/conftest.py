from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.core.scope import Scope
from app.tickets.definition import TICKETS
from tests.support.talk import Talk
from tests.support.world import World
from tests.tickets.sla import Desk


@pytest.fixture
def world(acme: Scope, inside: Callable[..., Any]) -> World:
    """acme's tickets."""
    return World(acme, inside, TICKETS)


@pytest.fixture
def globex_world(globex: Scope, inside: Callable[..., Any]) -> World:
    return World(globex, inside, TICKETS)


@pytest.fixture
def desk(acme: Scope, inside: Callable[..., Any]) -> Desk:
    """acme's service levels, at instants the test chooses."""
    return Desk(acme, inside)


@pytest.fixture
def talk(world: World) -> Talk:
    """Conversations on acme's tickets."""
    return Talk(world)
