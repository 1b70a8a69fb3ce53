"""Money and its currencies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, ClassVar

from babel.numbers import format_decimal

from app.core.records.fields.field import Field, FieldError, FieldType, ParseContext
from app.core.scope import Scope


class Currency(FieldType):
    """An ISO 4217 code."""

    widget = "currency"

    def convert(self, text: str, spec: Field, context: ParseContext) -> str:
        code = text.upper()
        if code not in currencies():
            raise FieldError(f"“{text[:10]}” is not a currency code such as USD or EUR.")
        return code


@lru_cache(maxsize=1)
def currencies() -> frozenset[str]:
    """The codes Babel's CLDR data knows as tender somewhere today."""
    from babel.core import get_global
    from babel.numbers import get_territory_currencies

    return frozenset(
        code for territory in get_global("territory_currencies") for code in get_territory_currencies(territory)
    )


@dataclass(frozen=True)
class Money(FieldType):
    """A decimal amount with two places; its currency stands in the field `currency_field`."""

    currency_field: str = "currency"
    widget: ClassVar[str] = "money"
    operators: ClassVar[tuple[str, ...]] = ("min", "max")
    limit: ClassVar[Decimal] = Decimal("10000000000000")

    def convert(self, text: str, spec: Field, context: ParseContext) -> Decimal:
        digits = re.sub(r"[\s\u00a0\u202f’']", "", text)
        digits = re.sub(r"^(?:[A-Z]{3}|[$€£¥])|(?:[A-Z]{3}|[$€£¥])$", "", digits)
        if re.fullmatch(r"-?[1-9]\d{0,2}\.\d{3}", digits):
            raise FieldError(f"“{text[:40]}” can be read two ways. Write {digits.replace('.', '')} or {digits[:-1]}.")
        if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", digits):
            digits = digits.replace(",", "")
        elif re.fullmatch(r"-?[1-9]\d{0,2}((\.\d{3}){2,}|(\.\d{3})+,\d{1,2})|-?\d+,\d{1,2}", digits):
            digits = digits.replace(".", "").replace(",", ".")
        try:
            amount = Decimal(digits)
        except InvalidOperation as wrong:
            raise FieldError(f"“{text[:40]}” is not an amount. Write it like 1250.50.") from wrong
        if amount.is_finite() and 0 <= amount < self.limit:
            amount = amount.quantize(Decimal("0.01"))
            if amount < self.limit:
                return amount
        raise FieldError(f"{spec.label} must be at least 0 and less than 10,000,000,000,000.")

    def show(self, value: Any, scope: Scope) -> str:
        return "" if value is None else format_decimal(value, format="#,##0.00", locale=scope.locale)
