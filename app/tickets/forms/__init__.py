"""Forms of the service desk, read and checked."""

from app.tickets.forms.categories import CategoryForm

__all__ = ["CategoryForm"]
