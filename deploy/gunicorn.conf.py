"""The web server: gevent workers, because a live stream holds its connection and must cost next to nothing.

Each worker patches the standard library before it loads the application, and psycopg, imported after that,
waits without blocking the others. The application is therefore not preloaded.
"""

import gc
import os
import resource
import socket
from functools import partial
from pathlib import Path
from typing import Any

_host = os.environ.get("HOST", "127.0.0.1")
_port = os.environ.get("PORT", "8000")
bind = f"[{_host}]:{_port}" if ":" in _host else f"{_host}:{_port}"
worker_class = "gevent"
workers = int(os.environ.get("WEB_WORKERS", "2"))
# A live stream keeps its connection, LIVE_STREAMS of them a worker (2000); the rest is for everything else.
worker_connections = int(os.environ.get("LIVE_STREAMS", "2000")) + 1000
preload_app = False
# Each connection is an open file, and few systems allow more than a thousand unless they are asked.
_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (_hard, _hard))

# A request may take this long before its worker is taken for stuck.
timeout = 60
# At a restart open streams end by themselves within seconds and the browsers come back; downloads get this long.
graceful_timeout = int(os.environ.get("WEB_GRACE", "20"))
keepalive = 5
# A list's address holds its filters; longer ones are answered 414, as the API's description says.
limit_request_line = 8190

# Whoever takes or sends nothing for so long is cut off: a download that nobody reads holds a connection to the
# database.
_stall = int(os.environ.get("WEB_STALL", "60"))

# Nobody's headers are believed here: a proxy in front is counted in TRUSTED_PROXIES, which the application
# reads. gunicorn's own default trusts whoever connects from this machine, with SCRIPT_NAME too.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers = {}

# Requests are logged by the application, with their tenant and timing.
accesslog = None
errorlog = "-"
loglevel = os.environ.get("LOG_LEVEL", "info").lower()

# Heartbeats are files: in memory where that exists, a slow disk must not look like a stuck worker.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
control_socket_disable = True


_TCP_INFO, _ESTABLISHED = getattr(socket, "TCP_INFO", None), 1


def post_worker_init(worker: Any) -> None:
    """Every request's socket gets the time-out, and can tell that the worker is to stop or the browser has left."""
    # The application itself, 245,000 objects, is never garbage: to look it through took 0.15 s each time, in which
    # every page and stream of the worker stood still.
    gc.collect()
    gc.freeze()
    answer = worker.wsgi

    def stopping() -> bool:
        return not worker.alive

    def patient(environ: dict[str, Any], start_response: Any) -> Any:
        environ["gunicorn.socket"].settimeout(_stall)
        environ["fairlead.stopping"] = stopping
        if _TCP_INFO is not None:
            environ["fairlead.gone"] = partial(_has_hung_up, environ["gunicorn.socket"])
        return answer(environ, start_response)

    worker.wsgi = patient


def _has_hung_up(connection: socket.socket) -> bool:
    """Whether the other side has closed the connection: the state that Linux tells first of all about it."""
    try:
        return connection.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 1)[0] != _ESTABLISHED
    except OSError:
        return False
