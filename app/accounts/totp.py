"""Codes of authenticator apps (RFC 6238): six digits, SHA-1, thirty seconds, as every app knows them."""

from __future__ import annotations

import hmac
from datetime import datetime

import pyotp
import segno
from markupsafe import Markup

from app.accounts.rules.second_factor import STEP, WINDOW, digits_of


def new_secret() -> str:
    """160 random bits in base 32, what RFC 4226 (4) recommends."""
    return pyotp.random_base32(32)


def matching_step(secret: str, typed: str, at: datetime, *, after: int) -> int | None:
    """The step whose code was typed, if it is of now or a step beside and later than `after`; else None.

    pyotp's own `verify` accepts a code again and again; whoever keeps the step returned as the next `after`
    accepts each once, and never an earlier one.
    """
    digits = digits_of(typed)
    if not digits:
        return None
    present = int(at.timestamp()) // STEP
    fits = [step for step in range(present - WINDOW, present + WINDOW + 1) if _is_code(secret, step, digits)]
    return next((step for step in fits if step > after), None)


def address_of(secret: str, account: str, issuer: str) -> str:
    """What the picture tells an authenticator app."""
    return pyotp.TOTP(secret, interval=STEP).provisioning_uri(name=account, issuer_name=issuer)


def picture_of(address: str) -> Markup:
    """A QR code as SVG with presentation attributes only: no style, so it stands under our CSP."""
    drawn = segno.make(address, error="m").svg_inline(omitsize=True, light="#fff", dark="#000", svgclass="qr-code")
    return Markup(drawn)  # noqa: S704 - drawn by the library: squares, no text of anybody's


def grouped(secret: str) -> str:
    """The secret for typing by hand, in fours."""
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))


def _is_code(secret: str, step: int, digits: str) -> bool:
    return hmac.compare_digest(pyotp.TOTP(secret, interval=STEP).at(step * STEP), digits)
