"""How hard to try: `make fuzz` takes the profile "fuzz"."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
settings.register_profile("fuzz", max_examples=1500, deadline=None, suppress_health_check=_QUIET)
settings.register_profile("default", max_examples=50, deadline=None, suppress_health_check=_QUIET)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
