"""What script and no script are answered, on a tiny application of its own routes."""

import json

import pytest
from flask import Blueprint
from jinja2 import ChoiceLoader, DictLoader

from app import create_app
from app.core import hx
from app.core.access import public, requires, signed_in
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from tests.conftest import client_of
from tests.support.servers import PASSWORD

PAGE = """{% extends "layouts/plain.html" %}{% block title %}Try{% endblock %}
{% block content %}{% block part %}<p id="part">{{ word }}</p>{% endblock %}<p id="other">other</p>{% endblock %}"""

tried = Blueprint("tried", __name__, url_prefix="/tried")


@tried.get("/page")
@public("a test of the machinery")
def page():
    return hx.page("tried.html", blocks=("part",), word="hello")


@tried.post("/done")
@public("a test of the machinery")
def done():
    hx.flash("Saved.", undo_url="/undo")
    return hx.done("/t/acme/tried/page", changed=("lead", "tag"))


@tried.post("/redirect")
@public("a test of the machinery")
def redirect():
    hx.flash("Saved.")
    return hx.redirect("/t/acme/tried/page")


@tried.get("/fail/<kind>")
@public("a test of the machinery")
def fail(kind):
    raise {
        "missing": NotFound(),
        "forbidden": Forbidden(),
        "invalid": Invalid({"name": "Enter a name."}),
        "conflict": Conflict("Someone was faster."),
        "broken": RuntimeError("secret detail 0123"),
    }[kind]


@tried.get("/undeclared")
def undeclared():
    return "never"


@tried.get("/lead")
@requires("lead:read")
def lead():
    return hx.page("tried.html", word="lead")


@tried.post("/admin")
@requires("tenant:manage")
def admin_only():
    return hx.page("tried.html", word="admin")


@tried.get("/mine")
@signed_in
def mine():
    return hx.page("tried.html", word="mine")


@pytest.fixture(scope="module")
def tried_app(settings):
    made = create_app(settings)
    made.register_blueprint(tried)
    made.jinja_env.loader = ChoiceLoader([DictLoader({"tried.html": PAGE}), made.jinja_env.loader])
    return made


@pytest.fixture
def client(app, tried_app):
    return client_of(tried_app, "acme")


def test_whole_page_without_script(client):
    response = client.get("/tried/page")
    assert response.soup.find(id="part").text == "hello"
    assert response.soup.find("html")
    assert {"HX-Request", "HX-Target"} <= set(response.vary.as_set(preserve_casing=True))


def test_a_declared_block_is_answered_alone(client):
    response = client.fragment("/tried/page", target="part", tag="p")
    assert response.text.strip() == '<p id="part">hello</p>'


@pytest.mark.parametrize(
    "headers",
    [
        {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "div#content"},
        {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "part"},
        {"HX-Request": "true", "HX-Request-Type": "full", "HX-Target": "p#part"},
        {"HX-Request": "true", "HX-Boosted": "true", "HX-Target": "p#part"},
        {"HX-Request": "true", "HX-History-Restore-Request": "true", "HX-Target": "p#part"},
        {"HX-Target": "p#part"},
    ],
)
def test_anything_else_gets_the_page(client, headers):
    """The server's list decides what a fragment is, not the client."""
    assert client.get("/tried/page", headers=headers).soup.find("html")


def test_done_with_script_swaps_nothing_and_tells_who_listens(client):
    response = client.fragment("/tried/done", target="part", method="POST")
    assert response.status_code == 200
    assert response.headers["HX-Reswap"] == "none"
    assert set(json.loads(response.headers["HX-Trigger"])) == {
        "lead-changed",
        "tag-changed",
        "fairlead:close-dialog",
    }
    outer = response.soup.find(attrs={"hx-swap-oob": "beforeend:#toasts"})
    assert outer is not None
    assert response.toasts == ["Saved."]
    assert response.soup.find("form")["action"] == "/undo"
    assert client.get("/tried/page").toasts == [], "a toast is shown once"


def test_done_without_script_is_a_redirect(client):
    response = client.submit("/tried/done")
    assert response.status_code == 303
    assert client.get("/tried/page").toasts == ["Saved."]
    assert client.get("/tried/page").toasts == []


def test_redirect_with_script_is_a_location(client):
    response = client.fragment("/tried/redirect", target="part", method="POST")
    assert response.status_code == 204
    assert response.headers["HX-Location"] == "/t/acme/tried/page"
    assert "Location" not in response.headers
    assert response.data == b""
    # htmx then asks for the whole page, which carries the toast.
    page = client.get("/tried/page", headers={"HX-Request": "true", "HX-Request-Type": "full"})
    assert page.toasts == ["Saved."]


def test_redirect_boosted_stays_a_redirect(client):
    response = client.submit("/tried/redirect", headers={"HX-Request": "true", "HX-Boosted": "true"})
    assert response.status_code == 303


FAILURES = [("missing", 404), ("forbidden", 403), ("invalid", 422), ("conflict", 409), ("broken", 500)]


@pytest.mark.parametrize(("kind", "status"), FAILURES)
def test_errors_are_pages(client, kind, status):
    response = client.get(f"/tried/fail/{kind}")
    assert response.status_code == status
    assert response.soup.find("h1")
    assert "secret detail" not in response.text
    assert "Traceback" not in response.text


@pytest.mark.parametrize(("kind", "status"), FAILURES)
def test_errors_of_fragments_are_toasts(client, kind, status):
    response = client.fragment(f"/tried/fail/{kind}", target="part")
    assert response.status_code == status
    assert response.headers["HX-Retarget"] == "#toasts"
    assert response.headers["HX-Reswap"] == "beforeend"
    assert response.soup.find("html") is None
    assert len(response.toasts) == 1
    assert "secret detail" not in response.text


def test_a_500_gives_the_reference_that_the_log_has(client, caplog):
    response = client.get("/tried/fail/broken")
    assert response.headers["X-Request-ID"] in response.text
    (record,) = [record for record in caplog.records if record.getMessage() == "unexpected_error"]
    assert record.request_id == response.headers["X-Request-ID"]


def test_an_undeclared_route_is_refused(client):
    assert client.get("/tried/undeclared").status_code == 500


def test_a_lost_session(client):
    response = client.get("/tried/mine?a=1")
    assert response.status_code == 303
    assert response.location == "/t/acme/sign-in?next=/t/acme/tried/mine?a%3D1"
    response = client.fragment(
        "/tried/mine", target="part", headers={"HX-Current-URL": "http://localhost/t/acme/leads?page=2"}
    )
    assert response.headers["HX-Redirect"] == "/t/acme/sign-in?next=/t/acme/leads?page%3D2"
    response = client.fragment("/tried/mine", target="part", headers={"HX-Current-URL": "https://evil.example/leads"})
    assert response.headers["HX-Redirect"] == "/t/acme/sign-in"


def test_permissions(client):
    client.sign_in("viewer@acme.example", PASSWORD)
    assert client.get("/tried/mine").status_code == 200
    assert client.submit("/tried/admin").status_code == 403
    client.sign_in("admin@acme.example", PASSWORD)
    assert client.submit("/tried/admin").status_code == 200


def test_odd_methods(client):
    assert client.submit("/tried/page").status_code == 405
    assert client.open("/tried/page", method="HEAD").status_code == 200
    assert client.open("/tried/mine", method="OPTIONS").status_code == 200
    assert client.submit("/no/such/page").status_code == 404
