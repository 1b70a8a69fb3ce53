"""Mail that comes in: mailboxes, every mail that was received, and what outgoing mail needs for a conversation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import rls

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_KEY = sa.Text(collation="C")
_TIME = sa.DateTime(timezone=True)
_STATES = "'received', 'ticketed', 'threaded', 'ignored', 'bounce', 'held', 'duplicate', 'failed'"


def upgrade() -> None:
    _outgoing()
    _mailboxes()
    _received()
    rls.definer(
        """
        create function tenants_with_mail_in(most integer) returns setof uuid
        language sql stable security definer
        as $$
            select tenant_id from (
                select tenant_id, next_poll_at as since from public.mailboxes
                where active and way = 'imap' and next_poll_at <= now()
                union all
                select tenant_id, next_attempt_at from public.received_mails
                where state = 'received' and next_attempt_at <= now()
            ) as due
            group by tenant_id order by min(since) limit most
        $$
        """,
        "tenants_with_mail_in(integer)",
        reads=("mailboxes", "received_mails"),
    )


def downgrade() -> None:
    rls.drop_definer("tenants_with_mail_in(integer)")
    op.drop_table("received_mails")
    op.drop_table("mailboxes")
    op.drop_column("outgoing_mails", "sender")
    op.drop_column("outgoing_mails", "enclosures")


def _outgoing() -> None:
    op.add_column("outgoing_mails", sa.Column("sender", sa.Text))
    op.add_column("outgoing_mails", sa.Column("enclosures", JSONB, nullable=False, server_default="[]"))


def _mailboxes() -> None:
    op.create_table(
        "mailboxes",
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("address", _KEY, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("from_name", "replies_to")),
        sa.Column("way", _KEY, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("port", sa.Integer, nullable=False),
        sa.Column("tls", _KEY, nullable=False),
        sa.Column("user_name", sa.Text, nullable=False),
        sa.Column("password_sealed", sa.Text),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("folder", "done_folder")),
        sa.Column("token_hash", _KEY, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("team_id", sa.Uuid),
        sa.Column("category_id", sa.Uuid),
        sa.Column("proved_at", _TIME),
        sa.Column("uidvalidity", sa.BigInteger),
        sa.Column("last_uid", sa.BigInteger, nullable=False),
        sa.Column("waiting", JSONB, nullable=False),
        sa.Column("next_poll_at", _TIME, nullable=False),
        sa.Column("last_polled_at", _TIME),
        sa.Column("last_error", sa.Text, nullable=False),
        sa.Column("failing_since", _TIME),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("told_at", _TIME),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_mailboxes"),
        sa.UniqueConstraint("tenant_id", "address", name="uq_mailboxes_tenant_id_address"),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_mailboxes_tenant_id_token_hash"),
        _gone("mailboxes", "team_id", "teams"),
        _gone("mailboxes", "category_id", "ticket_categories"),
        sa.CheckConstraint("way in ('imap', 'http')", name="ck_mailboxes_way"),
        sa.CheckConstraint("tls in ('implicit', 'starttls', 'none')", name="ck_mailboxes_tls"),
    )
    op.create_index(
        "ix_mailboxes_due", "mailboxes", ["next_poll_at"], postgresql_where=sa.text("active AND way = 'imap'")
    )
    rls.protect("mailboxes")


def _received() -> None:
    op.create_table(
        "received_mails",
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("mailbox_id", sa.Uuid),
        *(sa.Column(name, _KEY, nullable=False) for name in ("way", "key", "digest", "fingerprint", "message_id")),
        sa.Column("from_address", _KEY, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("from_name", "subject")),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("raw_key", sa.Text),
        sa.Column("whole", sa.Boolean, nullable=False),
        sa.Column("state", _KEY, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("problems", JSONB, nullable=False),
        sa.Column("blocked_images", sa.Integer, nullable=False),
        sa.Column("stranger", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.Uuid) for name in ("ticket_id", "message_row_id")),
        sa.Column("attempts", sa.Integer, nullable=False),
        *(sa.Column(name, _TIME, nullable=False) for name in ("next_attempt_at", "received_at")),
        sa.Column("done_at", _TIME),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_received_mails"),
        sa.UniqueConstraint("tenant_id", "mailbox_id", "key", name="uq_received_mails_tenant_id_mailbox_id_key"),
        _gone("received_mails", "mailbox_id", "mailboxes"),
        _gone("received_mails", "ticket_id", "tickets"),
        _gone("received_mails", "message_row_id", "ticket_messages"),
        sa.CheckConstraint(f"state in ({_STATES})", name="ck_received_mails_state"),
    )
    _index("fingerprint", "tenant_id", "fingerprint", unique=True, where="state <> 'duplicate'")
    _index("due", "tenant_id", "next_attempt_at", where="state = 'received'")
    _index("state", "tenant_id", "state", "id")
    _index("sender", "tenant_id", "from_address", "id")
    _index("message_id", "tenant_id", "message_id")
    _index("ticket", "tenant_id", "ticket_id")
    _index("message_row", "tenant_id", "message_row_id")
    rls.protect("received_mails")


def _index(name: str, *columns: str, unique: bool = False, where: str = "") -> None:
    condition = sa.text(where) if where else None
    kind = "uq" if unique else "ix"
    op.create_index(
        f"{kind}_received_mails_{name}", "received_mails", list(columns), unique=unique, postgresql_where=condition
    )


def _gone(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    """When the other row goes, ours stays and forgets it."""
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{other}.tenant_id", f"{other}.id"],
        name=f"fk_{table}_tenant_id_{column}",
        ondelete=f"SET NULL ({column})",
    )
