"""Boards and queues: the order a team shares, and what is to be worked on next."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ranks

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_WORKING = sa.text("(deleted_at IS NULL) AND (status IN ('new', 'open', 'pending', 'on_hold'))")


def upgrade() -> None:
    ranks.add("leads", "status")
    ranks.begin("tickets", "status", "priority")
    op.create_index("ix_tickets_working_due", "tickets", ["tenant_id", "due_order", "id"], postgresql_where=_WORKING)
    owners = ["tenant_id", "owner_id", "due_order", "id"]
    op.create_index("ix_tickets_working_owner", "tickets", owners, postgresql_where=_WORKING)


def downgrade() -> None:
    op.drop_index("ix_tickets_working_owner", "tickets")
    op.drop_index("ix_tickets_working_due", "tickets")
    ranks.end("tickets", "status", "priority")
    ranks.remove("leads", "status")
