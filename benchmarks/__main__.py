"""All benchmarks, one after the other; each is also a command of its own."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

MODULES = ("data", "floor", "statements", "tickets", "workers", "transfer", "classifier", "live", "sla")


def main() -> int:
    failed = 0
    for name in MODULES:
        if find_spec(f"benchmarks.{name}") is None:
            continue
        print(f"\n## python -m benchmarks.{name}\n", flush=True)
        failed |= subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
