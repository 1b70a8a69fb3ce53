from __future__ import annotations

import pytest

from app.core.errors import NotFound
from app.core.records.kind import Lifecycle, kind_named
from app.leads import rules
from app.leads.definition import LEADS, derive
from app.leads.rules import lead_title, missing_identity


def test_a_kind_is_found_by_name_and_an_unknown_one_is_not_there() -> None:
    assert kind_named("lead") is LEADS
    with pytest.raises(NotFound):
        kind_named("nonsense")
    with pytest.raises(NotFound):
        LEADS.field("nonsense")


def test_what_the_kind_names_is_there() -> None:
    columns = set(LEADS.model.__table__.columns.keys())
    assert {sort.column for sort in LEADS.sorts} <= columns
    assert {spec.name for spec in LEADS.fields} <= columns
    for name in (*LEADS.columns, *LEADS.title_fields, *LEADS.bulk_fields, *LEADS.quick_filters):
        assert LEADS.has_field(name), name
    assert {spec.sort for spec in LEADS.fields if spec.sort} <= {sort.name for sort in LEADS.sorts}
    assert LEADS.currency_of == {"estimated_value": "currency"}
    assert len({sort.name for sort in LEADS.sorts}) == len(LEADS.sorts)


def test_every_heading_is_known_to_one_field_only_beside_its_own_label() -> None:
    labels = {spec.label.lower() for spec in LEADS.fields}
    aliases = [alias for spec in LEADS.fields for alias in spec.aliases if alias not in labels]
    assert len(aliases) == len(set(aliases))


def test_sort_columns_are_never_null() -> None:
    table = LEADS.model.__table__
    assert not [sort.column for sort in LEADS.sorts if table.columns[sort.column].nullable]


def test_derived_columns_of_an_empty_lead() -> None:
    empty = {spec.name: spec.type.empty for spec in LEADS.fields}
    derived = derive(empty)
    assert derived["value_order"] == -1
    assert derived["search_text"] == ""
    assert derived["tag_keys"] == []
    assert all(value is not None for value in derived.values())


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ({"first_name": "Ann", "last_name": "Lee", "company": "Co"}, "Ann Lee"),
        ({"last_name": "Lee"}, "Lee"),
        ({"company": "Co", "email": "a@b.example"}, "Co"),
        ({"email": "a@b.example"}, "a@b.example"),
        ({}, "Unnamed lead"),
    ],
)
def test_lead_title(values: dict[str, str], title: str) -> None:
    assert lead_title(values) == title
    assert bool(missing_identity(values)) is not bool(values)


def test_a_lifecycle_knows_its_moves() -> None:
    life = Lifecycle(moves=rules.MOVES)
    assert life.can_move("new", "contacted")
    assert not life.can_move("converted", "new")
    assert not life.can_move("nonsense", "new")
    assert not life.can_move("new", "new")
