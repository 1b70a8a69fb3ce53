"""Personal data: requests for a person's data or its erasure, and the one way to blank events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import rls

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_KEEPER = "fairlead_keeper"
_ERASE = "erase_events(uuid, uuid[], uuid[])"


def upgrade() -> None:
    op.create_table(
        "privacy_requests",
        *_keys(),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("address_sealed", sa.Text),
        sa.Column("user_id", sa.Uuid),
        sa.Column("counts", JSONB, nullable=False),
        sa.Column("file_key", sa.Text),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("asked_by", sa.Uuid),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True)) for name in ("lease_until", "finished_at", "expires_at")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_privacy_requests"),
        sa.CheckConstraint("kind in ('export', 'erasure')", name="ck_privacy_requests_kind"),
        sa.CheckConstraint("state in ('waiting', 'running', 'done', 'failed')", name="ck_privacy_requests_state"),
    )
    rls.protect("privacy_requests")
    op.create_table(
        "erasures",
        *_keys(),
        sa.Column("asked_by", sa.Uuid),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_erasures"),
    )
    rls.protect("erasures", append_only=True)
    _erase_events()
    rls.definer(
        """
        create function tenants_with_privacy_due(most integer) returns setof uuid
        language sql stable security definer
        as $$
            select tenant_id from public.privacy_requests
            where (state in ('waiting', 'running') and coalesce(lease_until, created_at) <= now())
               or (file_key is not null and expires_at <= now())
            group by tenant_id limit most
        $$
        """,
        "tenants_with_privacy_due(integer)",
        reads=("privacy_requests",),
    )


def downgrade() -> None:
    rls.drop_definer("tenants_with_privacy_due(integer)")
    rls.drop_definer(_ERASE, _KEEPER)
    op.execute(f"revoke all on events from {_KEEPER}")
    for table in ("erasures", "privacy_requests"):
        op.drop_table(table)


def _erase_events() -> None:
    """The log is append-only but for this: what two columns of an event hold goes, while an erasure runs.

    The function's owner has no other right in the database, and the row policy applies to it like to everybody.
    """
    op.execute(f"grant select (tenant_id, id, type), update (data, actor_name) on events to {_KEEPER}")
    rls.definer(
        """
        create function erase_events(erasure uuid, whole uuid[], names uuid[]) returns integer
        language plpgsql security definer
        as $body$
        declare
            here uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
            done integer;
        begin
            if not exists (
                select from public.erasures as e
                join public.privacy_requests as r on r.tenant_id = e.tenant_id and r.id = e.id
                where e.tenant_id = here and e.id = erasure and r.kind = 'erasure' and r.state = 'running'
            ) then
                raise exception 'no erasure is running' using errcode = 'insufficient_privilege';
            end if;
            update public.events set
                data = case when id = any(whole) then '{"erased": true}'::jsonb else data end,
                actor_name = case when id = any(names) then 'Erased person' else actor_name end
            where tenant_id = here and id = any(whole || names)
              and type not like 'erasure.%' and type not like 'person.%';
            get diagnostics done = row_count;
            return done;
        end
        $body$
        """,
        _ERASE,
        _KEEPER,
        reads=("erasures", "privacy_requests"),
    )
    op.execute(f"grant select (data, actor_name) on events to {_KEEPER}")


def _keys() -> tuple[sa.Column, sa.Column]:
    return sa.Column("tenant_id", sa.Uuid, nullable=False), sa.Column("id", sa.Uuid, nullable=False)
