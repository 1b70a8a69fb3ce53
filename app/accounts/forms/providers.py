"""Input of a provider of single sign-on: what was typed, row by row for the groups."""

from __future__ import annotations

import re
from typing import Any

from flask import request
from wtforms import BooleanField, HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, Length

from app.accounts.models import IdentityProvider
from app.accounts.rules import ProviderValues
from app.core.forms import PlainForm, one_line

BLANK_ROWS = 3
MOST_ROWS = 50
_LONG = 300
_DOMAIN = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))+")


def _text(label: str, missing: str, most: int = _LONG) -> StringField:
    return StringField(
        label, [DataRequired(missing), Length(max=most, message=f"Use up to {most} characters.")], filters=[one_line]
    )


class ProviderForm(PlainForm):
    """The groups stand in pairs of fields, `group` and `role`, which repeat."""

    name = _text("Name", "Enter a name; it stands on the button of the sign-in page.", 60)
    issuer = _text("Issuer", "Enter the issuer, such as https://login.example.com.")
    client_id = _text("Client id", "Enter the client id that the provider gave you.")
    client_secret = PasswordField("Client secret", [Length(max=1000, message="That is too long.")])
    domains = _text("Domains of addresses", "Name at least one domain, such as example.com.", 1000)
    group_claim = StringField(
        "Claim with the groups", [Length(max=100, message="That is too long.")], filters=[one_line]
    )
    default_role = StringField("Role without a group", filters=[one_line])
    trust_second_factor = BooleanField("Trust its second factor")
    enabled = BooleanField("Enabled")
    version = HiddenField("Version")

    @classmethod
    def of(cls, row: IdentityProvider) -> ProviderForm:
        """The form of what is stored; the secret is never among it."""
        form = cls(
            formdata=None,
            data={
                "name": row.name,
                "issuer": row.issuer,
                "client_id": row.client_id,
                "domains": " ".join(row.domains),
                "group_claim": row.group_claim,
                "default_role": row.default_role or "",
                "trust_second_factor": row.trust_second_factor,
                "enabled": row.enabled,
                "version": str(row.version),
            },
        )
        form.pairs = [(group, role) for group, role in row.group_roles]
        return form

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups, roles = request.form.getlist("group"), request.form.getlist("role")
        typed = [(one_line(group), one_line(role)) for group, role in zip(groups, roles, strict=False)]
        self.pairs: list[tuple[str, str]] = [(group, role) for group, role in typed[:MOST_ROWS] if group]

    @property
    def rows(self) -> list[tuple[str, str]]:
        """The pairs, and a few empty rows to fill in."""
        return self.pairs + [("", "")] * min(BLANK_ROWS, MOST_ROWS - len(self.pairs))

    def problems(self) -> dict[str, str]:
        found = super().problems()
        wrong = [domain for domain in self._domains() if not _DOMAIN.fullmatch(domain)]
        if wrong and "domains" not in found:
            found["domains"] = f"{wrong[0][:60]} is no domain. Write it like example.com."
        if any(not role or len(group) > _LONG for group, role in self.pairs):
            found["group_roles"] = "Choose a role for each group."
        return found

    def values(self) -> ProviderValues:
        return ProviderValues(
            name=self.name.data or "",
            issuer=self.issuer.data or "",
            client_id=self.client_id.data or "",
            domains=self._domains(),
            group_claim=self.group_claim.data or "groups",
            group_roles=[[group, role] for group, role in self.pairs],
            default_role=self.default_role.data or None,
            trust_second_factor=bool(self.trust_second_factor.data),
            enabled=bool(self.enabled.data),
        )

    def _domains(self) -> list[str]:
        parts = re.split(r"[\s,;]+", (self.domains.data or "").lower())
        return list(dict.fromkeys(part.removeprefix("@") for part in parts if part))[:50]
