"""A market's publications, told to many at once as they come, and to each from where it left off.

What is published is read once, whoever listens, and written to every connection. Nobody is waited
for: whoever does not read what it was sent is cut off, and resumes later from the place that it
names. So what a reader costs is bounded, and one that stops keeps nobody else waiting.

Whoever joins first catches up, page by page, at its own speed. It joins the others at a moment at
which it was sent all that they were: nothing else happens between that look and the joining, as one
event loop does both.
"""

import asyncio
import logging
from dataclasses import dataclass, field

import psycopg

from market.places import Place
from market.stream_store import Reader, Told, listening

MOST_SUBSCRIBERS = 500
MOST_UNREAD_BYTES = 1_000_000
"""Written and not yet read by whom it was sent to: dozens of publications of a thousand holons."""
PAGE = 50
"""Publications that are read at once."""
HEART_SECONDS = 15
RETRY_SECONDS = 1
"""After the database failed."""
READ_SECONDS = 15
"""For who catches up to read a page."""

log = logging.getLogger("market.stream")


@dataclass(eq=False)
class Subscriber:
    """Somebody who listens to a market.

    Attributes:
        sent: the last place that it was sent, or had before.
        is_live: whether it is told what comes; until then it catches up.
    """

    writer: asyncio.StreamWriter
    sent: Place
    is_live: bool = False

    def tell(self, told: Told) -> None:
        """Write a publication, unless it was told; who leaves too much unread is cut off."""
        if told.place > self.sent:
            self.sent = told.place
            self.write(event_text(told))

    def write(self, text: bytes) -> None:
        """Write, or cut off who leaves too much unread."""
        if self.writer.transport.get_write_buffer_size() > MOST_UNREAD_BYTES:
            self.writer.transport.abort()
        else:
            self.writer.write(text)


@dataclass(eq=False)
class Audience:
    """Who listens to a market, and up to where those who are live were told."""

    told: Place
    subscribers: set[Subscriber] = field(default_factory=set)


class Stream:
    """Tells subscribers what is published; `run` does the work until it is cancelled."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._live = Reader(url)
        self.past = Reader(url)
        self._audiences: dict[str, Audience] = {}
        self._published: set[str] = set()
        self._wakes = asyncio.Event()

    def __len__(self) -> int:
        return sum(len(audience.subscribers) for audience in self._audiences.values())

    async def run(self) -> None:
        """Listen and tell until cancelled; a database that fails is asked again."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen())
                group.create_task(self._tell())
                group.create_task(self._beat())
        finally:
            await self._live.close()
            await self.past.close()

    async def subscribe(
        self,
        market: str,
        after: Place | None,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Tell a connection what a market published after a place, until it goes.

        Args:
            after: from the next publication on where it names none; a place that is not reached
                yet is that of a log that is no more, and stands for none.
            reader: by which it is seen that it is gone.

        Raises:
            psycopg.Error: the database failed while it caught up.
            TimeoutError: it did not read what it missed.
        """
        newest = await self.past.newest(market)
        subscriber = Subscriber(writer, newest if after is None else min(after, newest))
        audience = self._audiences.setdefault(market, Audience(newest))
        audience.subscribers.add(subscriber)
        try:
            await self._catch_up(market, audience, subscriber)
            while await reader.read(1_024):
                pass  # nothing is asked of who listens
        finally:
            audience.subscribers.discard(subscriber)
            # Whoever comes next begins with what is newest then.
            if not audience.subscribers and self._audiences.get(market) is audience:
                del self._audiences[market]

    async def _catch_up(self, market: str, audience: Audience, subscriber: Subscriber) -> None:
        while True:
            page = await self.past.after(market, subscriber.sent, PAGE)
            for told in page:
                subscriber.tell(told)
            async with asyncio.timeout(READ_SECONDS):
                await subscriber.writer.drain()
            if not page and subscriber.sent >= audience.told:
                break
        subscriber.is_live = True
        self._look_at(market)

    def _look_at(self, *markets: str) -> None:
        self._published.update(markets)
        self._wakes.set()

    async def _listen(self) -> None:
        while True:
            try:
                async with listening(self._url) as markets:
                    # What was published while nobody listened was said to nobody.
                    self._look_at(*self._audiences)
                    async for market in markets:
                        if market in self._audiences:
                            self._look_at(market)
            except psycopg.Error as error:
                log.warning("not listening: %s", error)
            await asyncio.sleep(RETRY_SECONDS)

    async def _tell(self) -> None:
        while True:
            await self._wakes.wait()
            self._wakes.clear()
            markets, self._published = self._published, set()
            for market in markets & self._audiences.keys():
                try:
                    await self._tell_of(market, self._audiences[market])
                except psycopg.Error as error:
                    log.warning("%s is not told: %s", market, error)
                    await asyncio.sleep(RETRY_SECONDS)
                    self._look_at(market)

    async def _tell_of(self, market: str, audience: Audience) -> None:
        while True:
            page = await self._live.after(market, audience.told, PAGE)
            for told in page:
                for subscriber in audience.subscribers:
                    if subscriber.is_live:
                        subscriber.tell(told)
                audience.told = told.place
            # What is published behind this look says so itself.
            if len(page) < PAGE:
                return

    async def _beat(self) -> None:
        """Let who listens know that there is nothing to tell, and find who is gone."""
        while True:
            await asyncio.sleep(HEART_SECONDS)
            for audience in self._audiences.values():
                for subscriber in audience.subscribers:
                    if subscriber.is_live:
                        subscriber.write(b":\n\n")


def event_text(told: Told) -> bytes:
    """Return a publication as an event of `text/event-stream`."""
    return f"id: {told.place}\nevent: prices\ndata: {told.json}\n\n".encode()
