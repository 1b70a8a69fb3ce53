"""Tenants, users, sessions, and the event log with its outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import rls

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Health asks for the revision as the app role. Alembic makes this table before the first migration.
    rls.share("alembic_version")
    _tenants()
    _users()
    _sessions()
    _events()
    _outbox()


def downgrade() -> None:
    rls.drop_definer("tenants_with_outbox(integer)")
    for table in ("event_deliveries", "outbox", "events", "user_sessions", "users", "tenants"):
        op.drop_table(table)


def _tenants() -> None:
    op.create_table(
        "tenants",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("slug", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("suspended_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("slug", name="uq_tenants_slug"),
        sa.CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name="ck_tenants_slug"),
    )
    # The app reads tenants and never writes them: they are made by a command of the migrator.
    rls.share("tenants", "select")


def _users() -> None:
    op.create_table(
        "users",
        *_keys(),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("email_key", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("disabled_at", sa.DateTime(timezone=True)),
        *_versioned(),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_users"),
        sa.UniqueConstraint("tenant_id", "email_key", name="uq_users_tenant_id_email_key"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_users_tenant_id"),
        sa.CheckConstraint("role in ('owner', 'admin', 'manager', 'agent', 'viewer')", name="ck_users_role"),
    )
    rls.protect("users")


def _sessions() -> None:
    op.create_table(
        "user_sessions",
        *_keys(),
        sa.Column("token_hash", sa.Text(collation="C"), nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ip", sa.Text),
        sa.Column("user_agent", sa.Text),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_user_sessions"),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_user_sessions_tenant_id_token_hash"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name="fk_user_sessions_tenant_id_user_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_user_sessions_user", "user_sessions", ["tenant_id", "user_id"])
    rls.protect("user_sessions")


def _events() -> None:
    op.create_table(
        "events",
        *_keys(),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("subject_kind", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("actor_id", sa.Uuid),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("data", JSONB, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_events"),
    )
    op.create_index("ix_events_subject", "events", ["tenant_id", "subject_id", "id"])
    rls.protect("events", append_only=True)


def _outbox() -> None:
    op.create_table(
        "outbox",
        *_keys(),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_error", sa.Text),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_outbox"),
        sa.ForeignKeyConstraint(["tenant_id", "id"], ["events.tenant_id", "events.id"], name="fk_outbox_tenant_id_id"),
    )
    op.create_index("ix_outbox_lease_until", "outbox", ["lease_until"])
    rls.protect("outbox")
    op.create_table(
        "event_deliveries",
        *_keys(),
        sa.Column("subscriber", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", "subscriber", name="pk_event_deliveries"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "id"], ["events.tenant_id", "events.id"], name="fk_event_deliveries_tenant_id_id"
        ),
    )
    rls.protect("event_deliveries", append_only=True)
    # The one look across tenants: which of them have work waiting, and nothing more about it.
    rls.definer(
        """
        create function tenants_with_outbox(most integer) returns setof uuid
        language sql stable security definer
        as $$
            select tenant_id from public.outbox where lease_until <= now() and attempts < 10
            group by tenant_id order by min(lease_until) limit most
        $$
        """,
        "tenants_with_outbox(integer)",
        reads=("outbox",),
    )


def _keys() -> tuple[sa.Column, sa.Column]:
    return sa.Column("tenant_id", sa.Uuid, nullable=False), sa.Column("id", sa.Uuid, nullable=False)


def _versioned() -> tuple[sa.Column, sa.Column, sa.Column]:
    return (
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
