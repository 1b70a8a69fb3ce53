"""`flask worker` and `flask scheduler`."""

from __future__ import annotations

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from app.core.queue import QUEUES


def init_app(app: Flask) -> None:
    app.cli.add_command(worker)
    app.cli.add_command(scheduler)


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
