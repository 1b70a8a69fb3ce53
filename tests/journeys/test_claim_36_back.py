"""Claim 36: after sign-out, the browser's "back" shows nothing of what was on the screen."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.journeys.conftest import Person
from tests.support.site import Site, fill_sample


@pytest.mark.parametrize("script", [True, False])
def test_claim_36_back_after_sign_out_shows_nothing(site: Site, person: Callable[..., Person], script: bool) -> None:
    someone = person("owner", script=script)
    fill_sample(site)
    page = someone.visit("/leads/")
    lead = page.locator("[data-row-link]").first
    name = lead.inner_text().strip()
    lead.click()
    page.wait_for_url("**/leads/*-*")
    assert name in page.locator("main").inner_text()
    page.locator("form[action$='/sign-out']").first.evaluate("form => form.requestSubmit()")
    page.wait_for_url("**/sign-in**")
    for _ in range(3):
        page.go_back(wait_until="load")
        page.wait_for_load_state("networkidle")
        assert name not in page.content(), page.url
        if "/sign-in" in page.url:
            break
    assert page.locator("[name=password]").count() == 1
