"""What operators do, by subject; import from here. Each takes the session of the operator's login, and flushes."""

from app.operator.actions.logging import COMMAND_LINE, Actor, record
from app.operator.actions.people import add_operator, begin_again, disable_operator, enable_operator, enrol, seal_again
from app.operator.actions.signing_in import REFUSED, sign_in, sign_out
from app.operator.actions.tenants import (
    create_tenant,
    invite_owner,
    record_invitation,
    resume_tenant,
    send_owner_again,
    suspend_tenant,
)

__all__ = [
    "COMMAND_LINE",
    "REFUSED",
    "Actor",
    "add_operator",
    "begin_again",
    "create_tenant",
    "disable_operator",
    "enable_operator",
    "enrol",
    "invite_owner",
    "record",
    "record_invitation",
    "resume_tenant",
    "seal_again",
    "send_owner_again",
    "sign_in",
    "sign_out",
    "suspend_tenant",
]
