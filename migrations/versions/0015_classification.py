"""Classifiers and what they suggested."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import rls

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_KEY = sa.Text(collation="C")
_BUSY = sa.text("state IN ('waiting', 'training')")


def upgrade() -> None:
    _classifiers()
    _classifications()
    rls.definer(
        """
        create function tenants_with_training_due(most integer) returns setof uuid
        language sql stable security definer
        as $$
            select tenant_id from public.classifiers
            where state in ('waiting', 'training') and lease_until <= now()
            group by tenant_id limit most
        $$
        """,
        "tenants_with_training_due(integer)",
        reads=("classifiers",),
    )


def downgrade() -> None:
    rls.drop_definer("tenants_with_training_due(integer)")
    for table in ("classifications", "classifiers"):
        op.drop_table(table)


def _classifiers() -> None:
    op.create_table(
        "classifiers",
        *_keys(),
        sa.Column("field", _KEY, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("state", _KEY, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("worker", sa.Uuid),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("asked_by", sa.Uuid),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trained_at", sa.DateTime(timezone=True)),
        sa.Column("examples", sa.Integer, nullable=False),
        sa.Column("labels", sa.Integer, nullable=False),
        sa.Column("report", JSONB),
        sa.Column("content", sa.LargeBinary),
        sa.Column("checksum", sa.Text, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_classifiers"),
        sa.UniqueConstraint("tenant_id", "field", "number"),
        sa.CheckConstraint("field IN ('category', 'priority')", name="ck_classifiers_field"),
        sa.CheckConstraint(
            "state IN ('waiting', 'training', 'ready', 'failed', 'not_enough')", name="ck_classifiers_state"
        ),
        sa.CheckConstraint("NOT active OR state = 'ready'", name="ck_classifiers_active_is_ready"),
    )
    # A model is compressed already.
    op.execute("alter table classifiers alter column content set storage external")
    for name, where in (("active", sa.text("active")), ("busy", _BUSY)):
        op.create_index(
            f"uq_classifiers_{name}", "classifiers", ["tenant_id", "field"], unique=True, postgresql_where=where
        )
    op.create_index("ix_classifiers_lease", "classifiers", ["lease_until"], postgresql_where=_BUSY)
    rls.protect("classifiers")


def _classifications() -> None:
    op.create_table(
        "classifications",
        *_keys(),
        sa.Column("ticket_id", sa.Uuid, nullable=False),
        sa.Column("field", _KEY, nullable=False),
        sa.Column("provider", _KEY, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("label", _KEY),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("reasoning", sa.Text, nullable=False),
        sa.Column("abstained", sa.Boolean, nullable=False),
        sa.Column("applied", sa.Boolean, nullable=False),
        sa.Column("outcome", _KEY),
        sa.Column("final_label", _KEY),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("decided_by", sa.Uuid),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_classifications"),
        sa.UniqueConstraint("tenant_id", "ticket_id", "field"),
        sa.ForeignKeyConstraint(["tenant_id", "ticket_id"], ["tickets.tenant_id", "tickets.id"], ondelete="CASCADE"),
        sa.CheckConstraint("field IN ('category', 'priority')", name="ck_classifications_field"),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="ck_classifications_confidence"),
        sa.CheckConstraint("outcome IN ('accepted', 'changed', 'undone')", name="ck_classifications_outcome"),
        sa.CheckConstraint("NOT applied OR NOT abstained", name="ck_classifications_applied_when_sure"),
    )
    rls.protect("classifications")


def _keys() -> tuple[sa.Column, sa.Column]:
    return sa.Column("tenant_id", sa.Uuid, nullable=False), sa.Column("id", sa.Uuid, nullable=False)
