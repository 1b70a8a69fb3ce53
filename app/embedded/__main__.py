"""`python -m app.embedded start|stop|status`: the embedded servers by hand."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from app.embedded import EmbeddedServerError, Servers, ensure_servers, find_servers, stop_servers


def main() -> int:
    """Do what the command line says; 0 when done, 1 when not, 3 when `status` finds nothing."""
    parser = argparse.ArgumentParser(prog="python -m app.embedded", description=__doc__)
    parser.add_argument("command", choices=("start", "stop", "status"))
    parser.add_argument("--state", type=Path, help="state directory (FAIRLEAD_STATE, else var/)")
    parser.add_argument("--fast", action="store_true", help="start without waiting for the disk, for tests")
    chosen = parser.parse_args()
    default = Path(__file__).resolve().parents[2] / "var"
    state_dir = chosen.state or Path(os.environ.get("FAIRLEAD_STATE", default))
    try:
        if chosen.command == "stop":
            stop_servers(state_dir)
            return 0
        if chosen.command == "start":
            version = int(os.environ.get("FAIRLEAD_PG", "18"))
            _show(ensure_servers(state_dir, pg_version=version, fast=chosen.fast))
            return 0
        servers = find_servers(state_dir)
    except EmbeddedServerError as error:
        print(error, file=sys.stderr)
        return 1
    if servers is None:
        print(f"Not running (state in {state_dir}).")
        return 3
    _show(servers)
    return 0


def _show(servers: Servers) -> None:
    print(f"PostgreSQL {servers.pg_version}")
    for name in ("app_url", "operator_url", "migrator_url", "admin_url", "redis_url"):
        print(f"  {name:13} {getattr(servers, name)}")


if __name__ == "__main__":
    sys.exit(main())
