"""The edge of the portal: requests are read whole, within limits, before a thread answers them.

An event loop holds the connections, of which a thousand cost little, and threads do the work. So
whoever sends a byte a minute, or reads one, holds a socket and some memory, and no thread: it is
cut off when its time is up. An answer is written whole too, in memory or beyond that on disk,
before the first byte of it is sent.
"""

import asyncio
import contextlib
import io
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, Any
from wsgiref.types import WSGIApplication

from portal.bodies import (
    FORM_BYTES,
    Refusal,
    body_limit,
    judge_length,
    refusal_page,
    too_long,
)
from portal.relay import Receive, Relay, Scope, Send

Headers = dict[str, str]

KEPT_IN_MEMORY_BYTES = 1_000_000
"""Of a body or an answer; what is longer goes to a temporary file."""
PIECE_BYTES = 65_536


@dataclass(frozen=True)
class Patience:
    """How long the edge waits, and how many requests may wait for a thread."""

    body_seconds: float = 15.0
    """For the next piece of a body; its sender has gone, or means to hold the connection."""
    slowest_bytes_a_second: int = 20_000
    """Of a body and an answer, beyond the first `body_seconds`: a phone in a train is faster."""
    most_waiting: int = 200
    """Of requests, before others are told to come again: they would wait for half a minute."""


