"""What people keep for conversations, drafts and canned replies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import rls

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_DUE = "tenants_with_replies_due(integer)"


def upgrade() -> None:
    _drafts()
    _canned_replies()
    rls.definer(
        """
        create function tenants_with_replies_due(most integer) returns setof uuid
        language sql stable security definer
        as $$
            select tenant_id from public.ticket_messages
            where state = 'held' and send_at <= now()
            group by tenant_id limit most
        $$
        """,
        _DUE,
        reads=("ticket_messages",),
    )


def downgrade() -> None:
    rls.drop_definer(_DUE)
    op.drop_table("canned_replies")
    op.drop_table("ticket_drafts")


def _drafts() -> None:
    op.create_table(
        "ticket_drafts",
        *_ids("tenant_id", "id", "ticket_id", "user_id"),
        _key("kind"),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("cc", sa.Text, nullable=False),
        sa.Column("then_status", sa.Text(collation="C")),
        sa.Column("message_id", sa.Uuid),
        *_stamps(),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_ticket_drafts"),
        _owned("ticket_drafts", "ticket_id", "tickets"),
        _owned("ticket_drafts", "user_id", "users"),
        _owned("ticket_drafts", "message_id", "ticket_messages"),
        sa.CheckConstraint("kind IN ('reply', 'note')", name="ck_ticket_drafts_kind"),
    )
    rls.protect("ticket_drafts")
    sent = sa.text("message_id IS NOT NULL")
    op.create_index(
        "uq_ticket_drafts_person",
        "ticket_drafts",
        ["tenant_id", "ticket_id", "user_id"],
        unique=True,
        postgresql_where=sa.text("message_id IS NULL"),
    )
    op.create_index("ix_ticket_drafts_message", "ticket_drafts", ["tenant_id", "message_id"], postgresql_where=sent)
    op.create_index("ix_ticket_drafts_updated_at", "ticket_drafts", ["tenant_id", "updated_at"])


def _canned_replies() -> None:
    op.create_table(
        "canned_replies",
        *_ids("tenant_id", "id"),
        sa.Column("owner_id", sa.Uuid),
        sa.Column("team_id", sa.Uuid),
        _key("visibility"),
        sa.Column("title", sa.Text, nullable=False),
        _key("title_key"),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("uses", sa.Integer, nullable=False),
        *_stamps(),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_canned_replies"),
        _owned("canned_replies", "owner_id", "users"),
        _owned("canned_replies", "team_id", "teams"),
        sa.CheckConstraint("length(title) BETWEEN 1 AND 80", name="ck_canned_replies_title_length"),
        sa.CheckConstraint("length(body) BETWEEN 1 AND 10000", name="ck_canned_replies_body_length"),
        sa.CheckConstraint("visibility IN ('own', 'team', 'all')", name="ck_canned_replies_visibility"),
        sa.CheckConstraint("(visibility = 'team') = (team_id IS NOT NULL)", name="ck_canned_replies_team"),
    )
    rls.protect("canned_replies")
    op.create_index("ix_canned_replies_title_key", "canned_replies", ["tenant_id", "title_key", "id"])


def _ids(*names: str) -> list[sa.Column]:
    return [sa.Column(name, sa.Uuid, nullable=False) for name in names]


def _key(name: str) -> sa.Column:
    return sa.Column(name, sa.Text(collation="C"), nullable=False)


def _stamps() -> list[sa.Column]:
    times = [sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in ("created_at", "updated_at")]
    return [*times, sa.Column("version", sa.Integer, nullable=False)]


def _owned(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{other}.tenant_id", f"{other}.id"],
        name=f"fk_{table}_tenant_id_{column}_{other}",
        ondelete="CASCADE",
    )
