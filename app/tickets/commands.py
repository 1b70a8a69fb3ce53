"""`flask sla check`."""

from __future__ import annotations

import json
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup

from app.tickets.rules.cases import BadCase, differences

sla = AppGroup("sla", help="Looks into the arithmetic of service levels.")


def init_app(app: Flask) -> None:
    app.cli.add_command(sla)


@sla.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """Runs the worked cases of FILE against the engine; ends with 1 if any differs."""
    try:
        cases = json.loads(file.read_text())["cases"]
    except (ValueError, KeyError, TypeError) as wrong:
        raise click.ClickException(f"{file.name} is no file of cases: {wrong}") from wrong
    failed = sum(not _agrees(case) for case in cases)
    click.echo(f"{len(cases) - failed} of {len(cases)} cases agree.")
    raise SystemExit(1 if failed else 0)


def _agrees(case: dict[str, object]) -> bool:
    """Prints the verdict on one case, and what differs."""
    try:
        found = differences(case)
    except BadCase as wrong:
        found = [f"cannot be read: {wrong}"]
    click.echo(f"{'differs' if found else 'agrees '}  {case.get('name', 'a case without a name')}")
    for sentence in found:
        click.echo(f"         {sentence}")
    return not found
