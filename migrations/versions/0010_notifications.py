"""Notices to people, in the house."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import rls

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notices",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("tenant_id", "id", "user_id")),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("endpoint", sa.Text),
        sa.Column("values", JSONB, nullable=False),
        sa.Column("items", JSONB, nullable=False),
        sa.Column("more", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_notices"),
        sa.UniqueConstraint("tenant_id", "user_id", "key", name="uq_notices_tenant_id_user_id_key"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name="fk_notices_tenant_id_user_id_users",
            ondelete="CASCADE",
        ),
    )
    rls.protect("notices")
    op.create_index("ix_notices_person", "notices", ["tenant_id", "user_id", "id"])
    _some("ix_notices_unread", ["user_id", "id"], "read_at IS NULL")
    _some("ix_notices_read", ["read_at"], "read_at IS NOT NULL")


def downgrade() -> None:
    op.drop_table("notices")


def _some(name: str, columns: list[str], where: str) -> None:
    op.create_index(name, "notices", ["tenant_id", *columns], postgresql_where=sa.text(where))
