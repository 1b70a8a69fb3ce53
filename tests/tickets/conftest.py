from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.core.scope import Scope
from app.tickets.definition import TICKETS
from tests.support.world import World


@pytest.fixture
def world(acme: Scope, inside: Callable[..., Any]) -> World:
    """acme's tickets."""
    return World(acme, inside, TICKETS)


@pytest.fixture
def globex_world(globex: Scope, inside: Callable[..., Any]) -> World:
    return World(globex, inside, TICKETS)
