"""Entry points of the workers, one thin function per job.

A job is rung with ids only (`app.core.queue`), runs in an application context of its own, inside its tenant
and in one transaction, and is safe to run twice. `@job` sees to all of that but the last.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from uuid import UUID

from flask import Flask, current_app, has_app_context

from app.accounts.queries import find_tenant, system_scope
from app.core import db as database
from app.core.scope import Scope, tenant_context

Function = TypeVar("Function", bound=Callable[..., Any])
log = logging.getLogger("fairlead.job")


class JobFailed(Exception):
    """A job did not end well: the name of what went wrong, and nothing of anybody's data."""


def while_suspended(function: Function) -> Function:
    """This job goes on for a tenant the operator has suspended; every other is skipped. Stands below `@job`."""
    function.__while_suspended__ = True  # type: ignore[attr-defined]
    return function


def job(function: Function) -> Function:
    """Runs the function in its own application context, and in its tenant if it is given a `tenant_id`.

    Arguments whose name ends in `_id` arrive as text and become UUIDs. Commits at the end; an exception rolls
    back and is logged, and RQ is told that there was one: it keeps what it is told in Redis for days, and the
    text of an exception may quote somebody's row.
    """
    name = f"{function.__module__}.{function.__name__}"

    @functools.wraps(function)
    def run(**ids: Any) -> None:
        began = time.perf_counter()
        log.info("job_started", extra={"job": name, **ids})
        with _application().app_context():
            try:
                _call(function, ids)
            except Exception as error:
                database.rollback()
                log.exception("job_failed", extra={"job": name, "ms": _ms(began), **ids})
                raise JobFailed(f"{type(error).__name__}; the log has the rest") from None
            except BaseException:
                database.rollback()
                raise
        log.info("job_done", extra={"job": name, "ms": _ms(began), **ids})

    run.__job__ = True  # type: ignore[attr-defined]
    return run  # type: ignore[return-value]


def _call(function: Callable[..., Any], ids: dict[str, Any]) -> None:
    """In its tenant and one transaction; without a tenant the job enters tenants itself, one by one."""
    values = {key: _value(key, value) for key, value in ids.items()}
    if "tenant_id" not in values:
        function(**values)
        return
    if is_suspended(values["tenant_id"]) and not hasattr(function, "__while_suspended__"):
        # What it was rung for stands in a table; the sweep rings again once the tenant is resumed.
        log.info("job_skipped_suspended", extra={"job": function.__name__, **ids})
        return
    with tenant_context(values["tenant_id"]):
        function(**values)
        database.commit()


def in_each(tenants: Iterable[UUID], work: Callable[[Scope], object], failed: str) -> None:
    """Does the work tenant by tenant, each in transactions of its own; what fails in one is logged as `failed`, and
    the others have their turn. Suspended ones are passed by."""
    for tenant_id in tenants:
        if is_suspended(tenant_id):
            continue
        with tenant_context(tenant_id):
            try:
                work(system_scope(tenant_id))
                database.commit()
            except Exception:
                database.rollback()
                log.exception(failed, extra={"tenant_id": str(tenant_id)})


def is_suspended(tenant_id: UUID) -> bool:
    """Whether the operator has closed the tenant, or it is gone; read through the cache, so as of now."""
    found = find_tenant(str(tenant_id))
    return found is None or found.suspended


def _value(name: str, value: Any) -> Any:
    return UUID(value) if name.endswith("_id") and isinstance(value, str) else value


def _application() -> Flask:
    """The worker's application; made here only when RQ was started by other means."""
    if has_app_context():
        return current_app._get_current_object()  # type: ignore[attr-defined]
    return _own_application()


@functools.cache
def _own_application() -> Flask:
    from app import create_app

    return create_app()


def _ms(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)
