"""Imports at work: dry run, import and undo, chunk by chunk, so that a kill at any point costs one chunk.

Each chunk is one transaction: it locks the import, makes sure that it is still ours and stands where we
think, writes the records, says how far it came and prolongs the lease. Whoever takes over after a crash begins
at `next_row`: all rows before it are in, none after, so nothing is lost or doubled. Like the dispatcher, this
commits; nothing else may be open in the session.
"""

from __future__ import annotations

from app.core.transfer.running.ending import announce, discard_file
from app.core.transfer.running.lease import CHUNK, LEASE, MOST_ATTEMPTS, LeaseLost, Work
from app.core.transfer.running.loop import log, run_import

__all__ = [
    "CHUNK",
    "LEASE",
    "MOST_ATTEMPTS",
    "LeaseLost",
    "Work",
    "announce",
    "discard_file",
    "log",
    "run_import",
]
