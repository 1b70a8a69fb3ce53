"""The commands of accounts and of the foundation."""

import pytest

from app.accounts.commands import DEMO_PASSWORD
from app.core import assets
from tests.conftest import client_of


@pytest.fixture
def flask(app):
    return lambda *words: app.test_cli_runner().invoke(args=list(words))


def test_every_command_says_what_it_does_in_one_line(flask):
    lines = flask("--help").output.splitlines()
    ours = (
        "assets",
        "create-operator",
        "create-tenant",
        "create-user",
        "migrate",
        "scheduler",
        "seed",
        "sign-ins",
        "worker",
    )
    for name in ours:
        (line,) = [line for line in lines if line.strip().startswith(name + " ")]
        assert line.endswith("."), line
        assert "..." not in line, line


def test_seeding_twice_adds_nothing(flask, admin):
    result = flask("seed")
    assert result.exit_code == 0
    assert "nothing was added" in result.output
    assert admin.execute("select count(*) from tenants").fetchone() == (2,)


def test_seeding_an_empty_house(flask, admin, app):
    admin.execute("set session_replication_role = replica; delete from users; delete from tenants")
    with app.app_context():
        from app.core import cache

        cache.bump("all", "tenant")
    result = flask("seed", "--password", DEMO_PASSWORD)
    assert result.exit_code == 0, result.output
    assert client_of(app, "globex").sign_in("viewer@globex.example", DEMO_PASSWORD).status_code == 303


def test_sign_ins_are_printed_per_role(flask):
    output = flask("sign-ins", "--base-url", "http://127.0.0.1:9000").output
    assert "Acme: http://127.0.0.1:9000/t/acme/" in output
    for role in ("owner", "admin", "manager", "agent", "viewer"):
        assert f"{role}@acme.example" in output
    assert DEMO_PASSWORD not in output, "only on a workstation's own servers"


def test_a_new_organisation_and_its_owner(flask, app):
    assert client_of(app, "initech").get("/sign-in").status_code == 404
    assert flask("create-tenant", "initech", "--name", "Initech").exit_code == 0
    created = flask(
        "create-user", "initech", "ada@initech.example", "--name", "Ada", "--role", "owner", "--password", "x" * 12
    )
    assert created.exit_code == 0, created.output
    assert client_of(app, "initech").sign_in("ada@initech.example", "x" * 12).status_code == 303


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("create-tenant", "acme", "--name", "X"), "There is an organisation acme already."),
        (("create-tenant", "No Such!", "--name", "X"), "Use small letters, digits and hyphens, up to 63."),
        (("create-tenant", "x", "--name", "X", "--zone", "Mars/Base"), "There is no time zone Mars/Base."),
        (
            ("create-user", "nobody", "a@b.example", "--name", "A", "--password", "x" * 12),
            "There is no organisation nobody.",
        ),
        (("create-user", "acme", "a@b.example", "--name", "A", "--password", "short"), "Use 12 to 200 characters."),
        (
            ("create-user", "acme", "OWNER@acme.example", "--name", "A", "--password", "x" * 12),
            "Somebody with this e-mail address is already here.",
        ),
    ],
)
def test_refusals_are_sentences(flask, words, sentence):
    result = flask(*words)
    assert result.exit_code == 1
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_migrating_again_changes_nothing(flask):
    result = flask("migrate")
    assert result.exit_code == 0, result.output
    assert "The schema is at" in result.output


def test_assets_are_compressed_and_served_so(flask, app, settings, tmp_path):
    from app import create_app
    from tests.support.servers import with_settings

    there = with_settings(settings, state_dir=tmp_path)
    folder = assets.write_snapshot(there)
    assert assets.write_snapshot(there) == folder
    client = client_of(create_app(there), "acme")
    url = f"/static/{folder.name}/css/base.css"
    plain = client.get(url)
    packed = client.get(url, headers={"Accept-Encoding": "br"})
    assert packed.headers["Content-Encoding"] == "br"
    assert len(packed.data) < len(plain.data)
    assert "Accept-Encoding" in packed.headers["Vary"]
