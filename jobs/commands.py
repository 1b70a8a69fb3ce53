"""`flask worker`, `flask scheduler`, and what walks over all tenants: `rotate-secrets`, `send-test-mail`."""

from __future__ import annotations

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from app.accounts.queries import list_tenants, system_scope
from app.core import db as database
from app.core import rotation
from app.core.errors import FairleadError
from app.core.queue import QUEUES
from app.core.scope import no_tenant, tenant_context
from app.gateways.mail import Recipient, queries, send_mail, sending
from app.operator.actions import seal_again


def init_app(app: Flask) -> None:
    app.cli.add_command(worker)
    app.cli.add_command(scheduler)
    app.cli.add_command(rotate_secrets)
    app.cli.add_command(send_test_mail)


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
    # Out of the application login's reach.
    with database.as_migrator(current_app.extensions["fairlead.settings"]) as session, no_tenant():
        total += rotation.Rotated(done=seal_again(session))
    click.echo(f"{total.done} sealed again, {total.overtaken} written by somebody else meanwhile.")
    if total.lost:
        raise click.ClickException(f"{total.lost} cannot be opened with any key: the log says which. Keep the old key.")


@click.command("send-test-mail")
@click.argument("address")
@click.option("--tenant", "slug", help="In the name of this organisation; default the first.")
@with_appcontext
def send_test_mail(address: str, slug: str | None) -> None:
    """Sends a mail now, and says what the mail server answered."""
    tenant = next((found for found in list_tenants() if slug in (None, found.slug)), None)
    if tenant is None:
        raise click.ClickException("There is no such organisation.")
    if not sending.is_set_up():
        raise click.ClickException("Mail is not set up: set SMTP_URL and MAIL_FROM.")
    with tenant_context(tenant.id):
        scope = system_scope(tenant.id)
        context = {"name": address.partition("@")[0], "at": scope.now}
        try:
            mail_id = send_mail(scope, to=Recipient("", address), template="mail/test", context=context)
        except FairleadError as refused:
            raise click.ClickException(refused.message) from refused
        database.commit()
        sending.send_due(scope)
        status, reason = queries.get_outcome(scope, mail_id)
        database.rollback()
    if status != "sent":
        raise click.ClickException(f"It was not taken ({status}): {reason or 'a worker is sending it.'}")
    click.echo("The mail server has taken it.")
