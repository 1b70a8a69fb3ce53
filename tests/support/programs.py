"""Programs that use the API: a client with a bearer token, and how to get one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask

from app.accounts import actions, queries
from app.accounts.actions import Origin, Tokens
from app.core.clock import now
from app.core.scope import Scope
from tests.support.clients import PageClient, PageResponse


class Program(PageClient):
    """Asks as a program does: no cookies, a token, JSON in and out."""

    bearer: str = ""

    def open(self, *args: Any, check: bool = True, **kwargs: Any) -> PageResponse:  # type: ignore[override]
        headers = dict(kwargs.pop("headers", {}))
        if self.bearer:
            headers.setdefault("Authorization", f"Bearer {self.bearer}")
        return super().open(*args, check=check, headers=headers, **kwargs)


def program_of(app: Flask, tenant: str = "acme", bearer: str = "") -> Program:
    """`tenant` "" is an address that names none."""
    made = Program(app, PageResponse, use_cookies=False)
    made.root = f"/t/{tenant}" if tenant else ""
    made.bearer = bearer
    return made


def personal_token(inside: Callable[..., Any], scope: Scope, *scopes: str, days: int = 30) -> str:
    """A personal token of this person; with everything they may do unless `scopes` are named."""
    with inside(scope):
        made = actions.create_api_token(
            scope,
            name="A program",
            scopes=scopes or sorted(scope.permissions),
            expires_at=scope.now + timedelta(days=days),
        )
    return made.text


def signed_in_program(inside: Callable[..., Any], scope: Scope) -> Tokens:
    """What a program gets that signed in as this person."""
    with inside(scope):
        tenant = queries.get_tenant(scope.tenant_id)
        assert scope.user_id is not None
        user = queries.get_user(scope, scope.user_id)
        return actions.begin_family(tenant, user, Origin("192.0.2.7", "a program/1"), at=now())
