"""The server of streams: HTTP at a socket of this machine, for the portal's edge or a proxy.

    GET /market/MARKET/stream   text/event-stream, from a place on (`after=12.1`, Last-Event-ID)
    GET /market/MARKET/series   JSON, a page at a time (`after=12.1`, `day=2024-02-29`)

HEAD is answered as GET is, without the body. A market that there is none of is 404, an address that
is written otherwise 400, and 503 where no database answers.

What it tells is public, so it asks nobody who they are, and takes nothing but these addresses.
"""

import asyncio
import datetime as dt
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl

import psycopg

from market.places import Place, read_place
from market.streaming import MOST_SUBSCRIBERS, Stream

ADDRESS = re.compile(r"/market/(?P<market>[a-z][a-z0-9]*(?:-[a-z0-9]+)*)/(?P<what>stream|series)")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MOST_SAID = 40
"""Characters that are said back to who sent them."""
METHODS = ("GET", "HEAD")
HEAD_BYTES = 8_192
HEAD_SECONDS = 10
SEND_SECONDS = 30
SERIES_PAGE = 200
"""Publications of a page; of a thousand holons each it is some 10 MB."""
MOST_SERIES = 4
"""Pages of the series that are made at once."""
AGAIN_MS = 2_000
"""After which a browser connects again."""

_SECURITY = (
    "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
    # A proxy that collects answers before it sends them would collect a stream for ever.
    "X-Accel-Buffering: no\r\nConnection: close\r\n"
)


@dataclass(frozen=True)
class Asked:
    """What was asked for: `after` and `day` are None where they are not named.

    Attributes:
        is_head: whether what would be answered is asked for without its body.
    """

    market: str
    what: str
    after: Place | None = None
    day: dt.date | None = None
    is_head: bool = False


class Unanswerable(Exception):
    """What was asked for is nothing that is answered: the status, and a sentence."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        self.status, self.sentence = status, sentence


def read_request(head: bytes) -> Asked:
    """Return what a request asks for.

    Raises:
        Unanswerable: saying what it may ask for.
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    method, _, target = first.rpartition(" ")[0].partition(" ")
    path, _, query = target.partition("?")
    found = ADDRESS.fullmatch(path)
    if found is None:
        raise Unanswerable(HTTPStatus.NOT_FOUND, "ask for /market/MARKET/stream or …/series")
    if method not in METHODS:
        raise Unanswerable(HTTPStatus.METHOD_NOT_ALLOWED, f"ask by {' or '.join(METHODS)}")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    pairs = parse_qsl(query, keep_blank_values=True)
    told, what = dict(pairs), found["what"]
    names = {"after": "after=SEQUENCE.PART"}
    if what == "series":
        names["day"] = "day=YYYY-MM-DD"
    if told.keys() - names or len(told) < len(pairs):
        sentence = f"of the {what} name {' and '.join(names.values())}, each once, and nothing else"
        raise Unanswerable(HTTPStatus.BAD_REQUEST, sentence)
    # A browser that lost its connection asks by the address of the first time.
    resumed = headers.get("last-event-id")
    after = _place(told.get("after") if resumed is None else resumed)
    return Asked(found["market"], what, after, _day(told.get("day")), method == "HEAD")


def _place(text: str | None) -> Place | None:
    place = None if text is None else read_place(text)
    if text is not None and place is None:
        sentence = "a place is SEQUENCE.PART, such as 12.1, as the id of an event names it"
        raise Unanswerable(HTTPStatus.BAD_REQUEST, sentence)
    return place


def _day(text: str | None) -> dt.date | None:
    if text is None:
        return None
    # By its form first: Python reads a day from more than one way of writing it.
    with suppress(ValueError):
        if DAY.fullmatch(text):
            return dt.date.fromisoformat(text)
    is_said = text.isascii() and text.isprintable() and len(text) <= MOST_SAID
    named = f"day={text}" if is_said else "day"
    sentence = f"{named} names no day: one is written YYYY-MM-DD, such as 2024-02-29"
    raise Unanswerable(HTTPStatus.BAD_REQUEST, sentence)


