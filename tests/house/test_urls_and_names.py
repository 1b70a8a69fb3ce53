"""Names say what things are: one word through the whole stack, and no drawers for what has no name."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from flask import Flask

from app.config import ROOT

SINGULAR = {
    "sign-in",
    "sign-out",
    "new",
    "edit",
    "delete",
    "move",
    "undo",
    "bulk",
    "count",
    "similar",
    "health",
    "live",
    *(
        "auth",
        "login",
        "logout",
        "me",
        "mfa",
        "refresh",
        "verify",
        "single-sign-on",
        "sso",
        "callback",
        "check",
        "revoke",
    ),
}
SINGULAR |= {"organisation", "operator", "api", "start", "cancel", "mapping", "reading", "static", "sample"}
SINGULAR |= {"audit", "privacy", "people", "forgot-password", "strength", "role", "profile", "password", "address"}
SINGULAR |= {"dev", "mailbox", "html", "desk", "sla"}
SINGULAR |= {"dev", "mailbox", "html", "archive", "desk", "presence"}
SINGULAR |= {"presence", "classifier", "classification"}
SINGULAR |= {"mail", "in", "original", "secret"}
SINGULAR |= {"board", "next", "place", "take", "merge", "split", "availability"}
SINGULAR |= {"account", "security", "second-factor", "authenticator", "confirm", "rename", "end", "unlock", "ask"}
DRAWERS = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc", "tools", "lib", "base"}
NOUNS = {"home"}
VERBS = {
    *(
        "list",
        "show",
        "count",
        "similar",
        "new",
        "create",
        "edit",
        "update",
        "confirm",
        "delete",
        "undo",
        "move",
        "ask",
    ),
    *("add", "bulk", "save", "set", "sign", "live", "export", "upload", "map", "reread", "start", "cancel", "download"),
    *("assign", "restore", "retry", "send", "accept", "invite", "choose", "remove", "search", "open", "close"),
    *("note", "stream", "suspend", "resume", "disable", "enable", "enrol", "restart"),
    *("rename", "end", "unlock", "archive", "place", "take", "merge", "split"),
    *("fetch", "rotate", "receive", "make"),
    *("login", "logout", "me", "refresh", "verify"),
    *("login", "logout", "me", "refresh", "verify", "check", "revoke"),
}
# What only a part of a file's name says is no name of a feature: app/<feature>/<room>.py
ROOMS = {"actions", "api", "events", "forms", "models", "queries", "routes", "rules"}


def literals(rule: str) -> list[str]:
    return [part for part in rule.strip("/").split("/") if part and "<" not in part]


def test_addresses_are_kebab_case_and_plural(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        for part in literals(rule.rule):
            name = part.partition(".")[0]
            assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)?", part), (
                f"{rule.rule}: write {part!r} in kebab-case"
            )
            known = name in SINGULAR | VERBS or name.endswith("s") or "." in part
            assert known, f"{rule.rule}: {name!r} is neither plural (a collection) nor a verb listed in SINGULAR here"


def test_ids_are_typed(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        for converter, name in re.findall(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>", rule.rule):
            if name.endswith("id"):
                assert converter == "uuid", f"{rule.rule}: write <uuid:{name}>"
                assert name != "id", f"{rule.rule}: say whose id it is, such as <uuid:record_id>"


def test_endpoints_are_verbs_of_their_feature(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        blueprint, _, verb = rule.endpoint.rpartition(".")
        assert blueprint, f"{rule.rule}: put the view {verb!r} into its feature's blueprint"
        assert verb.split("_")[0] in VERBS | NOUNS, f"{rule.endpoint}: name the view by a verb (or add it to VERBS)"


def test_a_blueprint_is_a_feature(app: Flask) -> None:
    features = {path.parent.name for path in (ROOT / "app").rglob("routes*")} | {"health"}
    features |= {f"{path.parent.name}_api" for path in (ROOT / "app").rglob("api.py")}
    subjects = {path.stem for path in (ROOT / "app").glob("*/routes/*.py")}
    for name in app.blueprints:
        assert name in features | subjects, f"no folder app/{name}/ with routes, and no module {name}.py in such routes"


def modules() -> list[Path]:
    return [path for place in ("app", "jobs", "migrations") for path in sorted((ROOT / place).rglob("*.py"))]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_drawers(path: Path) -> None:
    assert path.stem not in DRAWERS, f"{path.name}: name it by what is in it"
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef):
            words = {word.lower() for word in re.findall(r"[A-Z][a-z]+", node.name)}
            assert not words & {"Manager", "Helper", "Util"}, f"{node.name}: name it by what it is"


def functions(room: str) -> list[tuple[Path, str]]:
    found = []
    for path in sorted([*(ROOT / "app").rglob(f"{room}.py"), *(ROOT / "app").rglob(f"{room}/*.py")]):
        tree = ast.parse(path.read_text())
        found += [(path, node.name) for node in tree.body if isinstance(node, ast.FunctionDef) and node.name[0] != "_"]
    return found


def test_queries_say_what_they_return() -> None:
    for path, name in functions("queries"):
        prefixes = ("get_", "find_", "list_", "count_", "search_", "selection_", "live", "locked", "latest_", "is_")
        prefixes += ("tenants_", "visible", "changeable")
        ends = ("_query", "_scope", "_of", "scope_of", "_capped", "_hash")
        fine = name.startswith(prefixes) or name.endswith(ends)
        where = path.relative_to(ROOT)
        assert fine, f"{where}: {name} should begin with get_ (raises), find_ (may be None), list_ or count_"
