"""What the page of a rating shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.tickets.actions.csat import Asked
from app.tickets.rules.csat import ANSWERS, COMMENT_MAX


@dataclass(frozen=True, slots=True)
class RatingPage:
    """`chosen` is the answer of the link that was followed, while it is not the one that counts; `by_itself` says that
    the page may give it without anything being pressed.
    """

    organisation: str
    number: int
    subject: str
    rating: str | None
    chosen: str | None
    by_itself: bool
    comment: str
    errors: Mapping[str, str]
    answers: Mapping[str, str]
    most: int = COMMENT_MAX


def rating_page(
    asked: Asked, organisation: str, *, answer: str = "", doubted: bool = False,
    typed: str | None = None, errors: Mapping[str, str] | None = None,
) -> RatingPage:  # fmt: skip
    chosen = answer if answer in ANSWERS and answer != asked.rating.rating else None
    return RatingPage(
        organisation=organisation,
        number=asked.ticket.number,
        subject=asked.ticket.subject,
        rating=asked.rating.rating,
        chosen=chosen,
        by_itself=chosen is not None and not doubted and not errors,
        comment=asked.rating.comment if typed is None else typed,
        errors=errors or {},
        answers=ANSWERS,
    )