class StreamServer:
    """Answers connections until cancelled; `listeners` counts those that were told a stream."""

    def __init__(self, url: str) -> None:
        self.stream = Stream(url)
        self.listeners = 0
        self._series = asyncio.Semaphore(MOST_SERIES)
        self._answering: set[asyncio.Task[None]] = set()

    async def serve(
        self, announce: Callable[[str], object], *, path: str | None = None, port: int = 0
    ) -> None:
        """Answer at a socket of a path, or where there is none at a port of this machine.

        Raises:
            OSError: nothing can listen there.
        """
        if path is not None:
            server = await asyncio.start_unix_server(self._take, path, limit=HEAD_BYTES)
        else:
            server = await asyncio.start_server(self._take, "127.0.0.1", port, limit=HEAD_BYTES)
        async with server:
            announce(path or f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
            try:
                await self.stream.run()
            finally:
                for task in self._answering:
                    task.cancel()
                await asyncio.gather(*self._answering, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._answering.add(task)
        try:
            # Gone, or too slow: the same to us, as who resumes says from where.
            with suppress(TimeoutError, ConnectionError, asyncio.IncompleteReadError):
                await self._answer(reader, writer)
        finally:
            self._answering.discard(task)
            writer.close()
            with suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(HEAD_SECONDS):
                    await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                asked = read_request(await reader.readuntil(b"\r\n\r\n"))
            if not await self.stream.past.is_known(asked.market):
                sentence = f"there is no market {asked.market}; /market/ lists those that there are"
                raise Unanswerable(HTTPStatus.NOT_FOUND, sentence)
            if asked.what == "series":
                await self._answer_series(asked, writer)
            else:
                await self._answer_stream(asked, reader, writer)
        except asyncio.LimitOverrunError:
            _refuse(writer, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "send a shorter request")
        except Unanswerable as error:
            _refuse(writer, error.status, error.sentence)
        except psycopg.Error:
            if not writer.is_closing():
                _refuse(writer, HTTPStatus.SERVICE_UNAVAILABLE, "ask again: no database answers")

    async def _answer_stream(
        self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if len(self.stream) >= MOST_SUBSCRIBERS:
            sentence = "as many listen as can be told; the series is at …/series"
            raise Unanswerable(HTTPStatus.SERVICE_UNAVAILABLE, sentence)
        _start(writer, HTTPStatus.OK, "text/event-stream; charset=utf-8")
        if asked.is_head:
            return
        self.listeners += 1
        writer.write(f"retry: {AGAIN_MS}\n\n".encode())
        try:
            await self.stream.subscribe(asked.market, asked.after, reader, writer)
        except psycopg.Error:
            return  # who resumes is told the rest

    async def _answer_series(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        async with self._series:
            after = asked.after or Place()
            found = await self.stream.past.after(asked.market, after, SERIES_PAGE, asked.day)
        address = None
        if len(found) == SERIES_PAGE:
            of_day = "" if asked.day is None else f"&day={asked.day}"
            address = f"/market/{asked.market}/series?after={found[-1].place}{of_day}"
        said = ",\n".join(told.json for told in found)
        body = f'{{"publications": [{said}],\n"next": {json.dumps(address)}}}\n'.encode()
        more = {"Content-Length": str(len(body))}
        _start(writer, HTTPStatus.OK, "application/json; charset=utf-8", more)
        if not asked.is_head:
            writer.write(body)
        async with asyncio.timeout(SEND_SECONDS):
            await writer.drain()


def _start(
    writer: asyncio.StreamWriter,
    status: HTTPStatus,
    content_type: str,
    more: Mapping[str, str] | None = None,
) -> None:
    told = "".join(f"{name}: {value}\r\n" for name, value in (more or {}).items())
    writer.write(
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {content_type}\r\n"
        f"{told}{_SECURITY}\r\n".encode("latin-1")
    )


def _refuse(writer: asyncio.StreamWriter, status: HTTPStatus, sentence: str) -> None:
    body = f"{sentence}\n".encode()
    more = {"Content-Length": str(len(body))}
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        more["Retry-After"] = "5"
    elif status is HTTPStatus.METHOD_NOT_ALLOWED:
        more["Allow"] = ", ".join(METHODS)
    _start(writer, status, "text/plain; charset=utf-8", more)
    writer.write(body)
