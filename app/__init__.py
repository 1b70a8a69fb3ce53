"""Fairlead: `create_app` puts the application together; everything it calls lives elsewhere."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app.config import Settings, flask_options, load_settings

FEATURES = (
    "app.core.health",
    "app.core.live.routes",
    "app.accounts.routes.entering",
    "app.accounts.routes.organisation",
    "app.accounts.routes.links",
    "app.accounts.routes.recovery",
    "app.accounts.routes.joining",
    "app.accounts.routes.people",
    "app.accounts.routes.teams",
    "app.accounts.routes.roles",
    "app.accounts.routes.profile",
    "app.accounts.routes.second_factor",
    "app.accounts.routes.passkeys",
    "app.accounts.routes.security",
    "app.accounts.routes.sessions",
    "app.accounts.routes.unlocking",
    "app.accounts.routes.auth_api",
    "app.accounts.routes.single_sign_on",
    "app.accounts.routes.sso",
    "app.operator.routes",
    "app.accounts.routes.tokens",
    "app.notifications.routes",
    "app.leads.routes",
    "app.audit.routes",
    "app.leads.api",
    "app.tickets.routes.tickets",
    "app.tickets.routes.ratings",
    "app.tickets.routes.agents",
    "app.tickets.routes.relations",
    "app.tickets.routes.policies",
    "app.tickets.routes.calendars",
    "app.tickets.routes.desk",
    "app.tickets.routes.clocks",
    "app.tickets.routes.figures",
    "app.tickets.routes.conversation",
    "app.tickets.routes.files",
    "app.tickets.routes.canned",
    "app.tickets.routes.messages_api",
    "app.tickets.routes.classification",
    "app.tickets.routes.classifier",
    "app.tickets.routes.mailboxes",
    "app.tickets.routes.mail_in",
    "app.tickets.api",
    "app.tickets.routes.categories",
    "app.core.openapi.routes",
    "app.privacy.routes",
)
# Pages for workstations and tests; elsewhere they do not exist.
DEVELOPMENT = ("app.gateways.mail.routes",)
COMMANDS = (
    "app.core.commands",
    "app.accounts.commands",
    "app.audit.commands",
    "app.operator.commands",
    "app.tickets.commands",
    "app.tickets.mail_commands",
    "jobs.commands",
)


def create_app(settings: Settings | None = None) -> Flask:
    """The application.

    Raises:
        ConfigurationError: a needed setting is missing.
    """
    settings = settings or load_settings()
    app = Flask(__name__, static_folder=None)
    # /leads and /leads/ are one page: a redirect in between would only cost a round trip.
    app.url_map.strict_slashes = False
    _configure(app, settings)
    _extend(app, settings)
    local = DEVELOPMENT if settings.development or settings.testing else ()
    for feature in (*FEATURES, *local, *settings.extra_kinds):
        _add_feature(app, feature)
    for commands in COMMANDS:
        import_module(commands).init_app(app)
    _wrap(app, settings)
    return app


def _configure(app: Flask, settings: Settings) -> None:
    from app.core import clock, logs

    logs.configure(settings)
    app.extensions["fairlead.settings"] = settings
    app.config.from_mapping(flask_options(settings))
    if settings.clock_file:
        clock.moved_by(settings.clock_file)


def _extend(app: Flask, settings: Settings) -> None:
    from app.accounts import gate
    from app.core import answers, cache, db, pipeline, queue, templating
    from app.extensions import csrf, limiter
    from app.gateways import files
    from app.gateways.mail import sending

    csrf.init_app(app)
    db.init_app(app, settings)
    cache.init_app(app, settings.redis_url)
    queue.init_app(app, settings.redis_url)
    pipeline.init_app(app, settings, gate)
    gate.init_app(app)
    # After the pipeline's steps: a limit may count by tenant.
    limiter.init_app(app)
    files.init_app(app)
    sending.init_app(app, settings)
    templating.init_app(app)
    answers.init_app(app)


def _add_feature(app: Flask, name: str) -> None:
    """Registers a feature's `blueprint`, and lets it say more in `init_app(app)` if it has one."""
    if find_spec(name) is None:
        return
    module = import_module(name)
    app.register_blueprint(module.blueprint)
    if hasattr(module, "init_app"):
        module.init_app(app)


def _wrap(app: Flask, settings: Settings) -> None:
    """WSGI layers, innermost first."""
    from app.core import assets
    from app.core.paths import TenantPaths

    app.wsgi_app = TenantPaths(app.wsgi_app)  # type: ignore[method-assign]
    assets.init_app(app, settings)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
