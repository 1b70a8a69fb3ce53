from __future__ import annotations

import pytest

from app.tickets.actions.offline import forget_models
from tests.support.world import World
from tests.tickets.classifier.desk import Desk


@pytest.fixture
def desk(world: World) -> Desk:
    forget_models()
    return Desk(world)
