"""How leads describe themselves to the shared record machinery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.records.fields import (
    Boolean,
    Choice,
    Currency,
    Date,
    DateTime,
    Email,
    Field,
    LongText,
    Money,
    Person,
    Phone,
    Tags,
    Url,
)
from app.core.records.kind import Board, Lifecycle, RecordKind, Sort, register
from app.core.records.text import fold, phone_words, search_text, sort_key, tag_key
from app.leads import rules, sample
from app.leads.models import Lead

_SOURCES = (
    ("website", "Website", "neutral"),
    ("referral", "Referral", "neutral"),
    ("event", "Event", "neutral"),
    ("cold-call", "Cold call", "neutral"),
    ("email", "E-mail campaign", "neutral"),
    ("social", "Social media", "neutral"),
    ("partner", "Partner", "neutral"),
    ("import", "Import", "neutral"),
    ("other", "Other", "neutral"),
)
_RATINGS = (("hot", "Hot", "danger"), ("warm", "Warm", "warning"), ("cold", "Cold", "info"))
_SEARCHED = (
    "first_name",
    "last_name",
    "email",
    "company",
    "job_title",
    "city",
    "postal_code",
    "description",
)
_NEVER = 9_999_999

FIELDS = (
    Field("first_name", "First name", group="Person", max_length=100, autocomplete="given-name",
          aliases=("given name", "forename", "first")),
    Field("last_name", "Last name", group="Person", max_length=100, autocomplete="family-name", sort="name",
          aliases=("surname", "family name", "last", "name", "full name", "contact")),
    Field("email", "E-mail", Email(), group="Person", max_length=254, autocomplete="email",
          aliases=("email", "mail", "email address", "e-mail address")),
    Field("phone", "Phone", Phone(), group="Person", max_length=60, autocomplete="tel",
          aliases=("phone1", "telephone", "mobile", "phone number", "tel", "cell")),
    Field("company", "Company", group="Work", autocomplete="organization", sort="company",
          aliases=("company name", "organisation", "organization", "account", "employer")),
    Field("job_title", "Job title", group="Work", autocomplete="organization-title",
          aliases=("title", "position", "role")),
    Field("website", "Website", Url(), group="Work", max_length=500, autocomplete="url",
          aliases=("web", "url", "homepage", "site")),
    Field("source", "Source", Choice(_SOURCES), group="Lead", filterable=True, aliases=("lead source", "channel")),
    Field("status", "Status", Choice(rules.STATUSES), group="Lead", filterable=True, inline=False, editable=False,
          default=rules.NEW, aliases=("stage", "lead status")),
    Field("rating", "Rating", Choice(_RATINGS), group="Lead", filterable=True),
    Field("estimated_value", "Estimated value", Money(), group="Lead", sort="value", filterable=True,
          aliases=("value", "amount", "deal value", "revenue")),
    Field("currency", "Currency", Currency(), group="Lead", max_length=3),
    Field("owner_id", "Owner", Person(), group="Lead", filterable=True,
          aliases=("owner", "assigned to", "sales agent", "responsible")),
    Field("tags", "Tags", Tags(), group="Lead", max_length=2000, filterable=True, default=(),
          aliases=("labels", "keywords")),
    Field("street", "Street", group="Address", autocomplete="street-address", aliases=("address", "street address")),
    Field("city", "City", group="Address", autocomplete="address-level2", aliases=("town",)),
    Field("state", "State or region", group="Address", autocomplete="address-level1",
          aliases=("state", "region", "province")),
    Field("postal_code", "Postal code", group="Address", max_length=20, autocomplete="postal-code",
          aliases=("zip", "zip code", "postcode", "postal")),
    Field("country", "Country", group="Address", autocomplete="country-name",
          aliases=("office location",)),
    Field("description", "Description", LongText(), group="More", max_length=20_000,
          aliases=("notes", "comments", "remarks", "about")),
    Field("do_not_contact", "Do not contact", Boolean(), group="More", filterable=True, default=False,
          aliases=("opt out", "unsubscribed", "dnc")),
    Field("last_contacted_at", "Last contacted", DateTime(), group="More", filterable=True,
          aliases=("last contact", "last contacted at")),
    Field("next_follow_up", "Next follow-up", Date(), group="More", sort="follow-up", filterable=True,
          aliases=("follow up", "next step date", "next contact")),
)  # fmt: skip


def derive(values: Mapping[str, Any]) -> dict[str, Any]:
    """The stored columns nobody types. A match key is the address, else name and company."""
    name = sort_key(values["last_name"], values["first_name"])
    company = sort_key(values["company"])
    value, follow_up = values["estimated_value"], values["next_follow_up"]
    return {
        "name_key": name,
        "company_key": company,
        "value_order": -1 if value is None else int(value * 100),
        "follow_up_order": _NEVER if follow_up is None else follow_up.toordinal(),
        "match_key": match_key(values),
        "search_text": search_text([phone_words(values["phone"]), *(values[field] for field in _SEARCHED)]),
        "tag_keys": [tag_key(tag) for tag in values["tags"] or ()],
    }


def match_key(values: Mapping[str, Any]) -> str:
    """What makes two leads likely the same person: the e-mail address, else name and company."""
    if values["email"]:
        return f"e:{fold(values['email'])}"
    parts = (values["first_name"], values["last_name"], values["company"])
    return "n:" + "|".join(fold(part or "") for part in parts)


def check(values: Mapping[str, Any]) -> dict[str, str]:
    """The rules across fields: something to be known by, and an amount with its currency."""
    errors = rules.missing_identity(values)
    if values.get("estimated_value") is not None and not values.get("currency"):
        errors["currency"] = "An estimated value needs its currency."
    return errors


LEADS = register(
    RecordKind(
        name="lead",
        plural="leads",
        label="Lead",
        label_plural="Leads",
        icon="user-plus",
        model=Lead,
        fields=FIELDS,
        title=rules.lead_title,
        title_fields=("first_name", "last_name", "company", "email"),
        derive=derive,
        check=check,
        sample=sample.create,
        sample_tag=sample.TAG,
        columns=("company", "email", "phone", "status", "owner_id", "estimated_value", "next_follow_up"),
        sorts=(
            Sort("created", "Newest first", "id", descending=True),
            Sort("oldest", "Oldest first", "id"),
            Sort("updated", "Recently changed", "updated_at", descending=True),
            Sort("name", "Name A–Z", "name_key"),
            Sort("-name", "Name Z–A", "name_key", descending=True),
            Sort("company", "Company A–Z", "company_key"),
            Sort("-company", "Company Z–A", "company_key", descending=True),
            Sort("value", "Lowest value", "value_order"),
            Sort("-value", "Highest value", "value_order", descending=True),
            Sort("follow-up", "Next follow-up", "follow_up_order"),
        ),
        lifecycle=Lifecycle(moves=rules.MOVES, reasoned=rules.REASONED, initial=rules.NEW),
        empty_text="People and companies that may become customers. Add the first, or import a list you have.",
        quick_filters=("status", "owner_id", "rating"),
        board=Board(columns=("status", "rating"), facts=("company", "estimated_value", "next_follow_up")),
        bulk_fields=("owner_id", "source", "rating", "next_follow_up"),
    )
)
