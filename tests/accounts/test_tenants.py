"""Which organisation is meant: by header, subdomain or path."""

import pytest

from tests.conftest import client_of


@pytest.fixture
def bare(app):
    made = client_of(app, "acme")
    made.root = ""
    return made


def test_the_bare_address_asks_which(bare):
    page = bare.get("/")
    assert page.status_code == 200
    assert page.text_of("h1") == "Choose your organisation"
    response = bare.get("/?organisation=Acme")
    assert response.location == "/t/acme/sign-in"
    assert bare.get("/?organisation=no+such+thing!").status_code == 422


@pytest.mark.parametrize("slug", ["acme/../globex", "//evil.example", "\\evil", "a" * 80, "é", ""])
def test_odd_organisations_go_nowhere(bare, slug):
    response = bare.get("/", query_string={"organisation": slug})
    assert response.status_code == 422
    assert response.location is None


def test_by_path(bare):
    assert bare.get("/t/acme/sign-in").text_of("h1") == "Sign in to Acme"


def test_by_subdomain(bare):
    page = bare.get("/sign-in", base_url="http://globex.localhost/")
    assert page.text_of("h1") == "Sign in to Globex"
    assert 'action="/sign-in"' in page.text


def test_by_header_slug_and_id(bare, globex):
    for name in ("globex", str(globex.tenant_id)):
        assert bare.get("/sign-in", headers={"X-Tenant-ID": name}).text_of("h1") == "Sign in to Globex"


def test_header_before_subdomain_before_path(bare):
    page = bare.get("/t/acme/sign-in", base_url="http://globex.localhost/")
    assert page.text_of("h1") == "Sign in to Globex"
    page = bare.get("/sign-in", base_url="http://globex.localhost/", headers={"X-Tenant-ID": "acme"})
    assert page.text_of("h1") == "Sign in to Acme"


@pytest.mark.parametrize("path", ["/t/nobody/", "/t/nobody/sign-in", "/t/nobody/leads"])
def test_an_unknown_one_says_so(bare, path):
    page = bare.get(path)
    assert page.status_code == 404
    assert page.text_of("h1") == "Unknown organisation"


@pytest.mark.parametrize("name", ["../acme", "ACME'--", "x" * 500, "é"])
def test_odd_headers_are_404(bare, name):
    assert bare.get("/sign-in", headers={"X-Tenant-ID": name.encode().decode("latin-1")}).status_code == 404


def test_a_suspended_one_is_refused(bare, admin, app):
    admin.execute("update tenants set suspended_at = now() where slug = 'globex'")
    page = bare.get("/t/globex/sign-in")
    assert page.status_code == 403
    assert "suspended" in page.text


def test_session_by_subdomain(bare):
    from tests.support.servers import PASSWORD

    page = bare.get("/sign-in", base_url="http://acme.localhost/")
    response = bare.post(
        "/sign-in",
        base_url="http://acme.localhost/",
        data={"csrf_token": bare.token, "email": "owner@acme.example", "password": PASSWORD},
    )
    assert page.status_code == 200
    assert response.status_code == 303
    assert bare.get("/", base_url="http://acme.localhost/").location != "/sign-in"
    assert bare.get("/", base_url="http://globex.localhost/").location == "/sign-in"
