from __future__ import annotations

from collections.abc import Callable

import pytest

from app.tickets.actions.offline import forget_models
from tests.support.clients import PageClient
from tests.support.world import World
from tests.tickets.classifier.desk import Desk


@pytest.fixture
def desk(world: World) -> Desk:
    forget_models()
    return Desk(world)


@pytest.fixture
def manager(as_role: Callable[..., PageClient]) -> PageClient:
    return as_role("manager")
