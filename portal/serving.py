"""The portal under gunicorn: one process with threads, which holds the embedded database open."""

from collections.abc import Callable
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.db import connections
from gunicorn.app.base import BaseApplication

from database.session import engine

REQUEST_SECONDS = 60


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
    shown = "127.0.0.1" if address in {"0.0.0.0", "::"} else address
    options = {
        "bind": f"{address}:{port}",
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


def _port(server: Any) -> int:
    """Return the port that is open, which differs from the one asked for when that was 0."""
    return int(server.LISTENERS[0].sock.getsockname()[1])
