"""The types a record's field can have: how each reads what was typed, shows itself, filters and exports.

A type is stateless. `parse` turns text from a form or a file into a value, or raises `FieldError` with a
sentence; `text` is its inverse (what an input holds and an export writes); `show` is what people read.
"""

from __future__ import annotations

from app.core.records.fields.amounts import Currency, Money, currencies
from app.core.records.fields.choices import Boolean, Choice, Named, Person, Reference, Tags, WholeNumber
from app.core.records.fields.field import Field, FieldError, FieldType, Names, ParseContext, Text
from app.core.records.fields.texts import Email, LongText, Phone, Url
from app.core.records.fields.times import Date, DateTime

__all__ = [
    "Boolean",
    "Choice",
    "Currency",
    "Date",
    "DateTime",
    "Email",
    "Field",
    "FieldError",
    "FieldType",
    "LongText",
    "Money",
    "Named",
    "Names",
    "ParseContext",
    "Person",
    "Phone",
    "Reference",
    "Tags",
    "Text",
    "Url",
    "WholeNumber",
    "currencies",
]
