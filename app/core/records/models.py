"""What every record kind stores, and what people keep about records: notes and saved views."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Computed,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from app.core.db import TenantRow, Versioned
from app.core.records import ranks
from app.extensions import Base

KEY = Text(collation="C")  # binary order: the only text order an index can use below a policy


class Record(TenantRow, Versioned):
    """Mixin of every record kind's table.

    A deleted record keeps its row (`deleted_at`, `deletion_id`) until it is purged, so deletion can be undone.
    `match_key` is what makes two records likely the same; `search` is what they are found by.
    """

    owner_id: Mapped[UUID | None] = mapped_column(Uuid, sort_order=80)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, sort_order=81)
    tag_keys: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, sort_order=82)
    match_key: Mapped[str] = mapped_column(KEY, sort_order=83)
    search_text: Mapped[str] = mapped_column(Text, sort_order=84)
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), sort_order=93)
    deletion_id: Mapped[UUID | None] = mapped_column(Uuid, sort_order=94)
    import_id: Mapped[UUID | None] = mapped_column(Uuid, sort_order=95)
    import_row: Mapped[int | None] = mapped_column(Integer, sort_order=96)

    @declared_attr
    def search(cls) -> Mapped[Any]:
        return mapped_column(
            TSVECTOR,
            Computed("array_to_tsvector(string_to_array(search_text, ' ') || tag_keys)", persisted=True),
            sort_order=97,
            deferred=True,
        )


class Ranked:
    """Mixin of a record that has a place on a board: `board_rank` is its key in the one order the team shares,
    whatever the columns are. New records come first."""

    board_rank: Mapped[str] = mapped_column(KEY, server_default=text(ranks.FRESH), sort_order=98)


def rank_indexes(name: str, *columns: str) -> tuple[Index, ...]:
    """Indexes of a ranked table: the whole order, and that within each value of the fields that make columns."""
    live = text("deleted_at IS NULL")
    return (
        Index(f"ix_{name}_board_rank", "tenant_id", "board_rank", "id", postgresql_where=live),
        *(
            Index(f"ix_{name}_{column}_board", "tenant_id", column, "board_rank", "id", postgresql_where=live)
            for column in columns
        ),
    )


def record_table_args(name: str, *sort_columns: str, filters: tuple[str, ...] = ("owner_id",)) -> tuple[Any, ...]:
    """Keys and indexes of a record kind's table; the sort columns are those its `Sort`s name."""
    live = text("deleted_at IS NULL")
    return (
        ForeignKeyConstraint(["tenant_id", "owner_id"], ["users.tenant_id", "users.id"], name=f"fk_{name}_owner"),
        *(
            Index(f"ix_{name}_{column}", "tenant_id", column, "id", postgresql_where=live)
            for column in (*filters, *sort_columns)
        ),
        Index(f"ix_{name}_match_key", "tenant_id", "match_key"),
        Index(f"ix_{name}_search", "search", postgresql_using="gin"),
        Index(
            f"ix_{name}_import",
            "tenant_id",
            "import_id",
            "id",
            postgresql_where=text("import_id IS NOT NULL"),
        ),
        Index(
            f"ix_{name}_deletion",
            "tenant_id",
            "deletion_id",
            postgresql_where=text("deletion_id IS NOT NULL"),
        ),
    )


class Note(TenantRow, Versioned, Base):
    """Markdown that a person wrote on a record."""

    __tablename__ = "notes"
    __table_args__ = (
        Index("ix_notes_record", "tenant_id", "kind", "record_id", "id"),
        CheckConstraint("length(body) BETWEEN 1 AND 20000", name="body_length"),
    )

    kind: Mapped[str] = mapped_column(Text)
    record_id: Mapped[UUID] = mapped_column(Uuid)
    author_id: Mapped[UUID | None] = mapped_column(Uuid)
    author_name: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)


class SavedView(TenantRow, Versioned, Base):
    """A list's search, filters, sort and columns under a name: one person's, or shared with the tenant."""

    __tablename__ = "saved_views"
    __table_args__ = (
        Index("ix_saved_views_kind", "tenant_id", "kind"),
        CheckConstraint("length(name) BETWEEN 1 AND 60", name="name_length"),
        ForeignKeyConstraint(["tenant_id", "owner_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
    )

    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    owner_id: Mapped[UUID] = mapped_column(Uuid)
    shared: Mapped[bool] = mapped_column(Boolean, default=False)
    pinned: Mapped[bool] = mapped_column(Boolean, default=True)
    query: Mapped[dict[str, Any]] = mapped_column(JSONB)
