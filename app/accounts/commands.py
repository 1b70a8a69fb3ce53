"""`flask seed`, `sign-ins`, `create-user`, `unlock`."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from app.accounts import actions, queries
from app.accounts.rules import ROLES
from app.config import Settings
from app.core import cache
from app.core import db as database
from app.core.clock import now
from app.core.errors import FairleadError
from app.core.scope import no_tenant, tenant_context

# Written in the README: it opens sample data on the embedded servers of a workstation, nothing else.
DEMO_PASSWORD = "fairlead-demo"  # noqa: S105
DEMO_TENANTS = (
    {"slug": "acme", "name": "Acme", "zone": "America/New_York", "region": "US", "currency": "USD"},
    {"slug": "globex", "name": "Globex", "zone": "Europe/Berlin", "region": "DE", "currency": "EUR"},
)
# Features that put sample records into a tenant: `create(scope)`. Named, not imported: they stand above.
SAMPLES = ("app.leads.sample", "app.tickets.demo")


def init_app(app: Flask) -> None:
    for command in (seed, sign_ins, create_user, unlock):
        app.cli.add_command(command)


@click.command("seed")
@click.option("--password", help="Password of the sample people; needed outside development.")
@with_appcontext
def seed(password: str | None) -> None:
    """Puts in two sample organisations, if there is none yet."""
    if queries.list_tenants():
        click.echo("There are organisations already; nothing was added.")
        return
    chosen = password or (DEMO_PASSWORD if _settings().development else None)
    if chosen is None:
        chosen = click.prompt("Password for the sample people", hide_input=True, confirmation_prompt=True)
    for facts in DEMO_TENANTS:
        _seed_tenant(facts, chosen)
        click.echo(f"Added {facts['name']} with one person per role.")


@click.command("sign-ins")
@click.option("--base-url", default="http://127.0.0.1:8000", show_default=True, help="Where the web server is.")
@with_appcontext
def sign_ins(base_url: str) -> None:
    """Prints the address and a sign-in for each role."""
    for tenant in queries.list_tenants():
        with tenant_context(tenant.id):
            people = queries.list_users(queries.system_scope(tenant.id))
            database.rollback()
        click.echo(f"\n{tenant.name}: {base_url}/t/{tenant.slug}/")
        for person in sorted(people, key=lambda user: ROLES.index(user.role)):
            note = DEMO_PASSWORD if _is_demo(person.email) else "(own password)"
            click.echo(f"  {person.role:<8} {person.email:<28} {note}")


@click.command("create-user")
@click.argument("tenant")
@click.argument("email")
@click.option("--name", required=True, help="What the person is called.")
@click.option("--role", type=click.Choice(ROLES), default="agent", show_default=True, help="What they may do.")
@click.password_option(help="At least 12 characters; asked for if not given.")
@with_appcontext
def create_user(tenant: str, email: str, name: str, role: str, password: str) -> None:
    """Adds a person to an organisation."""
    found = queries.find_tenant(tenant)
    if found is None:
        raise click.ClickException(f"There is no organisation {tenant}.")
    try:
        with tenant_context(found.id):
            scope = queries.system_scope(found.id)
            actions.create_user(scope, email=email, name=name, role=role, password=password)
            database.commit()
    except FairleadError as refused:
        raise click.ClickException(refused.message) from refused
    click.echo(f"Added {email} to {found.name} as {role}.")


@click.command("unlock")
@click.argument("tenant")
@click.argument("email")
@with_appcontext
def unlock(tenant: str, email: str) -> None:
    """Lets somebody try to sign in again at once."""
    found = queries.find_tenant(tenant)
    if found is None:
        raise click.ClickException(f"There is no organisation {tenant}.")
    with tenant_context(found.id):
        user = queries.find_user_by_email(email)
        if user is None:
            database.rollback()
            raise click.ClickException(f"Nobody in {found.name} has the address {email}.")
        scope = queries.system_scope(found.id)
        lock = queries.lock_of(scope, user.id)
        actions.unlock(scope, user.id)
        database.commit()
    click.echo(f"{email} can sign in again." if lock else f"{email} was not locked; failed tries are forgotten.")


def seed_people(tenant_slug: str, password: str) -> None:
    """One person per role in the present tenant: owner@acme.example and so on. Does not commit."""
    found = queries.find_tenant(tenant_slug)
    if found is None:
        raise click.ClickException(f"There is no organisation {tenant_slug}.")
    scope = queries.system_scope(found.id)
    for role in ROLES:
        email = f"{role}@{tenant_slug}.example"
        name = f"{_FIRST_NAMES[role]} {found.name}"
        actions.create_user(scope, email=email, name=name, role=role, password=password)


_FIRST_NAMES = {"owner": "Olivia", "admin": "Adam", "manager": "Mary", "agent": "Amal", "viewer": "Victor"}


def _seed_tenant(facts: dict[str, Any], password: str) -> None:
    with database.as_migrator(_settings()) as session, no_tenant():
        tenant_id = actions.create_tenant(session, at=now(), **facts)
    cache.bump(queries.GLOBAL, queries.TENANT_KIND)
    with tenant_context(tenant_id):
        seed_people(facts["slug"], password)
        for sample in SAMPLES:
            if find_spec(sample) is not None:
                import_module(sample).create(queries.system_scope(tenant_id))
        database.commit()


def _is_demo(email: str) -> bool:
    return _settings().development and email.endswith(tuple(f"@{facts['slug']}.example" for facts in DEMO_TENANTS))


def _settings() -> Settings:
    return current_app.extensions["fairlead.settings"]
