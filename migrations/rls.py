"""The wall, generated: every tenant table gets the same policy from here, and only from here."""

from __future__ import annotations

import re

from alembic import op

APP = "fairlead_app"
OPERATOR = "fairlead_operator"
POLICY = "tenant"
# In this shape the planner reads the setting once per statement and uses the index on tenant_id (security.md).
# After a transaction the setting is '' and not NULL, hence nullif; with no tenant no row is seen or written.
PREDICATE = "tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)"


def protect(table: str, *, append_only: bool = False) -> None:
    """Row-level security for a table with `tenant_id`, and the app role's rights on it.

    `append_only`: the app may add and read rows, never change or delete them.
    """
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(f"create policy {POLICY} on {table} using ({PREDICATE}) with check ({PREDICATE})")
    rights = "select, insert" if append_only else "select, insert, update, delete"
    op.execute(f"grant {rights} on {table} to {APP}")


def count_by_operator(table: str, *more: str) -> None:
    """The console may count a tenant's rows, tenant by tenant below the policy, and read nothing else of them.

    `more` are further columns it needs, such as what says that a row is deleted.
    """
    op.execute(f"grant select ({', '.join(('tenant_id', 'id', *more))}) on {table} to {OPERATOR}")


def share(table: str, rights: str = "select") -> None:
    """A table without `tenant_id`: all tenants see it. Such tables stand on a list in the house tests."""
    op.execute(f"grant {rights} on {table} to {APP}")


def definer(sql: str, name: str, owner: str = "fairlead_search", *, reads: tuple[str, ...] = ()) -> None:
    """A function that looks below the policies. Its text must filter by `app.tenant_id` itself.

    `sql` is the `create or replace function` statement with `security definer` and no search path; `name` its
    signature, such as `find_leads(text, integer)`; `reads` the tables its owner may select from.

    Raises:
        ValueError: the text does not say `security definer`.
    """
    if not re.search(r"\bsecurity\s+definer\b", sql, re.IGNORECASE):
        raise ValueError(f"{name} does not say security definer.")
    for table in reads:
        op.execute(f"grant select on {table} to {owner}")
    drop_definer(name, owner)
    op.execute(sql)
    op.execute(f"alter function {name} set search_path = pg_catalog, public, pg_temp")
    op.execute(f"revoke all on function {name} from public")
    op.execute(f"grant execute on function {name} to {APP}")
    op.execute(f"alter function {name} owner to {owner}")


def drop_definer(name: str, owner: str = "fairlead_search") -> None:
    """Drops such a function, if it is there. Only its owner can, and the owner of the tables is not that."""
    op.execute(f"set local role {owner}")
    op.execute(f"drop function if exists {name}")
    op.execute("set local role fairlead_owner")
