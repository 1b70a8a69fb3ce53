"""Gadgets: all that a second kind of record needs to say of itself."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Numeric, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.records.fields import Choice, Currency, Email, Field, Money, Person, Tags
from app.core.records.kind import RecordKind, Sort, register
from app.core.records.models import KEY, Record, record_table_args
from app.core.records.text import fold, search_text, sort_key, tag_key
from app.extensions import Base


class Gadget(Record, Base):
    __tablename__ = "gadgets"
    __table_args__ = record_table_args("gadgets", "name_key", "price_order")

    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    colour: Mapped[str | None] = mapped_column(Text)
    price: Mapped[Decimal | None] = mapped_column(Numeric(15, 2))
    price_currency: Mapped[str | None] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(KEY)
    price_order: Mapped[int] = mapped_column(BigInteger)


FIELDS = (
    Field("name", "Name", required=True, sort="name"),
    Field("email", "Maker's e-mail", Email(), aliases=("maker",)),
    Field("colour", "Colour", Choice((("red", "Red", "danger"), ("blue", "Blue", "info"))), filterable=True),
    Field("price", "Price", Money(currency_field="price_currency"), sort="price", filterable=True),
    Field("price_currency", "Currency", Currency(), max_length=3),
    Field("owner_id", "Keeper", Person(), filterable=True),
    Field("tags", "Tags", Tags(), max_length=2000, filterable=True, default=()),
)


def derive(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name_key": sort_key(values["name"]),
        "price_order": -1 if values["price"] is None else int(values["price"] * 100),
        "match_key": fold(values["name"] or ""),
        "search_text": search_text([values["name"], values["email"]]),
        "tag_keys": [tag_key(tag) for tag in values["tags"] or ()],
    }


GADGETS = register(
    RecordKind(
        name="gadget",
        plural="gadgets",
        label="Gadget",
        label_plural="Gadgets",
        icon="tool",
        model=Gadget,
        fields=FIELDS,
        title=lambda values: values["name"],
        title_fields=("name",),
        derive=derive,
        columns=("email", "colour", "price", "owner_id", "tags"),
        sorts=(
            Sort("created", "Newest first", "id", descending=True),
            Sort("name", "Name A–Z", "name_key"),
            Sort("-name", "Name Z–A", "name_key", descending=True),
            Sort("price", "Cheapest", "price_order"),
        ),
        bulk_fields=("owner_id", "colour"),
        quick_filters=("colour",),
    )
)
