"""`flask create-tenant`, `tenants`, `suspend-tenant`, `resume-tenant`, `create-operator`, `operators`.

They run with the migrator's rights, like every command of a deployment, so that the first operator can be made;
in the log they are "the command line".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from app.accounts import passwords, totp
from app.config import Settings
from app.core import db as database
from app.core.clock import new_id, now
from app.core.errors import FairleadError, Invalid
from app.core.links import absolute_url
from app.core.scope import no_tenant, tenant_context
from app.operator import actions, queries, store
from app.operator.actions import COMMAND_LINE, Actor
from app.operator.actions.tenants import NewTenant
from app.operator.models import SECRET

DEMO_EMAIL = "operator@fairlead.example"
DEMO_PASSWORD = "fairlead-demo"  # noqa: S105 - of a workstation's sample data, and its app's key is random


def init_app(app: Flask) -> None:
    commands = (create_tenant, tenants, suspend_tenant, resume_tenant, create_operator, operators)
    for command in (*commands, demo_operator, operator_code):
        app.cli.add_command(command)


@click.command("create-tenant")
@click.argument("slug")
@click.option("--name", required=True, help="What the organisation is called.")
@click.option("--zone", default="UTC", show_default=True, help="Its time zone.")
@click.option("--locale", default="en", show_default=True, help="How it writes dates and numbers.")
@click.option("--region", default="US", show_default=True, help="Country of phone numbers without a prefix.")
@click.option("--currency", default="USD", show_default=True, help="Its currency.")
@click.option("--owner-email", help="Whom to invite as its first owner.")
@click.option("--owner-name", help="What they are called.")
@with_appcontext
def create_tenant(slug: str, owner_email: str | None, owner_name: str | None, **facts: str) -> None:
    """Adds an organisation and invites its owner."""
    new = NewTenant(new_id(), slug, **facts)
    actor = _actor()
    with _as_deployer(new.id) as session:
        actions.create_tenant(session, actor, new)
    click.echo(f"Added {new.name} at /t/{slug}/.")
    if owner_email:
        with _sentences():
            actions.invite_owner(actor, new.id, email=owner_email, name=owner_name or "")
        click.echo(f"The invitation for {owner_email} is on its way.")


@click.command("tenants")
@click.option("--status", type=click.Choice(("active", "suspended")), help="Only these.")
@with_appcontext
def tenants(status: str | None) -> None:
    """Lists the organisations with what they use."""
    number, more = 1, True
    while more:
        with _as_deployer() as session:
            page = queries.list_tenants(session, status=status or "", page=number)
        usage = queries.list_usage(row.id for row in page.rows)
        for row in page.rows:
            used = usage.get(row.id)
            numbers = f"{used.people} people, {used.records} records, {used.stored} bytes" if used else "not counted"
            state = "suspended" if row.suspended_at else "active"
            click.echo(f"{row.slug:<24} {state:<10} {row.created_at:%Y-%m-%d}  {numbers}  {row.name}")
        number, more = number + 1, page.has_more


@click.command("suspend-tenant")
@click.argument("slug")
@click.option("--reason", required=True, help="Its owners are told.")
@with_appcontext
def suspend_tenant(slug: str, reason: str) -> None:
    """Closes an organisation to its people and programs, at once."""
    tenant_id = _tenant_id(slug)
    with _as_deployer(tenant_id) as session:
        done = actions.suspend_tenant(session, _actor(), tenant_id, reason)
    click.echo(f"{slug} is suspended." if done else f"{slug} was suspended already.")


@click.command("resume-tenant")
@click.argument("slug")
@with_appcontext
def resume_tenant(slug: str) -> None:
    """Opens a suspended organisation again."""
    tenant_id = _tenant_id(slug)
    with _as_deployer(tenant_id) as session:
        done = actions.resume_tenant(session, _actor(), tenant_id)
    click.echo(f"{slug} is open again." if done else f"{slug} was open already.")


@click.command("create-operator")
@click.argument("email")
@click.option("--name", default="", help="What they are called.")
@click.option("--again", is_flag=True, help="For one who lost phone or password: ends both, and makes a new link.")
@with_appcontext
def create_operator(email: str, name: str, again: bool) -> None:
    """Adds an operator and prints their link."""
    with _as_deployer() as session:
        there = queries.find_operator_by_email(session, email)
        if again and there is not None:
            token = actions.begin_again(session, _actor(), there.id)
        else:
            token = actions.add_operator(session, _actor(), email=email, name=name)
    click.echo(f"Good once, for a day: {absolute_url(None, 'operator.enrol', token=token)}")
    if not store.is_there():
        click.echo("Set OPERATOR_URL: without it there is no console.", err=True)


@click.command("operators")
@with_appcontext
def operators() -> None:
    """Lists the operators."""
    with _as_deployer() as session:
        for row in queries.list_operators(session):
            state = "disabled" if row.disabled_at else "active" if row.joined_at else "invited"
            click.echo(f"{row.email:<32} {state:<9} {_day(row.last_sign_in_at)}  {row.name}")


@click.command("demo-operator", hidden=True)
@click.option("--base-url", default="http://127.0.0.1:8000", help="Where the web server is.")
@with_appcontext
def demo_operator(base_url: str) -> None:
    """Makes a workstation's sample operator, once, and prints the sign-in."""
    if not _settings().development:
        raise click.ClickException("Sample operators are for workstations. Use create-operator.")
    with _as_deployer() as session:
        row = queries.find_operator_by_email(session, DEMO_EMAIL)
        if row is None:
            actions.add_operator(session, _actor(), email=DEMO_EMAIL, name="Opal Operator")
            row = queries.find_operator_by_email(session, DEMO_EMAIL)
            assert row is not None
            row.password_hash, row.joined_at = passwords.hash_password(DEMO_PASSWORD), now()
            row.enrol_hash = row.enrol_until = None
        secret = totp.grouped(SECRET.open(row))
    click.echo(f"\nThe operator's console: {base_url}/operator/")
    click.echo(f"  {'operator':<8} {DEMO_EMAIL:<28} {DEMO_PASSWORD}")
    click.echo(f"  The key for an authenticator app: {secret}")
    click.echo("  Or ask for the present code: .venv/bin/flask operator-code")


