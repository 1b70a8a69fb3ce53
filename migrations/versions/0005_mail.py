"""Outgoing mail, and the one look across tenants at whose is due."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import rls

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outgoing_mails",
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("to_name", "to_address", "subject", "template")),
        sa.Column("body_sealed", sa.Text),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("status", sa.Text(collation="C"), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_error", sa.Text),
        sa.Column("key", sa.Text(collation="C")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True)) for name in ("sent_at", "erase_at")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_outgoing_mails"),
        sa.UniqueConstraint("tenant_id", "key", name="uq_outgoing_mails_tenant_id_key"),
        sa.CheckConstraint("status in ('queued', 'sent', 'failed', 'given_up')", name="ck_outgoing_mails_status"),
    )
    op.create_index(
        "ix_outgoing_mails_due",
        "outgoing_mails",
        ["tenant_id", "next_attempt_at"],
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_index(
        "ix_outgoing_mails_erase", "outgoing_mails", ["erase_at"], postgresql_where=sa.text("erase_at IS NOT NULL")
    )
    op.create_index("ix_outgoing_mails_created_at", "outgoing_mails", ["tenant_id", "created_at"])
    rls.protect("outgoing_mails")
    rls.definer(
        """
        create function tenants_with_mail_due(most integer) returns setof uuid
        language sql stable security definer
        as $$
            select tenant_id from (
                select tenant_id, next_attempt_at as since from public.outgoing_mails
                where status = 'queued' and next_attempt_at <= now()
                union all
                select tenant_id, erase_at from public.outgoing_mails where erase_at <= now()
            ) as due
            group by tenant_id order by min(since) limit most
        $$
        """,
        "tenants_with_mail_due(integer)",
        reads=("outgoing_mails",),
    )


def downgrade() -> None:
    rls.drop_definer("tenants_with_mail_due(integer)")
    op.drop_table("outgoing_mails")
