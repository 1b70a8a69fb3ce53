"""What there is at the service desk, by subject; import from here."""

from app.tickets.queries.desk import (
    CATEGORY_KIND,
    DESK_KIND,
    category_options,
    desk_settings,
    get_category,
    get_desk_row,
    list_categories,
    team_options,
)
from app.tickets.queries.tickets import get_ticket, next_numbers

__all__ = [
    "CATEGORY_KIND",
    "DESK_KIND",
    "category_options",
    "desk_settings",
    "get_category",
    "get_desk_row",
    "get_ticket",
    "list_categories",
    "next_numbers",
    "team_options",
]
