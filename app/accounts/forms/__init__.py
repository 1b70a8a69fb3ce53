"""The forms of accounts, by subject; import from here."""

from app.accounts.forms.signing_in import SignInForm

__all__ = ["SignInForm"]
