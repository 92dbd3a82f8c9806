"""The portal under granian, which holds the connections; `portal.edge` decides what they may do.

ARCHITECTURE compares it with others: it alone cuts off whoever never ends the head of a request.
"""

import http.client
import multiprocessing
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from django.db import connections
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

from database.addresses import web_environment, worker_environment
from database.session import engine
from portal.beside import LEAVING_SECONDS, Beside

HEAD_SECONDS = 10
"""For the head of a request, and between two on one connection."""
HEAD_BYTES = 32_000
"""Of a request: its line and its headers."""
MOST_CONNECTIONS = 1_000
"""Of a process; those after them wait in the queue of the system."""
MAX_PORT = 65_535


STREAM_VARIABLE = "TALLYSTICK_STREAM_SOCKET"


class Unserved(OSError):
    """The portal cannot be served at an address."""


def serve(
    address: str,
    port: int,
    threads: int,
    announce: Callable[[str], object],
    *,
    workers: int = 1,
    has_worker: bool = True,
    living: Sequence[str] = (),
) -> None:
    """Serve until interrupted; `announce` is told the address once the portal answers.

    Args:
        address: to listen on.
        port: to listen on; 0 for one that is free.
        threads: in each process, that answer requests.
        announce: called from a thread.
        workers: processes that answer.
        has_worker: whether a process beside them makes what pages ask for.
        living: markets of a demonstration that are led, and fed with a day, beside them; it takes
            what a worker may.
    """
    connections.close_all()
    engine().dispose()
    of_worker = worker_environment() if has_worker else {}
    # What answers pages is told its own addresses alone. It is spawned, not forked: a fork has the
    # memory of this process, which knew others, and its environment as it began.
    of_web = web_environment()
    os.environ.clear()
    os.environ.update(of_web, TALLYSTICK_THREADS=str(threads))
    # Nobody but who serves may listen there, and its name is short, as a socket's must be.
    with tempfile.TemporaryDirectory(prefix="tallystick-") as folder:
        of_web[STREAM_VARIABLE] = os.environ[STREAM_VARIABLE] = f"{folder}/stream"
        is_leaving = threading.Event()
        with ExitStack() as beside:

            def run(environment: dict[str, str], *words: str) -> Beside:
                return beside.enter_context(Beside(environment, *words, is_leaving=is_leaving))

            if has_worker:
                run(of_worker, "worker")
            for market in living if has_worker else ():
                run(of_worker, "market", "run", market, "--json")
                run(of_worker, "market", "demonstrate", market, "--json")
            # These say nothing until they end.
            stream = run(of_web, "market", "stream", "--json")

            def leave() -> None:
                is_leaving.set()
                stream.terminate()

            _serve(address, port, announce, workers, leave)


def _serve(
    address: str,
    port: int,
    announce: Callable[[str], object],
    workers: int,
    before_leaving: Callable[[], object],
) -> None:
    multiprocessing.set_start_method("spawn", force=True)
    open_port = port or _free_port(address)
    server = Server(
        "portal.asgi:application",
        address=address,
        port=open_port,
        interface=Interfaces.ASGI,
        workers=workers,
        http1_settings=HTTP1Settings(
            header_read_timeout=HEAD_SECONDS * 1_000, max_buffer_size=HEAD_BYTES
        ),
        http=HTTPModes.http1,
        websockets=False,
        backpressure=MOST_CONNECTIONS,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=LEAVING_SECONDS,
    )
    reached = "127.0.0.1" if address in {"0.0.0.0", "::"} else address
    host = f"[{reached}]" if ":" in reached else reached

    def announce_when_open() -> None:
        while not _answers(reached, open_port):
            time.sleep(0.1)
        announce(f"http://{host}:{open_port}/")

    threading.Thread(target=announce_when_open, daemon=True).start()
    # Once the server has its handlers of signals, and before it starts what answers.
    server.on_startup(lambda: _call_before_stopping(before_leaving))
    server.serve()


def _call_before_stopping(work: Callable[[], object]) -> None:
    """Have a signal that stops the server do something first.

    It waits for answers under way, and a stream is under way for as long as who tells it lives.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        stops = signal.getsignal(number)

        def stop(*told: Any, stops: Any = stops) -> None:
            work()
            stops(*told)

        signal.signal(number, stop)


def refuse_unusable_address(address: str, port: int) -> None:
    """Refuse an address at which nothing can listen, before a process tries and dies of it.

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


def _free_port(address: str) -> int:
    """Return a port that is free; the server is told a number, as each of its processes binds."""
    family = socket.getaddrinfo(address, 0, type=socket.SOCK_STREAM)[0][0]
    with socket.create_server((address, 0), family=family) as found:
        return int(found.getsockname()[1])


def _answers(address: str, port: int) -> bool:
    """Return whether a page is answered: the port is open before the process behind it is ready."""
    asking = http.client.HTTPConnection(address, port, timeout=HEAD_SECONDS)
    try:
        asking.request("HEAD", "/healthy/")
        asking.getresponse()
        return True
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asking.close()
