"""The table of leads."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Date, DateTime, Numeric, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.records.models import KEY, Ranked, Record, rank_indexes, record_table_args
from app.extensions import Base
from app.leads import rules

_STATUSES = ", ".join(f"'{value}'" for value, _, _ in rules.STATUSES)


class Lead(Record, Ranked, Base):
    """Someone who may become a customer. The `…_key` and `…_order` columns are what lists sort by."""

    __tablename__ = "leads"
    __table_args__ = (
        *record_table_args(
            "leads",
            "updated_at",
            "name_key",
            "company_key",
            "value_order",
            "follow_up_order",
            filters=("owner_id", "status"),
        ),
        *rank_indexes("leads", "status"),
        CheckConstraint(f"status IN ({_STATUSES})", name="status"),
        CheckConstraint("(estimated_value IS NULL) OR (currency IS NOT NULL)", name="value_has_currency"),
    )

    first_name: Mapped[str | None] = mapped_column(Text)
    last_name: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Text)
    company: Mapped[str | None] = mapped_column(Text)
    job_title: Mapped[str | None] = mapped_column(Text)
    website: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(KEY)
    rating: Mapped[str | None] = mapped_column(Text)
    estimated_value: Mapped[Decimal | None] = mapped_column(Numeric(15, 2))
    currency: Mapped[str | None] = mapped_column(Text)
    street: Mapped[str | None] = mapped_column(Text)
    city: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str | None] = mapped_column(Text)
    postal_code: Mapped[str | None] = mapped_column(Text)
    country: Mapped[str | None] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    do_not_contact: Mapped[bool] = mapped_column(Boolean, default=False)
    last_contacted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    next_follow_up: Mapped[date | None] = mapped_column(Date)
    name_key: Mapped[str] = mapped_column(KEY)
    company_key: Mapped[str] = mapped_column(KEY)
    value_order: Mapped[int] = mapped_column(BigInteger)
    follow_up_order: Mapped[int] = mapped_column(BigInteger)
