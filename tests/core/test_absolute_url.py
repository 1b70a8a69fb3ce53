"""Whole addresses, for mail: of the installation's own settings, never of what a request says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.links import absolute_url
from tests.support.servers import with_settings


@pytest.fixture
def public(app, settings):
    def use(url):
        app.extensions["fairlead.settings"] = with_settings(settings, public_url=url)

    yield use
    app.extensions["fairlead.settings"] = settings


@pytest.mark.parametrize(
    ("base", "whole"),
    [
        ("http://localhost:8000", "http://localhost:8000/t/acme/sign-in?next=/leads"),
        ("https://crm.example.com", "https://crm.example.com/t/acme/sign-in?next=/leads"),
        ("https://example.com/crm", "https://example.com/crm/t/acme/sign-in?next=/leads"),
    ],
)
def test_from_the_settings(app_context, acme, public, base, whole):
    public(base)
    assert absolute_url(acme, "accounts.sign_in", next="/leads").replace("%2F", "/") == whole


def test_a_forged_host_changes_nothing(app, acme):
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher"}
    with app.test_request_context("/t/globex/sign-in", base_url="http://evil.example", headers=forged):
        assert absolute_url(acme, "accounts.sign_in") == "http://localhost:8000/t/acme/sign-in"


def test_pages_of_no_tenant(app_context):
    assert absolute_url(None, "health.show") == "http://localhost:8000/api/health"


def test_a_scope_without_its_slug_is_a_mistake(app_context, acme):
    with pytest.raises(ValueError, match="slug"):
        absolute_url(replace(acme, tenant_slug=""), "accounts.sign_in")
