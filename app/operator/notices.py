"""What an organisation's owners are told by mail when the operator closes or opens it.

Read from the organisation's own log by the dispatcher, so a mail is owed exactly when the deed is done.
"""

from __future__ import annotations

from app.accounts.queries import list_users, system_scope
from app.core import dispatcher
from app.core.events import EventRow
from app.gateways.mail import Recipient, send_mail

TEMPLATES = "operator/"
"""Mail of these templates leaves even while the organisation is suspended."""
_MAILS = {"tenant.suspended": "operator/suspended", "tenant.resumed": "operator/resumed"}


def init_app() -> None:
    dispatcher.subscribe("operator.notices", frozenset(_MAILS), tell_owners)


def tell_owners(event: EventRow) -> None:
    """One mail an owner and event, however often this runs."""
    scope = system_scope(event.tenant_id)
    for user in list_users(scope):
        if user.role == "owner":
            send_mail(
                scope,
                to=Recipient(user.name, user.email),
                template=_MAILS[event.type],
                context={"name": user.name, "reason": event.data.get("reason", ""), "at": event.at},
                key=f"{event.id}:{user.id}",
            )
