"""What is kept of an import: its file and choices, how far it is, what it refused, what it overwrote."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import TenantRow, Versioned
from app.core.transfer.mapping import DUPLICATES, SKIP
from app.extensions import Base

UPLOADED, CHECKING, CHECKED, IMPORTING = "uploaded", "checking", "checked", "importing"
IMPORTED, CANCELLED, FAILED, UNDOING, UNDONE = "imported", "cancelled", "failed", "undoing", "undone"
STATES = (UPLOADED, CHECKING, CHECKED, IMPORTING, IMPORTED, CANCELLED, FAILED, UNDOING, UNDONE)
WAITING = (UPLOADED, CHECKED)
RUNNING = (CHECKING, IMPORTING, UNDOING)
FINISHED = (IMPORTED, CANCELLED, FAILED)


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)


class Import(TenantRow, Versioned, Base):
    """One uploaded file on its way into records of one kind.

    `next_row` is how many data rows are done with: all before it are in, none after. `worker` holds the row
    until `lease_until`; a lapsed lease is taken over. `run` numbers the checks and the import, so that the
    problems of an earlier check are told from those that count. `asker` is who chose the mapping, as far as
    reading cells depends on it.
    """

    __tablename__ = "imports"
    __table_args__ = (
        UniqueConstraint("tenant_id", "token", name="uq_imports_token"),
        ForeignKeyConstraint(["tenant_id", "created_by"], ["users.tenant_id", "users.id"], name="fk_imports_user"),
        CheckConstraint(f"state IN ({_listed(STATES)})", name="state"),
        CheckConstraint(f"duplicates IN ({_listed(DUPLICATES)})", name="duplicates"),
        Index("ix_imports_kind", "tenant_id", "kind", "id"),
        Index("ix_imports_checksum", "tenant_id", "kind", "checksum"),
        Index("ix_imports_lease", "lease_until", postgresql_where=text(f"state IN ({_listed(RUNNING)})")),
        Index("ix_imports_waiting", "created_at", postgresql_where=text(f"state IN ({_listed(WAITING)})")),
    )

    kind: Mapped[str] = mapped_column(Text)
    filename: Mapped[str] = mapped_column(Text)
    file_key: Mapped[str] = mapped_column(Text)
    checksum: Mapped[str] = mapped_column(Text(collation="C"))
    token: Mapped[UUID] = mapped_column(Uuid)
    state: Mapped[str] = mapped_column(Text, default=UPLOADED)
    format: Mapped[dict[str, Any]] = mapped_column(JSONB)
    headers: Mapped[list[str]] = mapped_column(JSONB)
    sample: Mapped[list[list[str]]] = mapped_column(JSONB)
    sheets: Mapped[list[str]] = mapped_column(JSONB)
    warnings: Mapped[list[str]] = mapped_column(JSONB)
    mapping: Mapped[dict[str, str]] = mapped_column(JSONB)
    duplicates: Mapped[str] = mapped_column(Text, default=SKIP)
    day_first: Mapped[bool] = mapped_column(Boolean, default=False)
    owner_id: Mapped[UUID | None] = mapped_column(Uuid)
    tag: Mapped[str] = mapped_column(Text, default="")
    asker: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_by: Mapped[UUID | None] = mapped_column(Uuid)
    created_by_name: Mapped[str] = mapped_column(Text)

    run: Mapped[int] = mapped_column(Integer, default=0)
    total_rows: Mapped[int | None] = mapped_column(Integer)
    next_row: Mapped[int] = mapped_column(Integer, default=0)
    checked_created: Mapped[int] = mapped_column(Integer, default=0)
    checked_updated: Mapped[int] = mapped_column(Integer, default=0)
    checked_skipped: Mapped[int] = mapped_column(Integer, default=0)
    checked_refused: Mapped[int] = mapped_column(Integer, default=0)
    created: Mapped[int] = mapped_column(Integer, default=0)
    updated: Mapped[int] = mapped_column(Integer, default=0)
    skipped: Mapped[int] = mapped_column(Integer, default=0)
    refused: Mapped[int] = mapped_column(Integer, default=0)
    removed: Mapped[int] = mapped_column(Integer, default=0)
    restored: Mapped[int] = mapped_column(Integer, default=0)
    kept: Mapped[int] = mapped_column(Integer, default=0)
    undo_after: Mapped[UUID | None] = mapped_column(Uuid)
    cancel_requested: Mapped[bool] = mapped_column(Boolean, default=False)
    message: Mapped[str] = mapped_column(Text, default="")
    worker: Mapped[UUID | None] = mapped_column(Uuid)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ImportProblem(TenantRow, Base):
    """A row that was refused: why, and all of its cells, so that it can be mended. One a row and run."""

    __tablename__ = "import_problems"
    __table_args__ = (
        UniqueConstraint("tenant_id", "import_id", "run", "row_number", name="uq_import_problems_row"),
        ForeignKeyConstraint(
            ["tenant_id", "import_id"],
            ["imports.tenant_id", "imports.id"],
            name="fk_import_problems_import",
            ondelete="CASCADE",
        ),
    )

    import_id: Mapped[UUID] = mapped_column(Uuid)
    run: Mapped[int] = mapped_column(Integer)
    row_number: Mapped[int] = mapped_column(Integer)
    column_name: Mapped[str] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)
    cells: Mapped[list[str]] = mapped_column(JSONB)


class ImportChange(TenantRow, Base):
    """A record the import wrote to after its creation; `before` is None if the import itself had created it."""

    __tablename__ = "import_changes"
    __table_args__ = (
        UniqueConstraint("tenant_id", "import_id", "record_id", name="uq_import_changes_record"),
        ForeignKeyConstraint(
            ["tenant_id", "import_id"],
            ["imports.tenant_id", "imports.id"],
            name="fk_import_changes_import",
            ondelete="CASCADE",
        ),
    )

    import_id: Mapped[UUID] = mapped_column(Uuid)
    record_id: Mapped[UUID] = mapped_column(Uuid)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    version_after: Mapped[int] = mapped_column(Integer)


class ImportMapping(TenantRow, Base):
    """A remembered mapping: which heading means which field, for files with exactly these headings."""

    __tablename__ = "import_mappings"
    __table_args__ = (UniqueConstraint("tenant_id", "kind", "signature", name="uq_import_mappings_signature"),)

    kind: Mapped[str] = mapped_column(Text)
    signature: Mapped[str] = mapped_column(Text(collation="C"))
    mapping: Mapped[dict[str, str]] = mapped_column(JSONB)
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
