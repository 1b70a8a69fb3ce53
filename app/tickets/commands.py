"""`flask sla check` and `flask sla explain`."""

from __future__ import annotations

import json
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup

from app.accounts.queries import find_tenant, system_scope
from app.core import db as database
from app.core.scope import tenant_context
from app.tickets.pages.clocks import ClockStory, tell_story
from app.tickets.queries.clocks import find_ticket_numbered
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


@sla.command("explain")
@click.argument("number", type=int)
@click.option("--tenant", required=True, help="The organisation's short name.")
def explain(number: int, tenant: str) -> None:
    """Prints why ticket NUMBER is due when it is: every stretch of every clock, and what counted."""
    found = find_tenant(tenant)
    if found is None:
        raise click.ClickException(f"There is no organisation {tenant}.")
    with tenant_context(found.id):
        scope = system_scope(found.id)
        ticket_id = find_ticket_numbered(scope, number)
        stories = tell_story(scope, ticket_id) if ticket_id else []
        database.rollback()
    if ticket_id is None:
        raise click.ClickException(f"{found.name} has no ticket {number}.")
    if not stories:
        click.echo("Nothing was promised for this ticket, so nothing is due.")
    for story in stories:
        _print(story)


def _print(story: ClockStory) -> None:
    click.echo(f"\n{story.view.label} ({story.view.target})")
    click.echo(f"  {story.result} Calendar {story.calendar}, {story.zone}.")
    for place, line in enumerate(story.lines):
        if story.left_out and place == len(story.lines) // 2:
            click.echo(f"  … {story.left_out} stretches are left out here …")
        click.echo(f"  {line.text:<34} {line.length or '-':>12} {line.used or '0 min':>12}  {line.why}".rstrip())
    for sentence in story.fired:
        click.echo(f"  {sentence}")


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
