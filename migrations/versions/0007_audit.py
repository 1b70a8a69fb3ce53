"""Proof: seals on events, the chain, indexes for reading the log, and alerts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import rls

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_READ_BY = {"actor": "actor_id", "type": "type", "kind": "subject_kind"}


def upgrade() -> None:
    _seals()
    for name, column in _READ_BY.items():
        op.create_index(f"ix_events_{name}", "events", ["tenant_id", column, "id"])
    _chain()
    _alerts()
    # Which tenants have events newer than their chain, and nothing more about them.
    rls.definer(
        """
        create function tenants_with_unchained(most integer) returns setof uuid
        language sql stable security definer
        as $$
            select t.id from public.tenants as t left join public.event_chain_heads as h on h.tenant_id = t.id
            where (
                select id from public.events where tenant_id = t.id order by id desc limit 1
            ) > coalesce(h.newest_event, '00000000-0000-0000-0000-000000000000')
            limit most
        $$
        """,
        "tenants_with_unchained(integer)",
        reads=("tenants", "events", "event_chain_heads"),
    )


def downgrade() -> None:
    rls.drop_definer("tenants_with_unchained(integer)")
    op.drop_table("alerts")
    op.drop_table("event_chain_heads")
    op.drop_table("event_chain")
    for name in _READ_BY:
        op.drop_index(f"ix_events_{name}", "events")
    for column in ("digest", "seal", "seal_key"):
        op.drop_column("events", column)


def _seals() -> None:
    """Rows from before have none, and `flask audit verify` says so."""
    for column, kind, empty in (
        ("digest", sa.LargeBinary, "''::bytea"),
        ("seal", sa.LargeBinary, "''::bytea"),
        ("seal_key", sa.Text, "''"),
    ):
        op.add_column("events", sa.Column(column, kind, nullable=False, server_default=sa.text(empty)))
        op.alter_column("events", column, server_default=None)


def _chain() -> None:
    op.create_table(
        "event_chain",
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("previous", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "position", name="pk_event_chain"),
    )
    op.create_index("uq_event_chain_event", "event_chain", ["tenant_id", "event_id"], unique=True)
    rls.protect("event_chain", append_only=True)
    op.create_table(
        "event_chain_heads",
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("seal", sa.LargeBinary, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("newest_event", sa.Uuid, nullable=False),
        sa.Column("settled_event", sa.Uuid, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_event_chain_heads"),
    )
    rls.protect("event_chain_heads")
    op.execute(f"revoke delete on event_chain_heads from {rls.APP}")


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("person_id", sa.Uuid),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_by", sa.Uuid),
        sa.Column("seen_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_alerts"),
        sa.UniqueConstraint("tenant_id", "key", name="uq_alerts_tenant_id_key"),
    )
    op.create_index("ix_alerts_unseen", "alerts", ["tenant_id", "id"], postgresql_where=sa.text("seen_at IS NULL"))
    rls.protect("alerts")
