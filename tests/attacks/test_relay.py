"""What another process answers is passed on as it comes, by the edge and without a thread."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from portal import relay
from portal.edge import Edge
from portal.relay import Relay
from tests.attacks.test_edge import echo, refuse_nobody, scope_of

STREAM = "/market/tiny/stream"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nServer: a secret\r\n\r\n"


class Listener:
    """A browser: keeps what it is sent, and goes when it is told to."""

    def __init__(self, reads=True):
        self.gone, self.reads, self.asks = asyncio.Event(), reads, True
        self.told, self.hears = [], asyncio.Event()

    async def receive(self):
        if self.asks:
            self.asks = False
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if not self.reads and message["type"] == "http.response.body":
            await asyncio.sleep(3_600)
        self.told.append(message)
        self.hears.set()

    async def heard(self, count):
        async with asyncio.timeout(5):
            while len(self.told) < count:
                await self.hears.wait()
                self.hears.clear()

    @property
    def text(self):
        return b"".join(each.get("body", b"") for each in self.told)


class Upstream:
    """The process that tells: what it was asked, and whether who asked is still there."""

    def __init__(self, *pieces, goes_on=True):
        self.pieces, self.goes_on = pieces, goes_on
        self.asked, self.left = [], asyncio.Event()

    async def answer(self, reader, writer):
        self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        for piece in (HEAD, *self.pieces):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        if self.goes_on:
            await reader.read()
            self.left.set()
        writer.close()


@asynccontextmanager
async def relaying(upstream, folder, most=relay.MOST_AT_ONCE):
    """Give an edge that passes on to a process of this kind."""
    server = await asyncio.start_unix_server(upstream.answer, folder / "socket")
    async with server:
        yield Edge(echo, 1, refuse_nobody, relay=Relay(str(folder / "socket"), most))


def asked_for(path=STREAM, query=b"", **scope):
    return {**scope_of(path, "GET", **scope), "query_string": query}


def ask_once(scope, folder, upstream=None, **more):
    """Return what an answer that ends is, and what was asked of the process."""
    upstream = upstream or Upstream(b"all", goes_on=False)

    async def scene():
        listener = Listener()
        async with relaying(upstream, folder, **more) as edge:
            await edge(scope, listener.receive, listener.send)
        return listener

    return asyncio.run(scene()), upstream.asked


def test_pieces_are_passed_on_as_they_come_and_a_reader_that_goes_is_told_of(tmp_path):
    async def scene():
        upstream, listener = Upstream(b"one\n\n", b"two\n\n"), Listener()
        async with relaying(upstream, tmp_path) as edge:
            answering = asyncio.create_task(edge(asked_for(), listener.receive, listener.send))
            await listener.heard(3)
            assert not answering.done()
            assert listener.told[0]["headers"] == [(b"content-type", b"text/event-stream")]
            assert listener.text == b"one\n\ntwo\n\n"
            listener.gone.set()
            async with asyncio.timeout(5):
                await upstream.left.wait()
                await answering

    asyncio.run(scene())


def test_what_may_stand_in_a_request_is_passed_on_and_nothing_else(tmp_path):
    headers = ((b"last-event-id", b"12.1"), (b"cookie", b"sessionid=secret"))
    _, asked = ask_once(asked_for(query=b"after=3.1", headers=headers), tmp_path)
    assert asked == [
        f"GET {STREAM}?after=3.1 HTTP/1.1\r\nHost: stream\r\nLast-Event-ID: 12.1\r\n\r\n"
    ]


@pytest.mark.parametrize(("method", "passed_on"), [("HEAD", "HEAD"), ("DELETE", "POST")])
def test_of_methods_those_are_passed_on_by_which_the_process_is_asked(tmp_path, method, passed_on):
    _, asked = ask_once({**asked_for(), "method": method}, tmp_path)
    assert asked == [f"{passed_on} {STREAM} HTTP/1.1\r\nHost: stream\r\n\r\n"]


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        (b"after=1.1%0d%0aX:1", ()),
        (b"a" * 300, ()),
        (b"", ((b"last-event-id", b"1.1\r\nX: 1"),)),
        (b"", ((b"last-event-id", b"latest"),)),
    ],
)
def test_a_request_that_makes_no_sense_is_not_passed_on(tmp_path, query, headers):
    listener, asked = ask_once(asked_for(query=query, headers=headers), tmp_path)
    assert (listener.told[0]["status"], asked) == (400, [])


def test_other_addresses_are_answered_by_pages(tmp_path):
    for path in ("/market/tiny/", "/market/tiny/stream/", "/market/TINY/stream", "/rules/"):
        listener, asked = ask_once(asked_for(path), tmp_path)
        assert (listener.text, asked) == (b"0", []), path


def test_a_process_that_is_not_there_or_says_nothing_is_told_of_in_words(tmp_path, monkeypatch):
    monkeypatch.setattr(relay, "WAIT_SECONDS", 0.05)

    async def without():
        listener = Listener()
        edge = Edge(echo, 1, refuse_nobody, relay=Relay(str(tmp_path / "nobody")))
        await edge(asked_for(), listener.receive, listener.send)
        return listener

    class Silent(Upstream):
        async def answer(self, reader, writer):
            writer.close()

    silent, _ = ask_once(asked_for(), tmp_path, Silent())
    for listener in (asyncio.run(without()), silent):
        assert listener.told[0]["status"] == 503
        assert (b"retry-after", b"30") in listener.told[0]["headers"]
        assert "does not answer" in listener.text.decode()


def test_as_many_as_there_is_room_for_are_told_and_the_next_when_one_goes(tmp_path):
    async def scene():
        upstream, first, second = Upstream(b"one"), Listener(), Listener()
        async with relaying(upstream, tmp_path, most=1) as edge:
            answering = asyncio.create_task(edge(asked_for(), first.receive, first.send))
            await first.heard(2)
            await edge(asked_for(), second.receive, second.send)
            assert second.told[0]["status"] == 503
            first.gone.set()
            await answering
            third = Listener()
            answering = asyncio.create_task(edge(asked_for(), third.receive, third.send))
            await third.heard(2)
            assert third.text == b"one"
            third.gone.set()
            await answering

    asyncio.run(scene())


def test_a_reader_that_stops_is_cut_off(tmp_path, monkeypatch):
    monkeypatch.setattr(relay, "SEND_SECONDS", 0.05)

    async def scene():
        upstream, listener = Upstream(b"one"), Listener(reads=False)
        async with relaying(upstream, tmp_path) as edge:
            async with asyncio.timeout(5):
                await edge(asked_for(), listener.receive, listener.send)
                await upstream.left.wait()

    asyncio.run(scene())


def test_a_process_that_begins_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(relay, "PAUSE_SECONDS", 0.01)

    async def scene():
        listener = Listener()
        edge = Edge(echo, 1, refuse_nobody, relay=Relay(str(tmp_path / "socket")))
        answering = asyncio.create_task(edge(asked_for(), listener.receive, listener.send))
        await asyncio.sleep(0.05)
        assert listener.told == []
        async with relaying(Upstream(b"all", goes_on=False), tmp_path):
            await answering
        assert listener.text == b"all"

    asyncio.run(scene())
