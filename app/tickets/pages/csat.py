"""What the page of a rating shows, and what the service figures say of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from app.core import people
from app.core.scope import Scope
from app.tickets.actions.csat import Asked
from app.tickets.queries import Rate, list_csat_rates
from app.tickets.rules.csat import ANSWERS, BAD, COMMENT_MAX, GOOD

MOST = 50


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


@dataclass(frozen=True, slots=True)
class RateRow:
    """A rate with the lists it counts, as query strings of the list of tickets."""

    label: str
    rate: Rate
    good: Mapping[str, str]
    bad: Mapping[str, str]

    @property
    def percent(self) -> int | None:
        """The share of good ones, rounded down, so that 100 % means all."""
        return self.rate.good * 100 // self.rate.rated if self.rate.rated else None


def rates(scope: Scope, first: date, last: date) -> tuple[RateRow, Sequence[RateRow]]:
    """Of all tickets that were resolved on these days of the asker's, and by agent."""
    since, until = (datetime.combine(day, time(), scope.zone_info) for day in (first, last + timedelta(days=1)))
    days = {"resolved_at_from": first.isoformat(), "resolved_at_to": last.isoformat()}
    (total,) = list_csat_rates(scope, since, until)
    names = people.names_of(scope)
    by_agent = [
        _rate_row(names.get(rate.key, "none"), rate, days | {"owner_id": str(rate.key or "none")})
        for rate in list_csat_rates(scope, since, until, by="owner_id")[:MOST]
    ]
    return _rate_row("Satisfaction", total, days), by_agent


def _rate_row(label: str, rate: Rate, days: Mapping[str, str]) -> RateRow:
    return RateRow(label, rate, {**days, "csat": GOOD}, {**days, "csat": BAD})
