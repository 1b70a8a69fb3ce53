"""Tickets, their categories, messages and files; how a tenant's desk is set up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import rls
from migrations.records import create_record_table, drop_record_table

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_KEY = sa.Text(collation="C")
_STATUSES = "'new', 'open', 'pending', 'on_hold', 'resolved', 'closed'"
_KINDS = "'opening', 'customer', 'reply', 'note'"
_STATES = "'held', 'queued', 'sent', 'failed', 'bounced', 'withdrawn', 'received'"


def upgrade() -> None:
    _settings()
    _categories()
    _tickets()
    _messages()
    _files()
    _numbers()


def downgrade() -> None:
    op.execute("drop trigger ticket_numbers on tenants")
    rls.drop_definer("next_ticket_numbers(integer)")
    rls.drop_definer("make_ticket_numbers()")
    op.execute("set local role fairlead_search")
    op.execute(
        "do $$ declare one record; begin for one in select relname from pg_class where relkind = 'S' "
        "and relname like 'ticket_numbers_%' loop execute format('drop sequence %I', one.relname); end loop; end $$"
    )
    op.execute("set local role fairlead_owner")
    op.drop_table("ticket_files")
    op.drop_table("ticket_messages")
    drop_record_table("tickets")
    op.drop_table("ticket_categories")
    op.drop_table("desk_settings")


def _settings() -> None:
    op.create_table("desk_settings", *_keys(), sa.Column("settings", JSONB, nullable=False), *_versioned())
    op.create_index("uq_desk_settings_tenant", "desk_settings", ["tenant_id"], unique=True)
    rls.protect("desk_settings")


def _categories() -> None:
    op.create_table(
        "ticket_categories",
        *_keys(),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_key", _KEY, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("archived", sa.Boolean, nullable=False),
        *_versioned(),
        sa.UniqueConstraint("tenant_id", "name_key"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 60", name="ck_ticket_categories_name_length"),
    )
    rls.protect("ticket_categories")


def _tickets() -> None:
    instants = ("due_at", "first_response_due_at", "next_response_due_at", "resolution_due_at")
    lived = ("first_replied_at", "last_customer_at", "resolved_at", "closed_at")
    create_record_table(
        "tickets",
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("status", _KEY, nullable=False),
        sa.Column("priority", _KEY, nullable=False),
        sa.Column("priority_order", sa.Integer, nullable=False),
        sa.Column("category_id", sa.Uuid),
        sa.Column("requester_name", sa.Text),
        sa.Column("requester_email", sa.Text),
        sa.Column("requester_key", _KEY, nullable=False),
        sa.Column("customer", sa.Text),
        sa.Column("team_id", sa.Uuid),
        sa.Column("channel", _KEY, nullable=False),
        sa.Column("language", sa.Text),
        sa.Column("external_id", sa.Text),
        sa.Column("sla_policy_id", sa.Uuid),
        sa.Column("sla_state", _KEY, nullable=False),
        sa.Column("due_order", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True)) for name in instants),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True)) for name in lived),
        sa.Column("merged_into_id", sa.Uuid),
        sa.Column("follows_id", sa.Uuid),
        sa.Column("board_rank", _KEY, nullable=False),
        sa.Column("csat", _KEY),
        sa.Column("conversation_text", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "category_id"],
            ["ticket_categories.tenant_id", "ticket_categories.id"],
            name="fk_tickets_category",
        ),
        sa.ForeignKeyConstraint(["tenant_id", "team_id"], ["teams.tenant_id", "teams.id"], name="fk_tickets_team"),
        *(
            sa.ForeignKeyConstraint(
                ["tenant_id", column], ["tickets.tenant_id", "tickets.id"], name=f"fk_tickets_{name}"
            )
            for column, name in (("merged_into_id", "merged"), ("follows_id", "follows"))
        ),
        sa.CheckConstraint(f"status IN ({_STATUSES})", name="ck_tickets_status"),
        sa.CheckConstraint("priority IN ('low', 'normal', 'high', 'urgent')", name="ck_tickets_priority"),
        sa.CheckConstraint(
            "channel IN ('web', 'email', 'api', 'phone', 'chat', 'import', 'other')", name="ck_tickets_channel"
        ),
        sa.CheckConstraint(
            "sla_state IN ('none', 'running', 'due_soon', 'breached', 'paused', 'met')", name="ck_tickets_sla_state"
        ),
        sa.CheckConstraint("csat IN ('good', 'bad')", name="ck_tickets_csat"),
        order=(
            *("status", "team_id", "category_id", "sla_state"),
            *("updated_at", "number", "due_order", "priority_order", "board_rank"),
        ),
        words=("search_text", "conversation_text"),
    )
    op.create_index("uq_tickets_number", "tickets", ["tenant_id", "number"], unique=True)
    op.create_index("ix_tickets_requester", "tickets", ["tenant_id", "requester_key", "id"])
    for name in ("merged_into", "follows"):
        op.create_index(
            f"ix_tickets_{name.partition('_')[0]}",
            "tickets",
            ["tenant_id", f"{name}_id"],
            postgresql_where=sa.text(f"{name}_id IS NOT NULL"),
        )


def _messages() -> None:
    op.create_table(
        "ticket_messages",
        *_keys(),
        sa.Column("ticket_id", sa.Uuid, nullable=False),
        sa.Column("kind", _KEY, nullable=False),
        sa.Column("author_id", sa.Uuid),
        sa.Column("author_name", sa.Text, nullable=False),
        sa.Column("author_email", sa.Text),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("body_html", sa.Text),
        sa.Column("quoted_text", sa.Text),
        sa.Column("channel", _KEY, nullable=False),
        sa.Column("recipients", JSONB, nullable=False),
        sa.Column("state", _KEY, nullable=False),
        sa.Column("state_reason", sa.Text),
        sa.Column("send_at", sa.DateTime(timezone=True)),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("message_id", _KEY),
        sa.Column("in_reply_to", _KEY),
        sa.Column("automatic", sa.Boolean, nullable=False),
        sa.Column("key", _KEY),
        *_versioned(),
        sa.ForeignKeyConstraint(["tenant_id", "ticket_id"], ["tickets.tenant_id", "tickets.id"], ondelete="CASCADE"),
        sa.UniqueConstraint("tenant_id", "message_id"),
        sa.UniqueConstraint("tenant_id", "key"),
        sa.CheckConstraint(f"kind IN ({_KINDS})", name="ck_ticket_messages_kind"),
        sa.CheckConstraint(f"state IN ({_STATES})", name="ck_ticket_messages_state"),
    )
    op.create_index("ix_ticket_messages_ticket", "ticket_messages", ["tenant_id", "ticket_id", "id"])
    op.create_index(
        "ix_ticket_messages_due",
        "ticket_messages",
        ["tenant_id", "send_at"],
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_index("ix_ticket_messages_author", "ticket_messages", ["tenant_id", "author_id", "id"])
    rls.protect("ticket_messages")


def _files() -> None:
    op.create_table(
        "ticket_files",
        *_keys(),
        sa.Column("ticket_id", sa.Uuid, nullable=False),
        sa.Column("message_id", sa.Uuid),
        sa.Column("uploaded_by", sa.Uuid),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("name", "type")),
        sa.Column("size", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("checksum", "key")),
        sa.Column("content_id", sa.Text),
        sa.Column("inline", sa.Boolean, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        *_versioned(),
        sa.ForeignKeyConstraint(["tenant_id", "ticket_id"], ["tickets.tenant_id", "tickets.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "message_id"], ["ticket_messages.tenant_id", "ticket_messages.id"], ondelete="CASCADE"
        ),
    )
    op.create_index("ix_ticket_files_ticket", "ticket_files", ["tenant_id", "ticket_id", "id"])
    op.create_index("ix_ticket_files_message", "ticket_files", ["tenant_id", "message_id", "id"])
    rls.protect("ticket_files")


def _numbers() -> None:
    """A sequence a tenant: taking a number waits for nobody, and none is given twice, whatever rolls back.

    Sequences belong to the role of the functions, so that the application can only take the next of its own tenant.
    """
    rls.definer(
        """
        create or replace function make_ticket_numbers() returns trigger language plpgsql security definer as $body$
        begin
          execute format('create sequence if not exists public.%I',
                         'ticket_numbers_' || replace(new.id::text, '-', '_'));
          return new;
        end
        $body$
        """,
        "make_ticket_numbers()",
    )
    # Whoever makes a trigger needs the right to run its function.
    op.execute("set local role fairlead_search")
    op.execute("grant execute on function make_ticket_numbers() to fairlead_owner")
    op.execute("set local role fairlead_owner")
    op.execute(
        "create trigger ticket_numbers after insert on tenants for each row execute function make_ticket_numbers()"
    )
    rls.definer(
        """
        create or replace function next_ticket_numbers(how_many integer) returns setof bigint
        language plpgsql volatile security definer rows 1 as $body$
        begin
          return query execute 'select nextval($1::regclass) from generate_series(1, $2)'
            using 'public.ticket_numbers_' || replace(current_setting('app.tenant_id'), '-', '_'),
                  least(how_many, 100000);
        end
        $body$
        """,
        "next_ticket_numbers(integer)",
    )
    # Tenants that are there already; the role that owns sequences cannot read their table.
    for (tenant,) in op.get_bind().execute(sa.text("select id from tenants")).all():
        op.execute("set local role fairlead_search")
        op.execute(f'create sequence if not exists public."ticket_numbers_{str(tenant).replace("-", "_")}"')
        op.execute("set local role fairlead_owner")


def _keys() -> list[sa.Column]:
    return [sa.Column("tenant_id", sa.Uuid, primary_key=True), sa.Column("id", sa.Uuid, primary_key=True)]


def _versioned() -> list[sa.Column]:
    return [
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    ]
