"""An operator at the console: made and signed in as a person would be, with the codes of their app."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyotp
from flask import Flask

from app.accounts import passwords
from app.core.clock import now
from app.core.scope import no_tenant
from app.operator import actions, queries, store
from app.operator.actions import Actor
from app.operator.models import SECRET
from tests.support.clients import PageClient, PageResponse

PASSWORD = "correct horse battery operator"
EMAIL = "opal@fairlead.example"


def add_operator(app: Flask, email: str = EMAIL, name: str = "Opal") -> str:
    """An operator who is set up; returns the secret of their app."""
    with app.app_context(), no_tenant(), store.transaction() as session:
        actions.add_operator(session, Actor(None, "a test"), email=email, name=name)
        row = queries.find_operator_by_email(session, email)
        assert row is not None
        row.password_hash, row.joined_at = passwords.hash_password(PASSWORD), now()
        row.enrol_hash = row.enrol_until = None
        return SECRET.open(row)


def forget_codes(admin: Any) -> None:
    """A code counts once; a test that signs in twice within half a minute has to go back."""
    admin.execute("update operators set last_step = 0")


def code(secret: str, *, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(now() + timedelta(seconds=30 * steps))


class ConsoleClient(PageClient):
    """At the bare address; `client.get("/operator/tenants")`."""

    def enter(self, secret: str, email: str = EMAIL, password: str = PASSWORD, **more: Any) -> PageResponse:
        self.token = None
        self.get("/operator/sign-in")
        typed = {"email": email, "password": password, "code": code(secret)} | more
        answer = self.submit("/operator/sign-in", typed)
        self.token = None
        return answer

    def csrf(self) -> str:
        if self.token is None:
            self.get("/operator/no-such-page")
        assert self.token is not None
        return self.token


def console_client(app: Flask) -> ConsoleClient:
    made = ConsoleClient(app, PageResponse, use_cookies=True)
    made.root = ""
    return made
