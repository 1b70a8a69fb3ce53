"""What there is at the service desk, by subject; import from here."""

from app.tickets.queries.csat import Rate, list_csat_rates, list_ratings
from app.tickets.queries.desk import (
    CATEGORY_KIND,
    DESK_KIND,
    get_category,
    get_desk_row,
    get_desk_settings,
    list_categories,
    list_category_names,
    list_team_names,
)
from app.tickets.queries.tickets import get_ticket

__all__ = [
    "CATEGORY_KIND",
    "DESK_KIND",
    "Rate",
    "get_category",
    "get_desk_row",
    "get_desk_settings",
    "get_ticket",
    "list_categories",
    "list_category_names",
    "list_csat_rates",
    "list_ratings",
    "list_team_names",
]
