"""The measured claims of docs/performance.md, each a command: `python -m benchmarks` runs them all."""

from __future__ import annotations

import os
from pathlib import Path

from app.config import ROOT

STATE = Path(os.environ.get("FAIRLEAD_BENCH_STATE", ROOT / "var" / "bench"))
PASSWORD = "correct horse battery"
