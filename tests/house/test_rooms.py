"""Which room may know what: Flask ends at the routes, SQL begins at the queries."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from app.config import ROOT

NO_FLASK = ("queries", "actions", "models", "rules", "events")
NO_SQL = ("routes", "forms", "pages", "presenting")
ONLY_STANDARD = ("rules", "events")
WEB = {"flask", "flask_login", "flask_wtf", "werkzeug"}
SQL = {"sqlalchemy", "psycopg", "flask_sqlalchemy"}


def imports(path: Path) -> list[tuple[str, int]]:
    """Every module imported anywhere in the file, not only for the type checker."""
    found = []
    tree = ast.parse(path.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(node.module, node.lineno)]
    return found


def rooms(*names: str) -> list[Path]:
    inside = [path for name in names for path in sorted((ROOT / "app").rglob(f"{name}.py"))]
    packages = [path for name in names for path in sorted((ROOT / "app").rglob(f"{name}/**/*.py"))]
    return [path for path in inside + packages if path.parent != ROOT / "app" / "core"]


def check(path: Path, forbidden: set[str], instead: str) -> None:
    for module, line in imports(path):
        top = module.partition(".")[0]
        assert top not in forbidden, f"{path.relative_to(ROOT)}:{line} imports {module}: {instead}"


@pytest.mark.parametrize("path", rooms(*NO_FLASK), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_flask_below_the_routes(path: Path) -> None:
    check(path, WEB, "take what is needed as an argument (scope, values), and let the route read the request")


@pytest.mark.parametrize("path", rooms(*NO_SQL), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_sql_above_the_queries(path: Path) -> None:
    check(path, SQL, "ask a function in queries.py, or do it in actions.py")


@pytest.mark.parametrize("path", rooms("rules"), ids=lambda path: str(path.relative_to(ROOT)))
def test_rules_know_nothing_but_their_arguments(path: Path) -> None:
    check(path, WEB | SQL | {"redis", "requests", "httpx"}, "rules are pure: pass in what they need to know")
    source = path.read_text()
    assert "now()" not in source, f"{path.relative_to(ROOT)}: pass the instant in"


def test_core_knows_no_feature() -> None:
    features = {path.name for path in (ROOT / "app").iterdir() if (path / "routes.py").exists()}
    for path in sorted((ROOT / "app" / "core").rglob("*.py")):
        for module, line in imports(path):
            part = module.split(".")[1] if module.startswith("app.") else ""
            assert part not in features, f"{path.relative_to(ROOT)}:{line} imports {module}: core knows no feature"


def test_the_shared_machinery_names_no_kind() -> None:
    """What is special about a kind stands in its folder."""
    words = ("estimated_value", "next_follow_up", "first_name", "last_name", "lead")
    places = [*(ROOT / "app/core/records").rglob("*.py"), *(ROOT / "app/core/transfer").rglob("*.py")]
    places += [*(ROOT / "app/templates/records").rglob("*.html")]
    for path in places:
        text = ast.unparse(_without_docstrings(path)) if path.suffix == ".py" else path.read_text()
        for word in words:
            quoted = [f'"{word}"', f"'{word}'", f".{word}", f"{word}s."]
            assert not any(form in text for form in quoted), (
                f"{path.relative_to(ROOT)} names {word}: let the kind say it"
            )


def _without_docstrings(path: Path) -> ast.Module:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            body[0].value.value = ""
    return tree
