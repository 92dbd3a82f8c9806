"""The portal under gunicorn: one process with threads, which holds the embedded database open."""

import socket
from collections.abc import Callable
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.db import connections
from gunicorn.app.base import BaseApplication

from database.session import engine

REQUEST_SECONDS = 60
MAX_PORT = 65_535


class Unserved(OSError):
    """The portal cannot be served at an address."""


class Portal(BaseApplication):
    """Gunicorn's application, configured by this process instead of a file."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        """Hand gunicorn its settings."""
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Return what answers requests."""
        return get_wsgi_application()


def serve(address: str, port: int, threads: int, announce: Callable[[str], object]) -> None:
    """Serve until interrupted; `announce` is told the address once the port is open."""
    connections.close_all()  # a connection must not be shared across gunicorn's fork
    # Nor may one of SQLAlchemy's: two processes would read each other's answers from it.
    engine().dispose()
    host = f"[{address}]" if ":" in address else address
    shown = "127.0.0.1" if address in {"0.0.0.0", "::"} else host
    options = {
        "bind": f"{host}:{port}",
        # Its threads share the notices that are kept; what is heavy has a process of its own.
        "workers": 1,
        "threads": threads,
        "worker_class": "gthread",
        "timeout": REQUEST_SECONDS,
        "loglevel": "warning",
        "control_socket_disable": True,
        "when_ready": lambda server: announce(f"http://{shown}:{_port(server)}/"),
    }
    Portal(options).run()


def refuse_unusable_address(address: str, port: int) -> None:
    """Refuse an address at which nothing can listen, before gunicorn tries five times.

    Raises:
        Unserved: naming the address, and why.
    """
    if not 0 <= port <= MAX_PORT:
        raise Unserved(
            f"{port} is not a port: name one from 1 to {MAX_PORT}, or 0 for one that is free"
        )
    try:
        family = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0][0]
        with socket.create_server((address, port), family=family):
            pass
    except (OSError, UnicodeError) as error:  # the latter of a name that no host can have
        reason = error.strerror if isinstance(error, OSError) else "no host has such a name"
        raise Unserved(
            f"cannot listen on {address} port {port}: {reason or error}; name another "
            "--port (0 takes one that is free), or the --address of this machine"
        ) from None


def _port(server: Any) -> int:
    """Return the port that is open, which differs from the one asked for when that was 0."""
    return int(server.LISTENERS[0].sock.getsockname()[1])
