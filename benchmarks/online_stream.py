"""Many who listen to a market's stream: whether each is told all, and what their server holds.

The server of streams is a process of its own, as it is when it serves. Those who listen do so over
loopback, and read each event to its id; whoever is cut off resumes from the last id that it read,
as a browser does.
"""

import asyncio
import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Event as Flag
from time import perf_counter
from typing import NamedTuple

import psutil

from market.places import Place, read_place
from market.stream_server import StreamServer

MOST_EVENT_BYTES = 2**22
FIRST_S, LAST_S = 2.0, 20.0
"""Before memory is looked at first; and for who listens to read what is left, at most."""
ID = re.compile(rb"^id: (\S+)$", re.MULTILINE)
PORT = re.compile(r":(\d+)/")
MB = 1_000_000


class Listened(NamedTuple):
    """What came of it.

    Attributes:
        published: places that were published while they listened.
        wrong: of all who listened, the most places that one missed, was told twice, or was told
            out of order.
        resumed: how often one was cut off, and went on.
        first_mb, last_mb: what the server of streams held in memory.
    """

    published: int
    wrong: int
    resumed: int
    first_mb: float
    last_mb: float


@dataclass
class Listener:
    """Somebody who listens from a place on."""

    market: str
    port: int
    after: str
    places: list[str] = field(default_factory=list)
    resumed: int = 0

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._listen()
            self.resumed += 1

    async def _listen(self) -> None:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, limit=MOST_EVENT_BYTES
        )
        last = self.places[-1] if self.places else self.after
        writer.write(
            f"GET /market/{self.market}/stream HTTP/1.1\r\nLast-Event-ID: {last}\r\n\r\n".encode()
        )
        try:
            await reader.readuntil(b"\r\n\r\n")
            while True:
                told = ID.search(await reader.readuntil(b"\n\n"))
                if told:
                    self.places.append(told[1].decode())
        finally:
            writer.close()


class Stopwatch:
    """One who listens to a stream, and when it had each batch, by its first sequence."""

    def __init__(self, market: str, port: int) -> None:
        self.heard_s: dict[int, float] = {}
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.sendall(f"GET /market/{market}/stream HTTP/1.1\r\n\r\n".encode())
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        unread = b""
        while told := self._socket.recv(MOST_EVENT_BYTES):
            now = perf_counter()
            *events, unread = (unread + told).split(b"\n\n")
            for each in events:
                if found := ID.search(each):
                    place = read_place(found[1].decode())
                    self.heard_s.setdefault(place.sequence if place else 0, now)

    def end(self) -> None:
        """Listen no more."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()


@contextmanager
def served(url: str) -> Iterator[tuple[int, int]]:
    """Give the port of a server of streams, a process of its own, and its number."""
    theirs, ours = (context := get_context("fork")).Pipe()
    server = context.Process(target=_serve, args=(url, ours), daemon=True)
    server.start()
    try:
        if not theirs.poll(30):
            raise TimeoutError("the server of streams did not answer within half a minute")
        yield int(theirs.recv()), server.pid or 0
    finally:
        server.kill()
        server.join()


def listened(
    url: str,
    market: str,
    count: int,
    work: Callable[[], None],
    places_after: Callable[[Place], Sequence[str]],
    after: Place,
) -> Listened:
    """Let so many listen while work is done, and say what each was told.

    Args:
        url: of the database.
        work: hands events in, by a thread, until it returns.
        places_after: of all that is published since a place, in order.
        after: the last place before the work.
    """
    with served(url) as (port, process):
        told = _Listening(market, port, count, process, places_after, after)
        return asyncio.run(told.while_at(work))


def _serve(url: str, where: Connection) -> None:
    def announce(address: str) -> None:
        found = PORT.search(address)
        where.send(found[1] if found else "0")

    asyncio.run(StreamServer(url).serve(announce))


@dataclass
class _Listening:
    market: str
    port: int
    count: int
    server: int
    places_after: Callable[[Place], Sequence[str]]
    after: Place

    async def while_at(self, work: Callable[[], None]) -> Listened:
        them = [Listener(self.market, self.port, str(self.after)) for _ in range(self.count)]
        tasks = [asyncio.create_task(each.run()) for each in them]
        done = Flag()

        def working() -> None:
            try:
                work()
            finally:
                done.set()

        doing = asyncio.create_task(asyncio.to_thread(working))
        await asyncio.sleep(FIRST_S)
        first_mb = self._held_mb()
        await doing
        published = list(self.places_after(self.after))
        loop = asyncio.get_running_loop()
        until = loop.time() + LAST_S
        while loop.time() < until and any(len(each.places) < len(published) for each in them):
            await asyncio.sleep(0.05)
        last_mb = self._held_mb()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return Listened(
            len(published),
            max(_wrong(each.places, published) for each in them),
            sum(each.resumed for each in them),
            first_mb,
            last_mb,
        )

    def _held_mb(self) -> float:
        return round(psutil.Process(self.server).memory_info().rss / MB, 1)


def _wrong(told: Sequence[str], published: Sequence[str]) -> int:
    """Return how many places one missed, had twice, or had out of order.

    >>> _wrong(["1.1", "2.1", "2.1"], ["1.1", "2.1", "3.1"]), _wrong(["2.1", "1.1"], ["1.1", "2.1"])
    (2, 1)
    """
    missed = len(set(published) - set(told))
    doubled = len(told) - len(set(told))
    order = [read_place(each) or Place() for each in told]
    return missed + doubled + sum(b < a for a, b in pairwise(order))
