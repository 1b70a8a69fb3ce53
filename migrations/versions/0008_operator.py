"""The operators of the installation, who stand outside every tenant (ADR 27)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import rls

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_PEOPLE = "tenant_id, id, name, email, role, invited_at, joined_at, last_sign_in_at, disabled_at"


def upgrade() -> None:
    _people()
    _log()
    _tenants()
    # What usage is made of: numbers and times, and the owners' addresses.
    op.execute(f"grant select ({_PEOPLE}) on users to {rls.OPERATOR}")
    rls.count_by_operator("events", "at")
    # Tables of records made since say so themselves; leads were there before.
    rls.count_by_operator("leads", "deleted_at")
    # What it does to a tenant stands in the tenant's own log too.
    op.execute(f"grant insert on events, outbox to {rls.OPERATOR}")


def downgrade() -> None:
    op.execute(f"revoke all on events, outbox, leads, users, tenants from {rls.OPERATOR}")
    # Columns are granted one by one, and stay when the table's rights are taken.
    op.execute(f"revoke select (tenant_id, id, at) on events from {rls.OPERATOR}")
    op.execute(f"revoke select (tenant_id, id, deleted_at) on leads from {rls.OPERATOR}")
    op.execute(f"revoke select ({_PEOPLE}) on users from {rls.OPERATOR}")
    op.execute(f"revoke update (suspended_at) on tenants from {rls.OPERATOR}")
    op.execute("drop policy operator_changes on tenants")
    op.execute("drop policy operator_adds on tenants")
    for table in ("operator_events", "operator_guards", "operator_sessions", "operators"):
        op.drop_table(table)


def _people() -> None:
    op.create_table(
        "operators",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("email_key", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("secret_sealed", sa.Text, nullable=False),
        sa.Column("last_step", sa.BigInteger, nullable=False),
        sa.Column("enrol_hash", sa.Text(collation="C")),
        sa.Column("enrol_until", _INSTANT),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("joined_at", _INSTANT),
        sa.Column("last_sign_in_at", _INSTANT),
        sa.Column("disabled_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_operators"),
        sa.UniqueConstraint("email_key", name="uq_operators_email_key"),
        sa.UniqueConstraint("enrol_hash", name="uq_operators_enrol_hash"),
    )
    op.create_table(
        "operator_sessions",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("operator_id", sa.Uuid, nullable=False),
        sa.Column("token_hash", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("last_seen_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("ip", sa.Text),
        sa.Column("user_agent", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_operator_sessions"),
        sa.UniqueConstraint("token_hash", name="uq_operator_sessions_token_hash"),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name="fk_operator_sessions_operator_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_operator_sessions_operator_id", "operator_sessions", ["operator_id"])
    op.create_table(
        "operator_guards",
        sa.Column("account_key", sa.Text(collation="C"), nullable=False),
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("rounds", sa.Integer, nullable=False),
        sa.Column("last_failed_at", _INSTANT, nullable=False),
        sa.Column("locked_until", _INSTANT),
        sa.PrimaryKeyConstraint("account_key", "source", name="pk_operator_guards"),
    )
    for table in ("operators", "operator_sessions", "operator_guards"):
        op.execute(f"grant select, insert, update, delete on {table} to {rls.OPERATOR}")
    op.execute(f"revoke delete on operators from {rls.OPERATOR}")


def _log() -> None:
    op.create_table(
        "operator_events",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("operator_id", sa.Uuid),
        sa.Column("operator_name", sa.Text, nullable=False),
        sa.Column("about_id", sa.Uuid),
        sa.Column("about_name", sa.Text, nullable=False),
        sa.Column("ip", sa.Text),
        sa.Column("data", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_operator_events"),
    )
    op.create_index("ix_operator_events_about_id", "operator_events", ["about_id", "id"])
    # Append-only, like every tenant's log.
    op.execute(f"grant select, insert on operator_events to {rls.OPERATOR}")


def _tenants() -> None:
    op.execute(f"create policy operator_adds on tenants for insert to {rls.OPERATOR} with check (true)")
    op.execute(f"create policy operator_changes on tenants for update to {rls.OPERATOR} using (true) with check (true)")
    op.execute(f"grant select, insert, update (suspended_at) on tenants to {rls.OPERATOR}")
