"""Which hosts we answer for, and which organisations an address names (ADR 28)."""

from __future__ import annotations

from flask import Request
from werkzeug.sansio.utils import host_is_trusted

from app.config import Settings
from app.core.errors import FairleadError
from app.core.paths import TENANT_IN_PATH

TENANT_HEADER = "X-Tenant-ID"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
# Everybody's name for the bare address: never an organisation's (a reserved slug, accounts.rules).
_BARE = "www"


class WrongHost(FairleadError):
    """The request is for a host that is none of ours, or for no host that can be read."""

    status = 400
    title = "Wrong address"

    def __init__(self) -> None:
        super().__init__("Nothing is served under this name. Use the address you were given, or ask who invited you.")


class SeveralTenants(FairleadError):
    """Header, host and path name different organisations: whichever we took would be a guess."""

    status = 400
    title = "Which organisation?"

    def __init__(self) -> None:
        super().__init__("This address names two different organisations. Open one of them, and go on from there.")


class Suspended(FairleadError):
    """The organisation is closed by the operator, for its people and programs alike."""

    status = 403
    title = "Suspended"

    def __init__(self) -> None:
        super().__init__("This organisation is suspended. Its owners have been told why, and can tell you.")


def check_host(request: Request, settings: Settings) -> None:
    """The host must be the base domain, below it, this machine, or one of TRUSTED_HOSTS; its port may be any.

    In development any host will do that can be read: workstations have many names.

    Raises:
        WrongHost: it is none of these.
    """
    # As it was sent: Flask's reading of it takes a port away, and then another one may stand there.
    sent = request.environ.get("HTTP_HOST", request.host).lower()
    if not host_is_trusted(sent) or not (settings.development or _is_ours(sent, settings)):
        raise WrongHost


def tenant_names(request: Request, settings: Settings) -> list[str]:
    """What the request calls its organisation, by header, subdomain and path; slugs or ids."""
    names = (
        request.headers.get(TENANT_HEADER, "").strip(),
        subdomain(request, settings),
        request.environ.get(TENANT_IN_PATH),
    )
    return [name for name in names if name]


def subdomain(request: Request, settings: Settings) -> str | None:
    """The one label in front of the base domain, unless it is `www`."""
    host = _name(request.host.lower())
    label = host.removesuffix("." + settings.base_domain.lower())
    return label if label not in (host, _BARE) and "." not in label else None


def bare_url(request: Request, settings: Settings) -> str:
    """Where organisations are chosen: the address without any organisation in it."""
    if subdomain(request, settings) is None:
        return "/"
    port = request.host.removeprefix(_name(request.host))
    return f"{request.scheme}://{settings.base_domain}{port}/"


def _is_ours(host: str, settings: Settings) -> bool:
    base = settings.base_domain.lower()
    return _name(host) in _LOOPBACK or host_is_trusted(host, (base, f".{base}", *settings.trusted_hosts))


def _name(host: str) -> str:
    """The host without its port."""
    return host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
