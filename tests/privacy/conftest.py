from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.core.scope import Scope
from app.leads.definition import LEADS
from tests.support.world import World


@pytest.fixture
def world(acme: Scope, inside: Callable[..., Any]) -> World:
    """acme's leads, and what happened to them."""
    return World(acme, inside, LEADS)
