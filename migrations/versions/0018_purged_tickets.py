"""A ticket others were merged into, or follow, can be removed for good: they lose the pointer, nothing else."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_POINTERS = (("merged", "merged_into_id"), ("follows", "follows_id"))


def upgrade() -> None:
    for name, column in _POINTERS:
        _replace(name, column, ondelete=f"SET NULL ({column})")


def downgrade() -> None:
    for name, column in _POINTERS:
        _replace(name, column, ondelete=None)


def _replace(name: str, column: str, *, ondelete: str | None) -> None:
    op.drop_constraint(f"fk_tickets_{name}", "tickets", type_="foreignkey")
    op.create_foreign_key(
        f"fk_tickets_{name}", "tickets", "tickets", ["tenant_id", column], ["tenant_id", "id"], ondelete=ondelete
    )
