"""A store that speaks S3 as a real process (s3rver from npm, on the Node of the tests)."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.config import ROOT
from tests.support.oidc_provider import node
from tests.support.waiting import PATIENCE

_START_SECONDS = PATIENCE
_SCRIPT = ROOT / "tests" / "support" / "s3_server.mjs"


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Its bucket's address, with key and secret, as `FILES_S3_URL` has it; objects stand under `folder`."""
    process = subprocess.Popen(
        [str(node()), str(_SCRIPT), str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    limit = threading.Timer(_START_SECONDS, process.kill)
    limit.start()
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        limit.cancel()
        assert address, "the store did not start"
        yield f"{address.replace('://', '://S3RVER:S3RVER@')}/fairlead"
    finally:
        process.kill()
        process.wait(10)
        process.stdin.close()
        process.stdout.close()
