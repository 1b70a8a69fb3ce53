"""Migrations, run by the deployer as the migrator role; never by the web process."""

from __future__ import annotations

from functools import cache

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from app.config import ROOT, Settings


def config(settings: Settings | None = None) -> Config:
    """Alembic's configuration, without an ini file."""
    made = Config()
    made.set_main_option("script_location", str(ROOT / "migrations"))
    if settings is not None:
        made.attributes["settings"] = settings
    return made


def upgrade(settings: Settings, revision: str = "head") -> None:
    """Brings the schema to `revision`. Two at once wait for each other (an advisory lock in env.py)."""
    command.upgrade(config(settings), revision)


def downgrade(settings: Settings, revision: str) -> None:
    command.downgrade(config(settings), revision)


@cache
def head() -> str:
    """The revision this code was written for.

    Raises:
        RuntimeError: the migrations have branched.
    """
    heads = ScriptDirectory.from_config(config()).get_heads()
    if len(heads) != 1:
        raise RuntimeError(f"Migrations have {len(heads)} heads; they must be one line.")
    return heads[0]
