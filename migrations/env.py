"""How Alembic connects: as the migrator, acting as the owner, one at a time."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

from app.config import load_settings
from app.core.db import migrator_engine
from app.extensions import Base

LOCK = 4_153_000_001
settings = context.config.attributes.get("settings") or load_settings()


def run() -> None:
    """Holds a lock of the session for the whole run, so a second deployer waits and then finds nothing to do."""
    engine = migrator_engine(settings)
    try:
        with engine.connect() as connection:
            connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": LOCK})
            connection.execute(text("set role fairlead_owner"))
            connection.execute(text("set lock_timeout = '30s'"))
            connection.commit()
            context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True)
            with context.begin_transaction():
                context.run_migrations()
    finally:
        engine.dispose()


run()
