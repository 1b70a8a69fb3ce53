"""Addresses that people type, to send copies to."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.core.errors import Invalid
from app.gateways.mail.composing import one_line, recipient

_BETWEEN = re.compile(r"[,;\s]+")
_TYPED_MAX = 5_000


def read_addresses(typed: Sequence[str] | str, *, most: int) -> list[str]:
    """The addresses, each once, in the order given; of one text those between commas, semicolons and space.

    Raises:
        Invalid: at `cc`: one is no address, or there are more than `most`.
    """
    text = typed if isinstance(typed, str) else ",".join(typed)
    parts = [part.strip("<>\"'") for part in _BETWEEN.split(text[:_TYPED_MAX]) if part.strip("<>\"'")]
    if len(text) > _TYPED_MAX or len(set(parts)) > most:
        raise Invalid({"cc": f"A reply can have {most} copies; send it to a list instead."})
    found: dict[str, str] = {}
    for part in parts:
        try:
            address = recipient(part).address
        except Invalid as wrong:
            raise Invalid({"cc": f"“{one_line(part, 80)}” is not an e-mail address. Correct or remove it."}) from wrong
        found.setdefault(address.lower(), address)
    return list(found.values())
