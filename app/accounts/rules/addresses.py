"""How names and addresses are compared."""

from __future__ import annotations

import re
import unicodedata

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


_RESERVED = """
    about abuse account accounts admin administrator api app assets auth autoconfig autodiscover billing blog cdn
    chat console dashboard demo dev dns docs email fairlead files ftp guest health help hostmaster imap info
    internal localhost login logout mail mailer me metrics mx new news noc ns ns1 ns2 official oidc operator
    operators ops pop pop3 postmaster privacy public register registry root saml secure security server settings
    shop sign-in sign-out signin signup sitemap smtp sso staging static status store support system t team test
    tests user users v1 vpn web webmail webmaster wpad www www1 www2
"""
RESERVED_SLUGS = frozenset(_RESERVED.split())
"""Names that mean something of ours, or that mail, browsers and certificate authorities take for the whole domain
(RFC 2142; the names that validate a domain's owner; proxy and mail discovery)."""


def email_key(email: str) -> str:
    """What two spellings of one address have in common: trimmed, NFKC, lower case."""
    return unicodedata.normalize("NFKC", email).strip().lower()


def name_key(name: str) -> str:
    """What two spellings of one name have in common: NFKC, single spaces, case folded."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def is_reserved(slug: str) -> bool:
    """Whether no organisation may be called so. Two hyphens in third place make a name of another script (IDNA)."""
    return slug in RESERVED_SLUGS or slug[2:4] == "--" or slug.endswith("-")


def is_slug(text: str) -> bool:
    """Lower-case letters, digits and hyphens, up to 63: it stands in host names and paths."""
    return _SLUG.fullmatch(text) is not None