@click.command("operator-code", hidden=True)
@with_appcontext
def operator_code() -> None:
    """Prints the code a workstation's sample operator would read off their phone."""
    import pyotp

    if not _settings().development:
        raise click.ClickException("Only on a workstation.")
    with _as_deployer() as session:
        row = queries.find_operator_by_email(session, DEMO_EMAIL)
        if row is None:
            raise click.ClickException("There is no sample operator: run demo-operator.")
        click.echo(pyotp.TOTP(SECRET.open(row)).at(now()))


@contextmanager
def _as_deployer(tenant_id: UUID | None = None) -> Iterator[Session]:
    """A transaction with the migrator's rights, of one tenant or of none; refusals as one sentence."""
    inside = tenant_context(tenant_id) if tenant_id else no_tenant()
    with _sentences(), inside:
        with database.as_migrator(_settings()) as session:
            session.expire_on_commit = False
            yield session
        store.run_later(session)


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except Invalid as refused:
        raise click.ClickException(" ".join(refused.errors.values())) from refused
    except FairleadError as refused:
        raise click.ClickException(refused.message) from refused


def _tenant_id(slug: str) -> UUID:
    with _as_deployer() as session:
        found = queries.find_tenant(session, slug)
    if found is None:
        raise click.ClickException(f"There is no organisation {slug}.")
    return found.id


def _actor() -> Actor:
    return Actor(None, COMMAND_LINE)


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at else "never     "


def _settings() -> Settings:
    return current_app.extensions["fairlead.settings"]
