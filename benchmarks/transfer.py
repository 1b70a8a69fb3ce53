"""Import and export beside PostgreSQL's own COPY: `python -m benchmarks.transfer [--rows 10000 100000 …]`.

Import: our whole job (reading the file, validation, duplicates looked up, writing, progress) against COPY as
superuser into a table with the same columns, generated column, constraints and indexes. Export: our stream
against COPY … TO STDOUT of the whole table. Each size runs in a process of its own, whose peak memory is
printed: it should not grow with the rows.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import redis

from app import create_app
from app.accounts.actions import create_tenant
from app.accounts.commands import seed_people
from app.config import Settings
from app.core import db as database
from app.core import migrating
from app.core.access import ACTIONS, EVERYTHING
from app.core.clock import now
from app.core.records.fields import ParseContext
from app.core.records.listing import read
from app.core.scope import Scope, no_tenant, tenant_context
from app.core.storage import EXTENSION
from app.core.transfer import actions, exporting, queries, running
from app.core.transfer.mapping import SKIP, Choices
from app.embedded import Servers, create_database, drop_database, ensure_servers
from app.extensions import db
from app.gateways import files
from app.leads.definition import LEADS
from benchmarks import PASSWORD, STATE, data, leads

SIZES = (10_000, 100_000, 1_000_000)
NAME = "bench_transfer"
_FIELDS = (
    *("first_name", "last_name", "email", "phone", "company", "job_title", "website", "source", "status"),
    *("rating", "estimated_value", "currency", "tags", "city", "country", "postal_code", "description"),
    *("do_not_contact", "next_follow_up"),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one size gave: seconds, and the process's peak memory in MB."""

    rows: int
    check: float
    load: float
    copy_in: float
    export: float
    copy_out: float
    undo: float
    imported_memory: float
    exported_memory: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--profile", action="store_true", help="print where the import's time goes")
    asked = parser.parse_args()
    print(
        "| rows | import rows/s | COPY FROM rows/s | ratio | check rows/s | undo rows/s | export rows/s "
        "| COPY TO rows/s | ratio | peak MB import | peak MB export |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for rows in asked.rows:
        print(_line(measure(rows, profile=asked.profile)), flush=True)


def measure(rows: int, *, profile: bool) -> Figures:
    """One size, on a fresh database."""
    servers = ensure_servers(STATE)
    drop_database(servers, NAME)
    own = create_database(servers, NAME)
    settings = _settings(own)
    redis.Redis.from_url(settings.redis_url).flushdb()  # what an earlier tenant of that name was
    migrating.upgrade(settings)
    tenant_id = _tenant(settings)
    path = _file(rows)
    try:
        check, load, memory = _apart(_import, settings, tenant_id, path, profile)
        admin = servers.admin_url.replace("/postgres?", f"/{NAME}?").replace("/fairlead?", f"/{NAME}?")
        copy_in = _copy_in(admin)
        export, copy_out, exported = _apart(_export, settings, tenant_id, rows, admin)
        (undo,) = _apart(_undo, settings, tenant_id)
    finally:
        path.unlink()
        drop_database(servers, NAME)
    return Figures(rows, check, load, copy_in, export, copy_out, undo, memory, exported)


def _line(seen: Figures) -> str:
    rates = [seen.rows / s for s in (seen.load, seen.copy_in, seen.check, seen.undo, seen.export, seen.copy_out)]
    load, copy_in, check, undo, export, copy_out = rates
    return (
        f"| {seen.rows:,} | {load:,.0f} | {copy_in:,.0f} | {load / copy_in:.0%} | {check:,.0f} | {undo:,.0f} "
        f"| {export:,.0f} | {copy_out:,.0f} | {export / copy_out:.0%} "
        f"| {seen.imported_memory:.0f} | {seen.exported_memory:.0f} |"
    )


def _apart(work: Callable[..., tuple[float, ...]], *args: Any) -> tuple[float, ...]:
    """Runs it in a new process, so that its peak memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, args)


def _import(settings: Settings, tenant_id: UUID, path: Path, profile: bool) -> tuple[float, ...]:
    app = _application(settings)
    scope = _scope(tenant_id)
    with app.app_context(), tenant_context(tenant_id):
        with path.open("rb") as stream:
            import_id = actions.upload(scope, LEADS, stream, path.name, uuid4(), 2**30)
        database.commit()
        row = queries.get_import(scope, LEADS, import_id)
        mapping = [row.mapping[str(index)] for index in range(len(row.headers))]
        assert all(mapping), mapping
        database.rollback()
        actions.check(scope, LEADS, import_id, Choices(mapping, duplicates=SKIP))
        database.commit()
        check = _timed(lambda: running.run_import(scope, import_id))
        actions.start(scope, LEADS, import_id)
        database.commit()
        load = _timed(lambda: _profiled(scope, import_id) if profile else running.run_import(scope, import_id))
        row = queries.get_import(scope, LEADS, import_id)
        assert (row.state, row.refused) == ("imported", 0), (row.state, row.message, row.refused)
        assert row.created + row.skipped == row.total_rows
    return check, load, _peak()


def _undo(settings: Settings, tenant_id: UUID) -> tuple[float, ...]:
    scope = _scope(tenant_id)
    with _application(settings).app_context(), tenant_context(tenant_id):
        (row,) = queries.list_imports(scope, LEADS)
        import_id = row.id
        actions.undo(scope, LEADS, import_id)
        database.commit()
        seconds = _timed(lambda: running.run_import(scope, import_id))
        row = queries.get_import(scope, LEADS, import_id)
        assert (row.state, row.kept, row.removed) == ("undone", 0, row.created), (row.state, row.kept)
    return (seconds,)


def _export(settings: Settings, tenant_id: UUID, rows: int, admin: str) -> tuple[float, ...]:
    """Ours and COPY in turn, three times; the best of each."""
    scope = _scope(tenant_id)
    with _application(settings).app_context(), tenant_context(tenant_id):
        # The web process has answered something before: compiling a first query is not what is measured.
        nothing = read(LEADS, {"q": ["nobody is called this"]}, ParseContext(scope))
        url = settings.database_url
        list(exporting.export_records(scope, LEADS, nothing, everything=True, database_url=url))
        database.commit()
        request = read(LEADS, {"columns": ["all"]}, ParseContext(scope))
        lines = 0

        def whole() -> None:
            nonlocal lines
            stream = exporting.export_records(scope, LEADS, request, everything=True, database_url=url)
            database.commit()
            lines = sum(block.count(b"\r\n") for block in stream)

        ours, theirs = zip(*((_timed(whole), _copy_out(admin)) for _ in range(3)), strict=True)
        assert lines > rows * 0.9, lines
    return min(ours), min(theirs), _peak()


def _copy_in(admin: str) -> float:
    """COPY of the very same rows into the same kind of table, by someone whom no policy stops."""
    place = STATE / "copy.bin"
    with psycopg.connect(database.libpq_url(admin), autocommit=True) as connection, connection.cursor() as cursor:
        names = cursor.execute(
            "select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute where attrelid = "
            "'leads'::regclass and attnum > 0 and attgenerated = '' and not attisdropped"
        ).fetchone()
        assert names is not None
        with place.open("wb") as file, cursor.copy(f"copy leads ({names[0]}) to stdout".encode()) as copy:
            for block in copy:
                file.write(block)
        cursor.execute("create table leads_copied (like leads including all)")
        cursor.execute("checkpoint")

        def load() -> None:
            with place.open("rb") as file, cursor.copy(f"copy leads_copied ({names[0]}) from stdin".encode()) as copy:
                while block := file.read(2**18):
                    copy.write(block)

        seconds = _timed(load)
        cursor.execute("drop table leads_copied")
    place.unlink()
    return seconds


def _copy_out(admin: str) -> float:
    """COPY of the same columns of the whole table, read by the same driver."""
    columns = ", ".join([*(spec.name for spec in LEADS.fields), "created_at", "updated_at"])
    with psycopg.connect(database.libpq_url(admin)) as connection, connection.cursor() as cursor:

        def read_all() -> None:
            with cursor.copy(f"copy leads ({columns}) to stdout (format csv)".encode()) as copy:
                for _ in copy:
                    pass

        return _timed(read_all)


def _file(rows: int) -> Path:
    """A file such as people have, of leads such as the other benchmarks have."""
    path = STATE / f"transfer-{rows}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([LEADS.field(name).label for name in _FIELDS])
        for lead in leads.leads(rows, 1, [uuid4()], data.BEGIN, data.END):
            lead["tags"] = ", ".join(lead["tags"])
            lead["do_not_contact"] = "yes" if lead["do_not_contact"] else ""
            writer.writerow(["" if lead.get(name) is None else lead[name] for name in _FIELDS])
    return path


def _tenant(settings: Settings) -> UUID:
    with _application(settings).app_context():
        with database.as_migrator(settings) as session, no_tenant():
            tenant_id = create_tenant(session, slug="bench", name="Bench", at=now())
        with tenant_context(tenant_id):
            seed_people("bench", PASSWORD)
            database.commit()
        db.engine.dispose()
    return tenant_id


def _application(settings: Settings) -> Any:
    app = create_app(settings)
    if EXTENSION not in app.extensions:
        files.init_app(app)
    return app


def _settings(servers: Servers) -> Settings:
    return Settings(
        database_url=servers.app_url,
        migrator_url=servers.migrator_url,
        redis_url=f"{servers.redis_url.partition('?')[0]}?db=3",
        secret_key="only-for-benchmarks-0123456789abcdef01234",
        encryption_keys=(("b1", b"only for benchmarks, not for use"),),
        state_dir=STATE,
        secure_cookies=False,
        log_level="WARNING",
        log_format="json",
        rate_limits=False,
    )


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _scope(tenant_id: UUID) -> Scope:
    """Somebody who reaches everything."""
    allowed = frozenset(LEADS.permission(action) for action in ACTIONS)
    everything = {"permissions": allowed, "reach_elsewhere": EVERYTHING}
    return Scope(tenant_id, "Bench", "bench", now=now(), **everything)


def _profiled(scope: Scope, import_id: UUID) -> None:
    import cProfile
    import pstats

    profile = cProfile.Profile()
    profile.runcall(running.run_import, scope, import_id)
    pstats.Stats(profile).sort_stats("tottime").print_stats(35)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
