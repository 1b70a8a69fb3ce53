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


def test_two_names_that_agree_are_one(bare, acme):
    for names in ({"X-Tenant-ID": "acme"}, {"X-Tenant-ID": str(acme.tenant_id)}):
        page = bare.get("/t/acme/sign-in", base_url="http://acme.localhost/", headers=names)
        assert page.text_of("h1") == "Sign in to Acme"


@pytest.mark.parametrize(
    ("host", "path", "header"),
    [
        ("globex.localhost", "/t/acme/sign-in", None),
        ("acme.localhost", "/sign-in", "globex"),
        ("localhost", "/t/acme/sign-in", "globex"),
        ("acme.localhost", "/t/acme/sign-in", "globex"),
    ],
)
def test_two_names_that_disagree_are_refused(bare, host, path, header):
    headers = {"X-Tenant-ID": header} if header else {}
    page = bare.get(path, base_url=f"http://{host}/", headers=headers)
    assert page.status_code == 400
    assert "two different organisations" in page.text
    assert page.soup.select_one(".plain-actions a")["href"] in {"/", "http://localhost/"}
    api = bare.get(path.replace("/sign-in", "/api/nothing"), base_url=f"http://{host}/", headers=headers)
    assert api.status_code == 400
    assert "two different" in api.json["detail"]


def test_a_write_goes_to_neither_of_two(as_role, globex, admin):
    client = as_role("owner")
    answer = client.submit("/leads/", {"last_name": "Lost"}, headers={"X-Tenant-ID": "globex"})
    assert answer.status_code == 400
    assert admin.execute("select count(*) from leads").fetchone() == (0,)


@pytest.mark.parametrize("signed_in", [False, True])
@pytest.mark.parametrize(
    ("host", "path", "header", "way_on"),
    [
        ("localhost", "/t/nobody/leads", None, "/"),
        ("nobody.localhost:8000", "/leads", None, "http://localhost:8000/"),
        ("localhost", "/leads", "nobody", "/"),
        ("localhost", "/t/acme/leads", "nobody", "/"),
    ],
)
def test_an_unknown_one_leads_on(bare, as_role, host, path, header, way_on, signed_in):
    client = as_role("owner") if signed_in else bare
    client.root = ""
    headers = {"X-Tenant-ID": header} if header else {}
    page = client.get(path, base_url=f"http://{host}/", headers=headers)
    assert page.status_code == 404
    assert page.text_of("h1") == "Unknown organisation"
    link = page.soup.select_one(".plain-actions a")
    assert (link.get_text(), link["href"]) == ("Choose your organisation", way_on)
    assert "Acme" not in page.text


def test_www_is_the_bare_address(bare):
    page = bare.get("/", base_url="http://www.localhost/")
    assert page.text_of("h1") == "Choose your organisation"


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
    assert page.soup.select_one(".plain-actions a")["href"] == "/"


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
