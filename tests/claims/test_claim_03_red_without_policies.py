"""Claim 3: the suite notices when the policies are gone. Shown on a database that is thrown away afterwards.

A second pytest runs a few of our own tests against it: those that look at tenants must fail, one after the
other; a test that has nothing to do with tenants must pass, or the red would only mean that nothing works.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

from app.config import ROOT

MUST_FAIL = (
    "tests/claims/test_claim_02_catalogue.py::test_claim_02_every_tenant_table_has_the_one_policy",
    "tests/claims/test_claim_04_walls.py::test_claim_04_raw_sql_sees_only_its_tenant",
    "tests/claims/test_claim_04_walls.py::test_claim_04_no_tenant_sees_nothing",
    "tests/claims/test_claim_04_walls.py::test_claim_04_a_foreign_row_cannot_be_written",
    "tests/claims/test_claim_04_walls.py::test_claim_04_orm_without_where_sees_one_tenant",
    "tests/claims/test_claim_36_no_store.py::test_claim_36_the_cache_never_crosses_tenants_roles_or_people",
    "tests/claims/test_claim_01_foreign_ids.py",
)
MUST_PASS = ("tests/core/test_pipeline.py::test_claim_28_and_36_headers",)


def test_claim_03_without_the_policies_the_suite_is_red() -> None:
    command = [sys.executable, "-m", "pytest", "-p", "tests.support.without_policies", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTEST_XDIST_WORKER": f"red{os.environ.get('PYTEST_XDIST_WORKER', '')}"}
    environment.pop("PYTEST_XDIST_WORKER_COUNT", None)
    options = ["-p", "no:xdist", "-q", "-rA", "--tb=no"]
    done = subprocess.run(
        [*command, *options, *MUST_FAIL, *MUST_PASS],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    outcome = {name: how for how, name in re.findall(r"^(PASSED|FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)}
    for name in MUST_FAIL:
        found = {how for test, how in outcome.items() if test.startswith(name)}
        # ERROR: what the test needs could not even be made, because the other tenant is in the way.
        assert found & {"FAILED", "ERROR"}, f"{name} stays green without the policies: {found}"
    for name in MUST_PASS:
        assert outcome[name] == "PASSED", done.stdout
