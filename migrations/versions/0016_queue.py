"""Boards and queues: the order a team shares, what is to be worked on next and by whom, what belongs together."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import ranks, rls

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_WORKING = sa.text("(deleted_at IS NULL) AND (status IN ('new', 'open', 'pending', 'on_hold'))")
_WORKING_BY = {"owner": "owner_id", "team": "team_id", "sla": "sla_state"}


def upgrade() -> None:
    ranks.add("leads", "status")
    ranks.begin("tickets", "status", "priority")
    op.create_index("ix_tickets_working_due", "tickets", ["tenant_id", "due_order", "id"], postgresql_where=_WORKING)
    for name, column in _WORKING_BY.items():
        columns = ["tenant_id", column, "due_order", "id"]
        op.create_index(f"ix_tickets_working_{name}", "tickets", columns, postgresql_where=_WORKING)
    _agents()
    _links()
    _merges()


def downgrade() -> None:
    for table in ("ticket_merges", "ticket_links", "ticket_agents"):
        op.drop_table(table)
    for name in _WORKING_BY:
        op.drop_index(f"ix_tickets_working_{name}", "tickets")
    op.drop_index("ix_tickets_working_due", "tickets")
    ranks.end("tickets", "status", "priority")
    ranks.remove("leads", "status")


def _agents() -> None:
    op.create_table(
        "ticket_agents",
        *_keys(),
        sa.Column("available", sa.Boolean),
        sa.Column("capacity", sa.Integer),
        sa.Column("turn", sa.BigInteger, nullable=False),
        *_versioned(),
        sa.ForeignKeyConstraint(["tenant_id", "id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
        sa.CheckConstraint("capacity BETWEEN 1 AND 1000", name="ck_ticket_agents_capacity"),
    )
    rls.protect("ticket_agents")


def _links() -> None:
    op.create_table(
        "ticket_links",
        *_keys(),
        sa.Column("ticket_id", sa.Uuid, nullable=False),
        sa.Column("other_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        *_versioned(),
        *_tickets("ticket_id", "other_id"),
        sa.UniqueConstraint("tenant_id", "ticket_id", "other_id", "kind"),
        sa.CheckConstraint("kind IN ('related', 'duplicate', 'split')", name="ck_ticket_links_kind"),
        sa.CheckConstraint("ticket_id <> other_id", name="ck_ticket_links_two"),
    )
    op.create_index("ix_ticket_links_other", "ticket_links", ["tenant_id", "other_id"])
    rls.protect("ticket_links")


def _merges() -> None:
    op.create_table(
        "ticket_merges",
        *_keys(),
        sa.Column("source_id", sa.Uuid, nullable=False),
        sa.Column("target_id", sa.Uuid, nullable=False),
        sa.Column("by_id", sa.Uuid),
        sa.Column("by_name", sa.Text, nullable=False),
        sa.Column("before", JSONB, nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
        *_versioned(),
        *_tickets("source_id", "target_id"),
    )
    op.create_index("ix_ticket_merges_target", "ticket_merges", ["tenant_id", "target_id"])
    still = sa.text("undone_at IS NULL")
    op.create_index(
        "uq_ticket_merges_source", "ticket_merges", ["tenant_id", "source_id"], unique=True, postgresql_where=still
    )
    rls.protect("ticket_merges")


def _keys() -> list[sa.Column[object]]:
    return [sa.Column(name, sa.Uuid, primary_key=True) for name in ("tenant_id", "id")]


def _versioned() -> list[sa.Column[object]]:
    times = [sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in ("created_at", "updated_at")]
    return [*times, sa.Column("version", sa.Integer, nullable=False)]


def _tickets(*columns: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(["tenant_id", column], ["tickets.tenant_id", "tickets.id"], ondelete="CASCADE")
        for column in columns
    ]
