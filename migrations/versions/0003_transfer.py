"""Imports: their files, choices and progress, what they refused and overwrote, and remembered mappings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import rls

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_STATES = "'uploaded', 'checking', 'checked', 'importing', 'imported', 'cancelled', 'failed', 'undoing', 'undone'"
_RUNNING = "state IN ('checking', 'importing', 'undoing')"
_WAITING = "state IN ('uploaded', 'checked')"
_COUNTS = (
    *("next_row", "checked_created", "checked_updated", "checked_skipped", "checked_refused"),
    *("created", "updated", "skipped", "refused", "removed", "restored", "kept"),
)


def upgrade() -> None:
    _imports()
    _problems()
    _changes()
    _mappings()
    # The one look across tenants: which have work whose worker is gone, or uploads nobody came back to.
    rls.definer(
        f"""
        create function tenants_with_lapsed_imports(most integer) returns setof uuid
        language sql stable security definer
        as $$
            select tenant_id from (
                select tenant_id, lease_until as since from public.imports
                where {_RUNNING} and lease_until <= now()
                union all
                select tenant_id, created_at from public.imports
                where {_WAITING} and created_at <= now() - interval '7 days'
            ) as lapsed
            group by tenant_id order by min(since) limit most
        $$
        """,
        "tenants_with_lapsed_imports(integer)",
        reads=("imports",),
    )


def downgrade() -> None:
    op.execute("drop function tenants_with_lapsed_imports(integer)")
    for table in ("import_mappings", "import_changes", "import_problems", "imports"):
        op.drop_table(table)


def _imports() -> None:
    op.create_table(
        "imports",
        *_keys(),
        *(_text(name) for name in ("kind", "filename", "file_key")),
        sa.Column("checksum", sa.Text(collation="C"), nullable=False),
        sa.Column("token", sa.Uuid, nullable=False),
        _text("state"),
        *(_json(name) for name in ("format", "headers", "sample", "sheets", "warnings", "mapping")),
        _text("duplicates"),
        sa.Column("day_first", sa.Boolean, nullable=False),
        sa.Column("owner_id", sa.Uuid),
        _text("tag"),
        _json("asker"),
        sa.Column("created_by", sa.Uuid),
        _text("created_by_name"),
        _whole("run"),
        sa.Column("total_rows", sa.Integer),
        *(_whole(name) for name in _COUNTS),
        sa.Column("undo_after", sa.Uuid),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        _text("message"),
        sa.Column("worker", sa.Uuid),
        _whole("attempts"),
        *(sa.Column(name, sa.DateTime(timezone=True)) for name in ("lease_until", "started_at", "finished_at")),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in ("created_at", "updated_at")),
        _whole("version"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_imports"),
        sa.UniqueConstraint("tenant_id", "token", name="uq_imports_token"),
        sa.ForeignKeyConstraint(["tenant_id", "created_by"], ["users.tenant_id", "users.id"], name="fk_imports_user"),
        sa.CheckConstraint(f"state IN ({_STATES})", name="ck_imports_state"),
        sa.CheckConstraint("duplicates IN ('skip', 'update', 'create')", name="ck_imports_duplicates"),
    )
    op.create_index("ix_imports_kind", "imports", ["tenant_id", "kind", "id"])
    op.create_index("ix_imports_checksum", "imports", ["tenant_id", "kind", "checksum"])
    op.create_index("ix_imports_lease", "imports", ["lease_until"], postgresql_where=sa.text(_RUNNING))
    op.create_index("ix_imports_waiting", "imports", ["created_at"], postgresql_where=sa.text(_WAITING))
    rls.protect("imports")


def _problems() -> None:
    op.create_table(
        "import_problems",
        *_keys(),
        sa.Column("import_id", sa.Uuid, nullable=False),
        _whole("run"),
        _whole("row_number"),
        _text("column_name"),
        _text("message"),
        _json("cells"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_import_problems"),
        sa.UniqueConstraint("tenant_id", "import_id", "run", "row_number", name="uq_import_problems_row"),
        _of_import("import_problems"),
    )
    rls.protect("import_problems")


def _changes() -> None:
    op.create_table(
        "import_changes",
        *_keys(),
        sa.Column("import_id", sa.Uuid, nullable=False),
        sa.Column("record_id", sa.Uuid, nullable=False),
        sa.Column("before", JSONB),
        _whole("version_after"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_import_changes"),
        sa.UniqueConstraint("tenant_id", "import_id", "record_id", name="uq_import_changes_record"),
        _of_import("import_changes"),
    )
    rls.protect("import_changes")


def _mappings() -> None:
    op.create_table(
        "import_mappings",
        *_keys(),
        _text("kind"),
        sa.Column("signature", sa.Text(collation="C"), nullable=False),
        _json("mapping"),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_import_mappings"),
        sa.UniqueConstraint("tenant_id", "kind", "signature", name="uq_import_mappings_signature"),
    )
    rls.protect("import_mappings")


def _of_import(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "import_id"],
        ["imports.tenant_id", "imports.id"],
        name=f"fk_{table}_import",
        ondelete="CASCADE",
    )


def _keys() -> tuple[sa.Column, sa.Column]:
    return sa.Column("tenant_id", sa.Uuid, nullable=False), sa.Column("id", sa.Uuid, nullable=False)


def _text(name: str) -> sa.Column:
    return sa.Column(name, sa.Text, nullable=False)


def _whole(name: str) -> sa.Column:
    return sa.Column(name, sa.Integer, nullable=False)


def _json(name: str) -> sa.Column:
    return sa.Column(name, JSONB, nullable=False)
