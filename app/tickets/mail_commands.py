"""`flask mail receive`: for a mail server that pipes mail into a program."""

from __future__ import annotations

import os
import sys

import click
from flask import Flask
from flask.cli import AppGroup

from app.accounts.queries import find_tenant, system_scope
from app.core import db as database
from app.core.errors import Invalid
from app.core.scope import tenant_context
from app.core.storage import FileTooLarge
from app.tickets.actions.storing_mail import store_mail
from app.tickets.queries import mailboxes

mail = AppGroup("mail", help="Takes mail in.")
PIPE = "pipe"


def init_app(app: Flask) -> None:
    app.cli.add_command(mail)


@mail.command("receive")
@click.option("--tenant", required=True, help="The organisation's short name.")
@click.option("--mailbox", required=True, help="The address of the mailbox.")
def receive(tenant: str, mailbox: str) -> None:
    """Keeps the mail on standard input. Ends as mail servers understand it (sysexits.h): 0 once it is kept, 67 for an
    unknown mailbox, 65 for a mail that can never be taken, 75 for trouble that may pass.
    """
    try:
        _receive(tenant, mailbox)
    except (FileTooLarge, Invalid) as refused:
        _end(
            os.EX_DATAERR,
            "The mail is too large to be taken." if isinstance(refused, FileTooLarge) else refused.message,
        )
    except click.exceptions.Exit:
        raise
    except Exception as trouble:
        _end(os.EX_TEMPFAIL, f"The mail could not be kept now ({type(trouble).__name__}).")


def _receive(tenant: str, address: str) -> None:
    found = find_tenant(tenant)
    if found is None:
        _end(os.EX_NOUSER, f"There is no organisation {tenant}.")
        return
    with tenant_context(found.id):
        scope = system_scope(found.id)
        row = mailboxes.find_by_address(scope, address)
        mailbox_id = row.id if row is not None and row.active else None
        database.rollback()
        if mailbox_id is None:
            _end(os.EX_NOUSER, f"{tenant} has no mailbox {address}.")
            return
        stored = store_mail(scope, mailbox_id, sys.stdin.buffer, way=PIPE)
        database.commit()
    click.echo("Kept." if stored.new else "It came before and is kept.")


def _end(code: int, sentence: str) -> None:
    click.echo(sentence, err=True)
    raise click.exceptions.Exit(code)