@dataclass(frozen=True)
class Answer:
    """What the application answers: the line of its status, headers, and the body to read."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: IO[bytes]


class Edge:
    """An ASGI application that answers by a WSGI application in `threads` threads.

    `judge_uploader` is asked by the headers of a request that brings a file, before it is read.
    `relay` answers by another process what goes on while its reader is there; such an answer needs
    no thread, so it is passed on as it comes.
    """

    def __init__(
        self,
        application: WSGIApplication,
        threads: int,
        judge_uploader: Callable[[Headers], Refusal | None],
        patience: Patience | None = None,
        relay: Relay | None = None,
    ) -> None:
        self.application = application
        self.threads = threads
        self.judge_uploader = judge_uploader
        self.patience = patience or Patience()
        self.relay = relay
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="portal")
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or follow the server's start and stop."""
        if scope["type"] == "lifespan":
            await _follow_lifespan(receive, send)
        elif scope["type"] == "http":
            with contextlib.suppress(TimeoutError, ConnectionError):
                await self._answer_request(scope, receive, send)

    async def _answer_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.relay is not None and self.relay.takes(scope["path"]):
            refusal = await self.relay.answer(scope, receive, send)
            if refusal is None:
                return
            answer: Answer | None = _refused(refusal)
        else:
            answer = await self._answer(scope, receive)
        if answer is None:  # whoever asked is gone
            return
        with answer.body:
            await self._send_answer(answer, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer | None:
        limit_bytes = body_limit(scope["method"], scope["path"])
        refusal = await self._judge_head(scope, limit_bytes)
        if refusal is not None:
            return _refused(refusal)
        # Counted from here, so that those who are still sending count for nobody else.
        with tempfile.SpooledTemporaryFile(KEPT_IN_MEMORY_BYTES) as body:
            try:
                is_whole = await self._read_body(receive, body, limit_bytes)
            except TimeoutError:
                return _refused(TOO_SLOW)
            except TooLongError:
                return _refused(too_long(limit_bytes, scope["path"]))
            if not is_whole:
                return None
            if self._under_way >= self.threads + self.patience.most_waiting:
                return _refused(FULL)
            self._under_way += 1
            try:
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._pool, self._call, scope, body)
            finally:
                self._under_way -= 1

    async def _judge_head(self, scope: Scope, limit_bytes: int) -> Refusal | None:
        """Return why a request is refused by its head, or None; the length costs least to judge."""
        headers = {
            key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]
        }
        stated = headers.get("content-length")
        refusal = judge_length(stated, limit_bytes, scope["path"])
        if refusal is not None:
            return refusal
        brings_file = limit_bytes > FORM_BYTES and (stated is None or int(stated) > FORM_BYTES)
        if not brings_file:
            return None
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self.judge_uploader, headers)

    async def _read_body(self, receive: Receive, body: IO[bytes], limit_bytes: int) -> bool:
        """Read a body into a file; return whether all of it came.

        Raises:
            TimeoutError: it came too slowly.
            TooLongError: there is more of it than `limit_bytes`.
        """
        loop = asyncio.get_running_loop()
        size_bytes, began = 0, loop.time()
        while True:
            async with asyncio.timeout_at(self._due(began, size_bytes)):
                message = await receive()
            if message["type"] == "http.disconnect":
                return False
            piece = message.get("body", b"")
            size_bytes += len(piece)
            if size_bytes > limit_bytes:
                raise TooLongError
            body.write(piece)
            if not message.get("more_body", False):
                body.seek(0)
                return True

    def _due(self, began: float, size_bytes: int) -> float:
        patience = self.patience
        return began + patience.body_seconds + size_bytes / patience.slowest_bytes_a_second

    async def _send_answer(self, answer: Answer, send: Send) -> None:
        loop = asyncio.get_running_loop()
        began, sent_bytes = loop.time(), 0
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        await send(start)
        while True:
            piece = answer.body.read(PIECE_BYTES)
            # A short piece is the last, so that the connection is not told twice of the end.
            is_last = len(piece) < PIECE_BYTES
            async with asyncio.timeout_at(self._due(began, sent_bytes)):
                await send({"type": "http.response.body", "body": piece, "more_body": not is_last})
            if is_last:
                return
            sent_bytes += len(piece)

    def _call(self, scope: Scope, body: IO[bytes]) -> Answer:
        """Answer by the application, in a thread; its answer is read to the end and closed."""
        started: list[tuple[int, list[tuple[bytes, bytes]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
        ) -> Callable[[bytes], object]:
            coded = [
                (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
            ]
            started[:] = [(int(status.split(" ", 1)[0]), coded)]
            return lambda data: None

        written: IO[bytes] = tempfile.SpooledTemporaryFile(KEPT_IN_MEMORY_BYTES)  # noqa: SIM115
        try:
            pieces: Iterable[bytes] = self.application(_environ(scope, body), start_response)
            try:
                for piece in pieces:
                    written.write(piece)
            finally:
                close = getattr(pieces, "close", None)
                if close is not None:
                    close()
        except BaseException:
            written.close()
            raise
        written.seek(0)
        return Answer(*started[0], written)


class TooLongError(Exception):
    """A body is longer than its address takes."""


TOO_SLOW = Refusal(
    408,
    "Your request came too slowly",
    "The rest of what you sent did not arrive in time. Nothing of it was stored.",
    "Send it again from a faster connection; a large file travels better zipped.",
)
FULL = Refusal(
    503,
    "The portal is full",
    "More people ask for pages at once than it can answer. Nothing of yours was stored.",
    "Load the page again in half a minute.",
    retry_seconds=30,
)


def _refused(refusal: Refusal) -> Answer:
    page = refusal_page(refusal).encode()
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(page)).encode()),
        # What was sent is not read to its end, so nothing else can follow on this connection.
        (b"connection", b"close"),
        (b"cache-control", b"no-store"),
    ]
    if refusal.retry_seconds:
        headers.append((b"retry-after", str(refusal.retry_seconds).encode()))
    return Answer(refusal.status, headers, io.BytesIO(page))


async def _follow_lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _environ(scope: Scope, body: IO[bytes]) -> dict[str, Any]:
    """Return a request as PEP 3333 has it."""
    host, port = scope.get("server") or ("localhost", 80)
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        # Text of WSGI is bytes in the disguise of Latin-1.
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": (scope.get("client") or ("",))[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for key, value in scope["headers"]:
        # A name with an underscore would pass for one with a dash, such as that a proxy sets.
        if b"_" in key:
            continue
        name = key.decode("latin-1").upper().replace("-", "_")
        name = name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"
        text = value.decode("latin-1")
        environ[name] = f"{environ[name]},{text}" if name in environ else text
    size_bytes = body.seek(0, io.SEEK_END)
    body.seek(0)
    # Of a body that came in pieces there was no length, and Django reads none without it.
    environ["CONTENT_LENGTH"] = str(size_bytes) if size_bytes else ""
    return environ
