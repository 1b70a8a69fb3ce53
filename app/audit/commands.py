"""`flask audit head` and `flask audit verify`: what proves that the log is as it was written."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext

from app.accounts.queries import TenantInfo, find_tenant, list_tenants
from app.core import chain_check
from app.core import db as database
from app.core.chain import Head, find_head
from app.core.chain_check import Report
from app.core.clock import now
from app.core.scope import no_tenant, tenant_context

audit = AppGroup("audit", help="The proof that nobody changed the event log.")


def init_app(app: Flask) -> None:
    app.cli.add_command(audit)


@audit.command("head")
@click.argument("tenant", required=False)
@with_appcontext
def head(tenant: str | None) -> None:
    """Prints the end of each chain, POSITION:HASH, for keeping where nobody of this machine can reach it."""
    for info in _chosen(tenant):
        with tenant_context(info.id):
            click.echo(f"{info.slug} {find_head(info.id)}")
            database.rollback()


@audit.command("verify")
@click.argument("tenant", required=False)
@click.option("--expect", help="A head that was kept, POSITION:HASH; tells whether the end was cut off since.")
@with_appcontext
def verify(tenant: str | None, expect: str | None) -> None:
    """Checks every event and link; names what was changed, removed, inserted or moved, and fails if anything was."""
    if expect and not tenant:
        raise click.UsageError("Name the organisation whose head that is.")
    wanted = _head(expect) if expect else None
    reports = []
    for info in _chosen(tenant):
        with tenant_context(info.id):
            reports.append(chain_check.verify(info.id, now(), expect=wanted))
        _tell(info, reports[-1])
    if not all(report.sound for report in reports):
        raise SystemExit(1)


def _tell(info: TenantInfo, report: Report) -> None:
    verdict = "sound" if report.sound else f"{report.problems:,} PROBLEMS"
    click.echo(
        f"{info.slug}: {verdict}; {report.events:,} events, {report.links:,} in the chain, {report.waiting:,} too "
        f"young for it, {report.erased:,} erased; head {report.head}"
    )
    for finding in report.findings:
        click.echo(f"  {finding.what}: {finding.sentence}")
    if report.problems > len(report.findings):
        click.echo(f"  … and {report.problems - len(report.findings):,} more.")


def _chosen(slug: str | None) -> list[TenantInfo]:
    with no_tenant():
        found = [find_tenant(slug)] if slug else list_tenants()
        database.rollback()
    tenants = [info for info in found if info is not None]
    if not tenants:
        raise click.ClickException("There is no such organisation.")
    return tenants


def _head(text: str) -> Head:
    position, _, digits = text.strip().rpartition(" ")[2].partition(":")
    try:
        made = Head(int(position), bytes.fromhex(digits))
    except ValueError:
        raise click.UsageError("A head is written POSITION:HASH, as `flask audit head` prints it.") from None
    if len(made.hash) != 32:
        raise click.UsageError("The hash of a head has 64 digits.")
    return made
