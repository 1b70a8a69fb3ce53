"""Ratings of tickets by their requesters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import rls

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ticket_ratings",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("tenant_id", "id", "ticket_id", "mail_id")),
        _instant("expires_at", nullable=False),
        sa.Column("rating", sa.Text(collation="C")),
        sa.Column("comment", sa.Text, nullable=False),
        _instant("rated_at"),
        _instant("created_at", nullable=False),
        _instant("updated_at", nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_ticket_ratings"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "ticket_id"],
            ["tickets.tenant_id", "tickets.id"],
            name="fk_ticket_ratings_tenant_id_tickets",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint("rating IN ('good', 'bad')", name="ck_ticket_ratings_rating"),
        sa.CheckConstraint("length(comment) <= 2000", name="ck_ticket_ratings_comment_length"),
    )
    op.create_index("ix_ticket_ratings_ticket", "ticket_ratings", ["tenant_id", "ticket_id", "id"])
    rls.protect("ticket_ratings")
    op.create_index(
        "ix_tickets_rated", "tickets", ["tenant_id", "resolved_at"], postgresql_where=sa.text("csat IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_tickets_rated", "tickets")
    op.drop_table("ticket_ratings")


def _instant(name: str, *, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
