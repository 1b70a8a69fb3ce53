"""What every record kind's table has, for the migration that creates one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR

from migrations import rls

LIVE = sa.text("deleted_at IS NULL")


def create_record_table(
    table: str, *own: sa.schema.SchemaItem, order: tuple[str, ...], words: tuple[str, ...] = ("search_text",)
) -> None:
    """A protected table of records with its indexes and its search function.

    `own` are the kind's columns and checks, `order` the columns its lists sort or filter by, `words` the columns of
    words that its search looks through.
    """
    searched = " || ".join(f"string_to_array({column}, ' ')" for column in words)
    op.create_table(
        table,
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        *own,
        sa.Column("owner_id", sa.Uuid),
        sa.Column("tags", ARRAY(sa.Text), nullable=False),
        sa.Column("tag_keys", ARRAY(sa.Text), nullable=False),
        sa.Column("match_key", sa.Text(collation="C"), nullable=False),
        sa.Column("search_text", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.Column("deletion_id", sa.Uuid),
        sa.Column("import_id", sa.Uuid),
        sa.Column("import_row", sa.Integer),
        sa.Column(
            "search",
            TSVECTOR,
            sa.Computed(f"array_to_tsvector({searched} || tag_keys)", persisted=True),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["tenant_id", "owner_id"], ["users.tenant_id", "users.id"], name=f"fk_{table}_owner"),
    )
    for column in ("owner_id", *order):
        op.create_index(f"ix_{table}_{column}", table, ["tenant_id", column, "id"], postgresql_where=LIVE)
    op.create_index(f"ix_{table}_match_key", table, ["tenant_id", "match_key"])
    op.create_index(f"ix_{table}_search", table, ["search"], postgresql_using="gin")
    for name in ("import", "deletion"):
        columns = ["tenant_id", f"{name}_id", *(["id"] if name == "import" else [])]
        some = sa.text(f"{name}_id IS NOT NULL")
        op.create_index(f"ix_{table}_{name}", table, columns, postgresql_where=some)
    rls.protect(table)
    rls.count_by_operator(table, "deleted_at")
    create_search_function(table)


def create_search_function(table: str) -> None:
    """`search_<table>(terms, before, owners, at_most)`: ids of the newest live matches of this transaction's tenant.

    `owners` are the people whose records count, or null for everybody's: so whoever sees their own only finds all
    of those, however many others match.

    Full-text operators are not leakproof, so below a policy their index would not be used; this function looks
    below it and filters by the same setting itself. Its query is planned for the terms at hand: few matches
    come from the full-text index, many from walking the newest rows.
    """
    rls.definer(
        f"""
        create or replace function search_{table}(terms text, before uuid, owners uuid[], at_most integer)
        returns setof uuid language plpgsql stable security definer rows 100 as $body$
        begin
          if terms is null then return; end if;
          return query execute
            'select id from public.{table} where tenant_id = $1 and deleted_at is null and search @@ $2'
            || case when before is null then '' else ' and id < $3' end
            || case when owners is null then '' else ' and owner_id = any($5)' end
            || ' order by id desc limit $4'
            using nullif(current_setting('app.tenant_id', true), '')::uuid, terms::tsquery, before,
                  least(at_most, 10001), owners;
        end
        $body$
        """,
        f"search_{table}(text, uuid, uuid[], integer)",
        reads=(table,),
    )


def drop_record_table(table: str) -> None:
    rls.drop_definer(f"search_{table}(text, uuid, uuid[], integer)")
    op.drop_table(table)
