"""Leads, and what people keep about records: notes and saved views."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import rls
from migrations.records import create_record_table, drop_record_table

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STATUSES = "'new', 'contacted', 'qualified', 'converted', 'nurturing', 'unqualified', 'lost'"
_KEY = sa.Text(collation="C")


def upgrade() -> None:
    _notes()
    _saved_views()
    create_record_table(
        "leads",
        *(sa.Column(name, sa.Text) for name in ("first_name", "last_name", "email", "phone", "company")),
        *(sa.Column(name, sa.Text) for name in ("job_title", "website", "source")),
        sa.Column("status", _KEY, nullable=False),
        sa.Column("rating", sa.Text),
        sa.Column("estimated_value", sa.Numeric(15, 2)),
        sa.Column("currency", sa.Text),
        *(sa.Column(name, sa.Text) for name in ("street", "city", "state", "postal_code", "country")),
        sa.Column("description", sa.Text),
        sa.Column("do_not_contact", sa.Boolean, nullable=False),
        sa.Column("last_contacted_at", sa.DateTime(timezone=True)),
        sa.Column("next_follow_up", sa.Date),
        sa.Column("name_key", _KEY, nullable=False),
        sa.Column("company_key", _KEY, nullable=False),
        sa.Column("value_order", sa.BigInteger, nullable=False),
        sa.Column("follow_up_order", sa.BigInteger, nullable=False),
        sa.CheckConstraint(f"status IN ({_STATUSES})", name="ck_leads_status"),
        sa.CheckConstraint("(estimated_value IS NULL) OR (currency IS NOT NULL)", name="ck_leads_value_has_currency"),
        order=("status", "updated_at", "name_key", "company_key", "value_order", "follow_up_order"),
    )


def downgrade() -> None:
    drop_record_table("leads")
    op.drop_table("saved_views")
    op.drop_table("notes")


def _notes() -> None:
    op.create_table(
        "notes",
        *_keys(),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("record_id", sa.Uuid, nullable=False),
        sa.Column("author_id", sa.Uuid),
        sa.Column("author_name", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        *_versioned(),
        sa.CheckConstraint("length(body) BETWEEN 1 AND 20000", name="ck_notes_body_length"),
    )
    op.create_index("ix_notes_record", "notes", ["tenant_id", "kind", "record_id", "id"])
    rls.protect("notes")


def _saved_views() -> None:
    op.create_table(
        "saved_views",
        *_keys(),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("owner_id", sa.Uuid, nullable=False),
        sa.Column("shared", sa.Boolean, nullable=False),
        sa.Column("pinned", sa.Boolean, nullable=False),
        sa.Column("query", JSONB, nullable=False),
        *_versioned(),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 60", name="ck_saved_views_name_length"),
        sa.ForeignKeyConstraint(["tenant_id", "owner_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
    )
    op.create_index("ix_saved_views_kind", "saved_views", ["tenant_id", "kind"])
    rls.protect("saved_views")


def _keys() -> list[sa.Column]:
    return [sa.Column("tenant_id", sa.Uuid, primary_key=True), sa.Column("id", sa.Uuid, primary_key=True)]


def _versioned() -> list[sa.Column]:
    return [
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    ]
