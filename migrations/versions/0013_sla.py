"""Calendars, policies and clocks of service levels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import rls

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_C = sa.Text(collation="C")
_AT = sa.DateTime(timezone=True)
_DECIDED = "coalesce(breached_at, case when target is not null then met_at end)"


def upgrade() -> None:
    _calendars()
    _policies()
    _clocks()
    _work()
    _definer(
        "tenants_with_sla_due",
        """
        select tenant_id from public.sla_clocks where next_at <= before group by tenant_id
        union select tenant_id from public.sla_alerts limit most
        """,
        ("sla_clocks", "sla_alerts"),
    )
    _definer(
        "tenants_with_sla_changes",
        """
        select tenant_id from public.sla_changes where done_at is null and lease_until <= before
        group by tenant_id limit most
        """,
        ("sla_changes",),
    )


def downgrade() -> None:
    rls.drop_definer("tenants_with_sla_changes(timestamptz, integer)")
    rls.drop_definer("tenants_with_sla_due(timestamptz, integer)")
    for table in (
        "sla_changes",
        "sla_alerts",
        "sla_clocks",
        "sla_history",
        "sla_policy_versions",
        "sla_policies",
        "sla_calendar_versions",
        "sla_calendars",
    ):
        op.drop_table(table)


def _calendars() -> None:
    op.create_table(
        "sla_calendars",
        *_keys("tenant_id", "id"),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_key", _C, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("archived_at", _AT),
        *_versioned(),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_sla_calendars"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_sla_calendars_tenant_id"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 60", name="ck_sla_calendars_name_length"),
    )
    op.create_index(
        "uq_sla_calendars_name",
        "sla_calendars",
        ["tenant_id", "name_key"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    rls.protect("sla_calendars")
    op.create_table(
        "sla_calendar_versions",
        *_keys("tenant_id", "calendar_id"),
        *_version(),
        sa.PrimaryKeyConstraint("tenant_id", "calendar_id", "number", name="pk_sla_calendar_versions"),
        _belongs("sla_calendar_versions", "calendar_id", "sla_calendars"),
    )
    rls.protect("sla_calendar_versions", append_only=True)


def _policies() -> None:
    op.create_table(
        "sla_policies",
        *_keys("tenant_id", "id"),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("is_on", sa.Boolean, nullable=False),
        sa.Column("archived_at", _AT),
        *_versioned(),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_sla_policies"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_sla_policies_tenant_id"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 60", name="ck_sla_policies_name_length"),
    )
    rls.protect("sla_policies")
    op.create_table(
        "sla_policy_versions",
        *_keys("tenant_id", "policy_id", "calendar_id"),
        *_version(),
        sa.PrimaryKeyConstraint("tenant_id", "policy_id", "number", name="pk_sla_policy_versions"),
        _belongs("sla_policy_versions", "policy_id", "sla_policies"),
        _belongs("sla_policy_versions", "calendar_id", "sla_calendars"),
    )
    op.create_index("ix_sla_policy_versions_calendar", "sla_policy_versions", ["tenant_id", "calendar_id"])
    rls.protect("sla_policy_versions", append_only=True)


def _clocks() -> None:
    op.create_table(
        "sla_history",
        *_keys("tenant_id", "ticket_id"),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("what", _C, nullable=False),
        sa.Column("value", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "ticket_id", "seq", name="pk_sla_history"),
        _belongs("sla_history", "ticket_id", "tickets", ondelete="CASCADE"),
    )
    # What happened stays: no clock is put right by changing its history. Rows go with their ticket.
    rls.protect("sla_history", append_only=True)
    op.create_table(
        "sla_clocks",
        *_keys("tenant_id", "ticket_id"),
        sa.Column("name", _C, nullable=False),
        sa.Column("ordinal", sa.SmallInteger, nullable=False),
        sa.Column("policy_id", sa.Uuid),
        sa.Column("target", sa.Integer),
        sa.Column("started_at", _AT, nullable=False),
        sa.Column("due_at", _AT),
        sa.Column("next_at", _AT),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("breached_at", _AT),
        sa.Column("met_at", _AT),
        sa.Column("cancelled_at", _AT),
        sa.Column("used", sa.BigInteger),
        sa.Column("fired", JSONB, nullable=False),
        sa.Column("decided_at", _AT, sa.Computed(_DECIDED, persisted=True)),
        sa.PrimaryKeyConstraint("tenant_id", "ticket_id", "name", "ordinal", name="pk_sla_clocks"),
        _belongs("sla_clocks", "ticket_id", "tickets", ondelete="CASCADE"),
        sa.CheckConstraint("name IN ('first_response', 'next_response', 'resolution')", name="ck_sla_clocks_name"),
    )
    ahead = sa.text("next_at IS NOT NULL")
    op.create_index("ix_sla_clocks_next", "sla_clocks", ["tenant_id", "next_at"], postgresql_where=ahead)
    op.create_index("ix_sla_clocks_due", "sla_clocks", ["next_at", "tenant_id"], postgresql_where=ahead)
    op.create_index("ix_sla_clocks_decided", "sla_clocks", ["tenant_id", "name", "decided_at", "ticket_id"])
    op.create_index("ix_sla_clocks_policy", "sla_clocks", ["tenant_id", "policy_id", "ticket_id"])
    rls.protect("sla_clocks")


def _work() -> None:
    op.create_table(
        "sla_alerts",
        *_keys("tenant_id", "id", "user_id", "ticket_id"),
        sa.Column("name", _C, nullable=False),
        sa.Column("ordinal", sa.SmallInteger, nullable=False),
        sa.Column("what", _C, nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_sla_alerts"),
        _belongs("sla_alerts", "ticket_id", "tickets", ondelete="CASCADE"),
        _belongs("sla_alerts", "user_id", "users", ondelete="CASCADE"),
        sa.UniqueConstraint(
            "tenant_id",
            "user_id",
            "ticket_id",
            "name",
            "ordinal",
            "what",
            name="uq_sla_alerts_tenant_id_user_id_ticket_id_name_ordinal_what",
        ),
    )
    rls.protect("sla_alerts")
    op.create_table(
        "sla_changes",
        *_keys("tenant_id", "id"),
        sa.Column("kind", _C, nullable=False),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("cursor", sa.Uuid),
        sa.Column("author_id", sa.Uuid),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("lease_until", _AT, nullable=False),
        sa.Column("done_at", _AT),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_sla_changes"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_sla_changes_tenant_id"),
        sa.CheckConstraint("kind IN ('policy', 'calendar', 'end')", name="ck_sla_changes_kind"),
    )
    op.create_index("ix_sla_changes_subject", "sla_changes", ["tenant_id", "subject_id", "id"])
    op.create_index(
        "ix_sla_changes_open",
        "sla_changes",
        ["lease_until", "tenant_id"],
        postgresql_where=sa.text("done_at IS NULL"),
    )
    rls.protect("sla_changes")


def _definer(name: str, query: str, reads: tuple[str, ...]) -> None:
    """Ids of tenants with work by `before`, and nothing more about them."""
    rls.definer(
        f"""
        create function {name}(before timestamptz, most integer) returns setof uuid
        language sql stable security definer
        as $$ {query} $$
        """,
        f"{name}(timestamptz, integer)",
        reads=reads,
    )


def _keys(*names: str) -> tuple[sa.Column, ...]:
    return tuple(sa.Column(name, sa.Uuid, nullable=False) for name in names)


def _versioned() -> tuple[sa.Column, ...]:
    return (
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("updated_at", _AT, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )


def _version() -> tuple[sa.Column, ...]:
    return (
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("definition", JSONB, nullable=False),
        sa.Column("author_id", sa.Uuid),
        sa.Column("created_at", _AT, nullable=False),
    )


def _belongs(table: str, column: str, to: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{to}.tenant_id", f"{to}.id"],
        name=f"fk_{table}_tenant_id_{column}",
        ondelete=ondelete,
    )
