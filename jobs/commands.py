"""`flask worker`, `flask scheduler`, and what walks over all tenants: `flask rotate-secrets`."""

from __future__ import annotations

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from app.accounts.queries import list_tenants
from app.core import rotation
from app.core.queue import QUEUES


def init_app(app: Flask) -> None:
    app.cli.add_command(worker)
    app.cli.add_command(scheduler)
    app.cli.add_command(rotate_secrets)


@click.command("worker")
@click.option("--queue", "queues", multiple=True, type=click.Choice(QUEUES), help="Only these; default all.")
@click.option("--burst", is_flag=True, help="Stop when the queues are empty.")
@with_appcontext
def worker(queues: tuple[str, ...], burst: bool) -> None:
    """Runs background jobs until it is stopped."""
    from jobs.working import run

    run(queues or QUEUES, burst=burst)


@click.command("scheduler")
@with_appcontext
def scheduler() -> None:
    """Rings scheduled jobs; a second one stands by."""
    from jobs.scheduling import run

    run(current_app.extensions["fairlead.settings"])


@click.command("rotate-secrets")
@with_appcontext
def rotate_secrets() -> None:
    """Seals every secret again with the first key of ENCRYPTION_KEYS, while people work."""
    total = rotation.rotate_shared()
    for tenant in list_tenants():
        total += rotation.rotate_tenant(tenant.id)
    click.echo(f"{total.done} sealed again, {total.overtaken} written by somebody else meanwhile.")
    if total.lost:
        raise click.ClickException(f"{total.lost} cannot be opened with any key: the log says which. Keep the old key.")
