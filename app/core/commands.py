"""`flask migrate`, `flask assets`: what a deployment runs."""

from __future__ import annotations

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from app.config import Settings
from app.core import assets, migrating


def init_app(app: Flask) -> None:
    app.cli.add_command(migrate)
    app.cli.add_command(write_assets)


@click.command("migrate")
@with_appcontext
@click.option("--to", "revision", default="head", show_default=True, help="The revision to stop at.")
def migrate(revision: str) -> None:
    """Brings the database schema up to date."""
    migrating.upgrade(_settings(), revision)
    click.echo(f"The schema is at {revision if revision != 'head' else migrating.head()}.")


@click.command("assets")
@with_appcontext
def write_assets() -> None:
    """Compresses the static files for the server."""
    folder = assets.write_snapshot(_settings())
    click.echo(f"Static files are ready as build {folder.name}.")


def _settings() -> Settings:
    return current_app.extensions["fairlead.settings"]
