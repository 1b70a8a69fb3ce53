"""Guessing which column is which field."""

from __future__ import annotations

import pytest

from app.core.transfer import mapping
from app.leads.definition import LEADS


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ("first_name,last_name,company_name,address,city,county,state,zip,phone1,phone2,email,web",
         "first_name,last_name,company,street,city,,state,postal_code,phone,,email,website"),
        ("E-MAIL,Phone Number,Full name", "email,phone,last_name"),
        ("account,sector,year_established,revenue,employees,office_location,subsidiary_of",
         "company,,,estimated_value,,country,"),
        ("Primary email address,Email", ",email"),
        ("Work e-mail,Mobile phone", "email,phone"),
        ("Email opt out,Email", "do_not_contact,email"),
        ("Telefon,??,", ",,"),
        ("Problem,Email,Problem", ",email,"),
        ("status,tags", "status,tags"),
    ],
)  # fmt: skip
def test_guesses(headers, fields):
    assert mapping.guess(LEADS, headers.split(",")) == fields.split(",")


def test_no_field_is_guessed_twice():
    guessed = mapping.guess(LEADS, ["email", "E-mail", "mail", "Email address", "email_2"])
    assert guessed.count("email") == 1


def test_what_is_remembered_wins_and_what_is_gone_does_not():
    remembered = mapping.to_remember(["Who", "E-mail"], ["company", "no_such_field"])
    assert mapping.guess(LEADS, ["e mail", "WHO", "Phone"], remembered) == ["", "company", "phone"]


def test_the_signature_is_of_the_set():
    assert mapping.signature(["A", "b"]) == mapping.signature(["B", "a"]) != mapping.signature(["A"])


def test_errors():
    assert mapping.errors(LEADS, ["a", "b"], ["email", ""]) == {}
    twice = mapping.errors(LEADS, ["a", "b"], ["email", "email"])
    assert set(twice) == {"column-0", "column-1"}
    assert set(mapping.errors(LEADS, ["a", "b"], ["city", "+description"])) == {""}
