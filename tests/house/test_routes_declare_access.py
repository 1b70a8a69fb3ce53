"""Every endpoint says who may come in; the table of all of them is kept beside this file."""

from pathlib import Path

from flask import Flask

from app.core.access import ACTIONS, KINDS, OPERATOR, PERMISSIONS, PUBLIC, SIGNED_IN, access_of

TABLE = Path(__file__).with_name("routes.txt")


def _rows(app: Flask) -> list[str]:
    rows = []
    for rule in app.url_map.iter_rules():
        access = access_of(app.view_functions[rule.endpoint])
        methods = ",".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        need = access.need if access else "UNDECLARED"
        rows.append(f"{methods:10} {rule.rule:60} {rule.endpoint:40} {need}")
    return sorted(rows, key=lambda row: row.split()[1:])


def test_every_route_declares_its_access(app):
    undeclared = [
        rule.endpoint for rule in app.url_map.iter_rules() if access_of(app.view_functions[rule.endpoint]) is None
    ]
    assert not undeclared, f"add @requires, @signed_in or @public to {undeclared}"


def test_public_routes_say_why(app):
    for rule in app.url_map.iter_rules():
        access = access_of(app.view_functions[rule.endpoint])
        if access and access.need == PUBLIC:
            assert len(access.reason) > 10, f"{rule.endpoint}: why may anyone come in?"


def test_permissions_exist(app):
    known = {f"{kind}:{action}" for kind in KINDS for action in ACTIONS} | set(PERMISSIONS)
    for rule in app.url_map.iter_rules():
        access = access_of(app.view_functions[rule.endpoint])
        assert access is not None
        assert access.need in {PUBLIC, SIGNED_IN, OPERATOR} | known, (
            f"{rule.endpoint} needs {access.need}: no role has it"
        )


def test_urls_keep_the_rules(app):
    for rule in app.url_map.iter_rules():
        path = rule.rule
        assert path == path.lower() or "<" in path, path
        assert "_" not in "".join(part for part in path.split("/") if not part.startswith("<")), path
        for name in rule.arguments:
            if name == "id" or name.endswith("_id"):
                assert f"<uuid:{name}>" in path, f"{path}: ids are typed, <uuid:{name}>"


def test_the_route_table_is_kept(app):
    """Who may do what, in one file that a review sees change. To accept a change, delete the file and run again."""
    rows = _rows(app)
    if not TABLE.exists():
        TABLE.write_text("\n".join(rows) + "\n")
    assert TABLE.read_text().splitlines() == rows, (
        f"routes changed: delete {TABLE.name}, run again, and look at the diff"
    )
