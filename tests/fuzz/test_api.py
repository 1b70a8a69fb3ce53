"""The API against its own document, on a running site with a real token: schemathesis, with all of its checks.

`API_FUZZ_SECONDS` says how long (ten minutes unless told), `make fuzz` runs it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis.checks import CHECKS as REGISTRY

from app import create_app
from app.accounts import actions, queries
from app.config import ROOT
from app.core import db as database
from app.core.clock import now
from app.core.scope import tenant_context
from tests.support.site import fill_sample, running_site

pytestmark = pytest.mark.fuzz

SECONDS = int(os.environ.get("API_FUZZ_SECONDS", "600"))
CONFIG = Path(__file__).with_name("schemathesis.toml")
CHECKS = [check for check in REGISTRY.get_all() if check.__name__ not in {"ignored_auth", "positive_data_acceptance"}]
"""For single requests: these two ask again by themselves, or need the file of settings."""


def config() -> Any:
    return schemathesis.config.SchemathesisConfig.from_path(CONFIG)


def test_the_document_is_true_for_whatever_is_asked(tmp_path: Path) -> None:
    with running_site("fuzz", tmp_path) as site:
        fill_sample(site)
        token = _token(site)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"),
                f"{site.url()}/api/openapi.json",
                *("--header", f"Authorization: Bearer {token}"),
                *("--max-time", str(SECONDS)),
            ],
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.fuzz.repeating", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=SECONDS * 2 + 300,
            check=False,
        )
        log = (tmp_path / "web.log").read_text()
        assert site.processes["web"].poll() is None, "the web server died"
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2_000:]
    assert "unexpected_error" not in log, log[log.index("unexpected_error") - 2_000 :][:6_000]


def _token(site: Any) -> str:
    """A personal token of acme's owner, with all that the owner may do."""
    app = create_app(site.servers.settings)
    with app.app_context():
        tenant = queries.find_tenant("acme")
        assert tenant is not None
        with tenant_context(tenant.id):
            user = queries.find_user_by_email("owner@acme.example")
            assert user is not None
            scope = queries.user_scope(tenant.id, user.id, now())
            later = scope.now + timedelta(days=1)
            made = actions.create_api_token(scope, name="fuzz", scopes=sorted(scope.permissions), expires_at=later)
            database.commit()
        database.db.engine.dispose()
    return made.text
