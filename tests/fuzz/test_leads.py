"""Whatever is in an address, a form or a file: an answer, never a 500, and every page is well formed."""

from __future__ import annotations

import io
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.leads.definition import LEADS
from tests.support.clients import PageClient

pytestmark = pytest.mark.fuzz

AWKWARD = st.one_of(
    st.text(max_size=40),
    st.text(alphabet=string.printable, max_size=40),
    st.sampled_from(
        ["0", "-1", "9" * 40, "1e400", "NaN", "none", "null", "\x00", "2026-02-30", "=1+1", "'", "%00", "{{7*7}}"]
    ),
)
PARAMETERS = st.sampled_from(
    ["q", "sort", "columns", "cursor", "view", "status", "owner_id", "rating", "tags", "source", "do_not_contact"]
    + [
        f"{name}_{end}"
        for name in ("estimated_value", "next_follow_up", "last_contacted_at")
        for end in ("min", "max", "from", "to")
    ]
)
FIELDS = st.sampled_from([spec.name for spec in LEADS.editable] + ["tenant_id", "id", "version", "deleted_at"])


@given(address=st.lists(st.tuples(PARAMETERS, AWKWARD), max_size=6))
def test_any_address_of_the_list(owner: PageClient, address: list[tuple[str, str]]) -> None:
    answer = owner.get("/leads/", query_string=address)
    assert answer.status_code == 200


@given(typed=st.dictionaries(FIELDS, AWKWARD, max_size=8))
def test_any_form(owner: PageClient, typed: dict[str, str]) -> None:
    assert owner.submit("/leads/", typed).status_code in {303, 422}


@given(content=st.one_of(st.binary(max_size=2000), st.text(max_size=500).map(str.encode)), name=AWKWARD)
def test_any_file(owner: PageClient, content: bytes, name: str) -> None:
    page = owner.get("/leads/imports/new")
    token = page.soup.select_one("main form [name=token]")
    fields = {"token": str(token["value"])} if token else {}
    answer = owner.submit("/leads/imports", fields | {"file": (io.BytesIO(content), name or "x.csv")})
    assert answer.status_code in {303, 422}
