"""How long a test waits for what other processes do: until the machine, however slow, must have come to it.

Only a test that fails waits this long; what is asserted is that it happens, not when.
"""

from __future__ import annotations

PATIENCE = 120.0
"""Seconds."""
