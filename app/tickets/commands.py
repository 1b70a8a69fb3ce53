"""`flask sla check`, `flask sla explain`, `flask classifier train` and `flask classifier eval`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup

from app.accounts.queries import find_tenant, system_scope
from app.core import db as database
from app.core.errors import Conflict, FairleadError
from app.core.scope import Scope, tenant_context
from app.tickets.actions import training
from app.tickets.classifier.measuring import Report
from app.tickets.classifier.offering import CATEGORY, FIELDS
from app.tickets.pages.classifier import label_names
from app.tickets.pages.clocks import ClockStory, tell_story
from app.tickets.queries import get_version
from app.tickets.queries.clocks import find_ticket_numbered
from app.tickets.rules.cases import BadCase, differences

classifier = AppGroup("classifier", help="Trains and measures an organisation's classifier of tickets.")
sla = AppGroup("sla", help="Looks into the arithmetic of service levels.")


def init_app(app: Flask) -> None:
    app.cli.add_command(sla)
    app.cli.add_command(classifier)


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


_FIELD = click.option("--field", type=click.Choice(FIELDS), default=CATEGORY, show_default=True)


@classifier.command("train")
@click.argument("tenant")
@_FIELD
def train_classifier(tenant: str, field: str) -> None:
    """Trains the classifier of TENANT here and now, and puts it to work if it is worth it."""
    scope = _scope_of(tenant)
    with tenant_context(scope.tenant_id):
        try:
            version_id = training.ask_training(scope, field)
            database.commit()
        except Conflict as busy:
            raise click.ClickException(busy.message) from busy
        training.run_training(scope, version_id)
        row = get_version(scope, version_id)
        click.echo(f"Version {row.number}: {row.state.replace('_', ' ')}. {row.problem}".strip())
        _print_report(Report.read(row.report) if row.report else None, label_names(scope, field))
        database.rollback()


@classifier.command("eval")
@click.argument("tenant")
@_FIELD
def evaluate_classifier(tenant: str, field: str) -> None:
    """Measures what training on the tickets of TENANT would give, and changes nothing."""
    scope = _scope_of(tenant)
    with tenant_context(scope.tenant_id):
        names = label_names(scope, field)
        database.rollback()
        try:
            report = training.measure_training(scope, field)
        except FairleadError as little:
            raise click.ClickException(little.message) from little
        _print_report(report, names)


def _scope_of(tenant: str) -> Scope:
    found = find_tenant(tenant)
    if found is None:
        raise click.ClickException(f"There is no organisation {tenant}.")
    with tenant_context(found.id):
        scope = system_scope(found.id)
        database.rollback()
    return scope


def _print_report(report: Report | None, names: Mapping[str, str]) -> None:
    if report is None:
        return
    click.echo(f"{report.examples:,} tickets, of which {report.held_out:,} were held out:")
    for what, share in (
        ("right", report.accuracy),
        ("a plain Naive Bayes", report.naive_bayes),
        (f"always {names.get(report.majority_label, 'the commonest')}", report.majority),
    ):
        click.echo(f"  {share:6.1%}  {what}")
    for percent in (50, 80, 95):
        labelled, right = report.at(percent / 100)
        click.echo(f"  at {percent} %: {labelled:.0%} get a label, {right or 0:.0%} of those right")
    for line in report.labels:
        click.echo(
            f"  {line.precision or 0:6.1%} right when said, {line.recall or 0:6.1%} found  {names.get(line.label)}"
        )
