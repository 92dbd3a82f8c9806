"""Telling of markets as they publish, in a process of its own, until it is stopped."""

import asyncio
import signal
import socket
from collections.abc import Callable
from pathlib import Path

from database.addresses import url_of
from database.roles.granting import plain_url
from database.roles.names import Role
from market.stream_server import StreamServer
from portal.serving import Unserved


def run_stream(announce: Callable[[str], object], *, path: str | None, port: int) -> int:
    """Tell until interrupted or ended, and return how many listened.

    Args:
        announce: is told where, once it answers.
        path: of a socket; None for a port of this machine.
        port: 0 for one that is free.

    Raises:
        Unserved: nothing can listen there, or another process does.
    """
    if path is not None and _answers(path):
        raise Unserved(f"another process tells of markets at {path}; stop it, or name a --port")
    server = StreamServer(plain_url(url_of(Role.PORTAL)))
    try:
        asyncio.run(_serve(server, announce, path, port))
    except asyncio.CancelledError:
        return server.listeners
    except (OSError, OverflowError) as error:  # the latter of a number that is no port
        reason = getattr(error, "strerror", None) or error
        raise Unserved(f"cannot listen at {path or f'port {port}'}: {reason}") from None
    finally:
        if path is not None:
            Path(path).unlink(missing_ok=True)
    raise AssertionError("a stream ends by being stopped")


async def _serve(
    server: StreamServer, announce: Callable[[str], object], path: str | None, port: int
) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await server.serve(announce, path=path, port=port)


def _answers(path: str) -> bool:
    """Return whether somebody listens at a socket; one that nobody closed is left by the dead."""
    with socket.socket(socket.AF_UNIX) as asking:
        try:
            asking.connect(path)
        except OSError:
            return False
        return True
