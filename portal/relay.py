"""What another process of this machine answers, passed on as it comes: streams of a market.

An answer that goes on as long as its reader is there would hold a thread, or all of it a file. It
holds two sockets and a buffer instead. Whoever reads too slowly is cut off, and so is the other
process when a reader goes, so that neither holds what the other no longer has.
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from typing import Any

from portal.bodies import Refusal

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ADDRESSES = re.compile(r"/market/[a-z][a-z0-9]*(?:-[a-z0-9]+)*/(?:stream|series)")
QUERY = re.compile(rb"[A-Za-z0-9_.=&-]{0,200}")
PLACE = re.compile(rb"[0-9.]{1,40}")
PASSED_ON = frozenset(
    (b"content-type", b"content-length", b"cache-control", b"content-security-policy",
     b"x-content-type-options", b"x-accel-buffering", b"retry-after", b"allow")
)  # fmt: skip
"""Of the headers of an answer; what it says of its connection is of the connection to here."""
PIECE_BYTES = 65_536
HEAD_SECONDS = 10
WAIT_SECONDS, PAUSE_SECONDS = 5.0, 0.1
"""For a process that is not there yet, and between two looks for it."""
SEND_SECONDS = 15
"""For a reader to take a piece."""
MOST_AT_ONCE = 500
"""Of a process, which holds a thousand connections: the others are for pages."""

ABSENT = Refusal(
    503,
    "The market's prices are not told at present",
    "The process that tells them as they come does not answer. They are published all the same.",
    "Load the page of the market, which has the newest, or try again in half a minute.",
    retry_seconds=30,
)
FULL = Refusal(
    503,
    "Too many listen",
    "As many listen to markets as can be told at once.",
    "Load the page of the market, which has the newest prices, or try again in half a minute.",
    retry_seconds=30,
)
UNREADABLE = Refusal(
    400,
    "That address makes no sense here",
    "What it asks of the market's prices is no place in their series, and no day.",
    "Follow a link of the market's page.",
)


class Relay:
    """Passes requests for streams on to whoever answers at a socket of this machine."""

    def __init__(self, path: str, most: int = MOST_AT_ONCE) -> None:
        self.path = path
        self.most = most
        self._under_way = 0

    def takes(self, path: str) -> bool:
        """Return whether an address is answered so."""
        return ADDRESSES.fullmatch(path) is not None

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> Refusal | None:
        """Answer a request; return why it is not answered, before anything was sent.

        Raises:
            TimeoutError: the reader took too long.
        """
        if self._under_way >= self.most:
            return FULL
        request = _request(scope)
        if request is None:
            return UNREADABLE
        self._under_way += 1
        try:
            return await self._pass_on(request, receive, send)
        finally:
            self._under_way -= 1

    async def _pass_on(self, request: bytes, receive: Receive, send: Send) -> Refusal | None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                reader, writer = await _connect(self.path)
        except TimeoutError:
            return ABSENT
        try:
            start = await _asked(request, reader, writer)
            if start is None:
                return ABSENT
            await send(start)
            await _pass_until_gone(reader, receive, send)
        finally:
            writer.transport.abort()
        return None


async def _connect(path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a connection as soon as somebody answers: a process that begins, or begins again.

    A browser that is refused does not ask for a stream a second time.
    """
    while True:
        try:
            return await asyncio.open_unix_connection(path)
        except OSError:
            await asyncio.sleep(PAUSE_SECONDS)


async def _asked(
    request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Message | None:
    """Return how an answer begins; None where none does."""
    writer.write(request)
    try:
        async with asyncio.timeout(HEAD_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return None
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    told = [line.partition(b":")[::2] for line in lines]
    headers = [(name.lower(), value.strip()) for name, value in told]
    return {
        "type": "http.response.start",
        "status": int(first.split(b" ")[1]),
        "headers": [header for header in headers if header[0] in PASSED_ON],
    }


def _request(scope: Scope) -> bytes | None:
    """Return a request as it is passed on: made anew of what may stand in it, and nothing else."""
    headers = dict(scope["headers"])
    query, place = scope["query_string"], headers.get(b"last-event-id", b"")
    if not QUERY.fullmatch(query) or (place and not PLACE.fullmatch(place)):
        return None
    # Any other word is refused there as one that nobody asks by, and none is passed on.
    method = scope["method"] if scope["method"] in ("GET", "HEAD") else "POST"
    target = f"{scope['path']}?{query.decode()}" if query else scope["path"]
    resumed = f"Last-Event-ID: {place.decode()}\r\n" if place else ""
    return f"{method} {target} HTTP/1.1\r\nHost: stream\r\n{resumed}\r\n".encode()


async def _pass_until_gone(reader: asyncio.StreamReader, receive: Receive, send: Send) -> None:
    """Pass an answer on to its end, or until its reader is gone.

    Raises:
        TimeoutError: the reader took too long.
    """
    passing = asyncio.create_task(_pass_pieces(reader, send))
    leaving = asyncio.create_task(_wait_until_gone(receive))
    try:
        await asyncio.wait((passing, leaving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.cancel()
        passing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await passing


async def _pass_pieces(reader: asyncio.StreamReader, send: Send) -> None:
    while piece := await reader.read(PIECE_BYTES):
        async with asyncio.timeout(SEND_SECONDS):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    async with asyncio.timeout(SEND_SECONDS):
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
