"""What is published is told to everybody who listens, once, in order, from where each left off."""

import asyncio
import contextlib
import datetime as dt
import json
from itertools import chain

import psycopg
import pytest

from database.roles.granting import plain_url
from database.roles.names import Role
from market import stream_server, streaming
from market.places import Place
from market.stream_server import StreamServer, Unanswerable, read_request
from tests.worlds.roles import url_as

MARKET = "tiny"
START = dt.datetime(2024, 2, 29, 23, tzinfo=dt.UTC)
DAYS = "SELECT market.make_days('publication', ARRAY[date '2024-02-29', '2024-03-01'])"
PUBLISH = """
INSERT INTO market.publication (market, day, sequence, part, at, cause, holons, tightness_ppm,
    price_micro_per_mwh, sell_price_micro_per_mwh, digest, law)
SELECT %s, day, sequence, part, day + interval '1 minute', 'moved', array_agg(holon),
    array_agg(sequence), array_agg(part), array_agg(-sequence), sha256('any'), 'law'
FROM generate_series(%s::bigint, %s::bigint) AS sequence, generate_series(1, 2) AS part,
    generate_series(0, %s) AS holon,
    date(timestamp '2024-02-29' + mod(sequence, 2) * interval '1 day') AS day
GROUP BY day, sequence, part
"""
WRITE = """
INSERT INTO market.written (market, parent, sequence, day)
SELECT %s, 'publication', 0, date '2024-02-29' + number FROM generate_series(0, 1) AS number
ON CONFLICT DO NOTHING
"""


class Publisher:
    """Publishes two parts of each of some batches, as a leader does, in one transaction."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(plain_url(url), autocommit=True)
        self.connection.execute(DAYS)
        self.connection.execute("SELECT market.begin_epoch(%s)", [MARKET])

    def publish(self, first: int, last: int, holons: int = 3, market: str = MARKET) -> None:
        with self.connection.transaction():
            self.connection.execute(PUBLISH, [market, first, last, holons - 1])
            self.connection.execute(WRITE, [market])
            said = f"{market} {first} {last}"
            self.connection.execute("SELECT pg_notify('market_published', %s)", [said])

    async def publishing(self, first: int, last: int, holons: int = 3) -> None:
        await asyncio.to_thread(self.publish, first, last, holons)


@pytest.fixture
def published(committed_database):
    publisher = Publisher(committed_database.url.render_as_string(hide_password=False))
    yield publisher
    publisher.connection.close()


@pytest.fixture
def portal_url(committed_database) -> str:
    url = committed_database.url.render_as_string(hide_password=False)
    return plain_url(url_as(url, Role.PORTAL))


@contextlib.asynccontextmanager
async def serving(url: str, folder):
    """Give the server of streams and the path at which it answers."""
    server, path = StreamServer(url), str(folder / "stream")
    answers = asyncio.Event()
    task = asyncio.create_task(server.serve(lambda where: answers.set(), path=path))
    waiting = asyncio.create_task(answers.wait())
    await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
    try:
        yield server, path
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def asking(path: str, target: str, *headers: str, method: str = "GET"):
    """Ask, and give the status, the headers as text, and what is read the rest of."""
    reader, writer = await asyncio.open_unix_connection(path)
    head = "\r\n".join((f"{method} {target} HTTP/1.1", *headers))
    writer.write(f"{head}\r\n\r\n".encode())
    told = (await reader.readuntil(b"\r\n\r\n")).decode()
    return int(told.split(" ")[1]), told, reader, writer


async def listen(path: str, count: int, *headers: str, query: str = "") -> list[tuple[str, dict]]:
    """Return so many events of the stream, each with its id."""
    status, _, reader, writer = await asking(path, f"/market/{MARKET}/stream{query}", *headers)
    assert status == 200
    found = []
    while len(found) < count:
        event = await next_event(reader)
        if event is not None:
            found.append(event)
    writer.close()
    return found


async def next_event(reader) -> tuple[str, dict] | None:
    text = (await reader.readuntil(b"\n\n")).decode()
    fields = dict(line.partition(": ")[::2] for line in text.splitlines())
    return (fields["id"], json.loads(fields["data"])) if "data" in fields else None


async def until_live(server, count: int) -> None:
    """Wait until so many are told what comes."""
    async with asyncio.timeout(20):
        while live_of(server) < count:
            await asyncio.sleep(0.01)


def live_of(server) -> int:
    audiences = server.stream._audiences.values()
    return sum(each.is_live for audience in audiences for each in audience.subscribers)


def places(first: int, last: int) -> list[str]:
    return [f"{sequence}.{part}" for sequence in range(first, last + 1) for part in (1, 2)]


def ids(events) -> list[str]:
    return [place for place, _ in events]


def test_a_hundred_who_listen_miss_nothing_and_are_told_nothing_twice(
    published, portal_url, tmp_path
):
    async def scene():
        published.publish(1, 3)
        async with serving(portal_url, tmp_path) as (server, path):
            # Half from now on, and half from a place that is past; some join while it is published.
            early = [asyncio.create_task(listen(path, 2 * 97)) for _ in range(40)]
            await until_live(server, 40)
            publishing = asyncio.create_task(_publish_one_by_one(published, 4, 100))
            late = []
            for _ in range(60):
                late.append(asyncio.create_task(listen(path, 2 * 99, query="?after=1.2")))
                await asyncio.sleep(0.002)
            found_early, found_late = await asyncio.gather(
                asyncio.gather(*early), asyncio.gather(*late)
            )
            await publishing
            assert {tuple(ids(found)) for found in found_early} == {tuple(places(4, 100))}
            assert {tuple(ids(found)) for found in found_late} == {tuple(places(2, 100))}

    asyncio.run(scene())


async def _publish_one_by_one(published, first: int, last: int) -> None:
    for sequence in range(first, last + 1):
        await published.publishing(sequence, sequence)


def test_a_publication_is_told_as_it_is_stored(published, portal_url, tmp_path):
    async def scene():
        async with serving(portal_url, tmp_path) as (server, path):
            listening = asyncio.create_task(listen(path, 1))
            await until_live(server, 1)
            published.publish(7, 7)
            ((place, told),) = await listening
        assert place == "7.1"
        published_at = dt.datetime.fromisoformat(told.pop("published_at"))
        assert dt.timedelta() <= dt.datetime.now(dt.UTC) - published_at < dt.timedelta(minutes=1)
        assert told == {
            "market": MARKET,
            "sequence": 7,
            "part": 1,
            "day": "2024-03-01",
            "at": "2024-03-01T00:01:00+00:00",
            "law": "law",
            "cause": "moved",
            "holons": [0, 1, 2],
            "tightness_ppm": [7, 7, 7],
            "price_micro_per_mwh": [1, 1, 1],
            "sell_price_micro_per_mwh": [-7, -7, -7],
        }

    asyncio.run(scene())


def test_who_resumes_is_told_what_it_missed_by_the_id_that_it_names_last(
    published, portal_url, tmp_path
):
    published.publish(1, 150)

    async def scene():
        async with serving(portal_url, tmp_path) as (_, path):
            header = await listen(path, 3, "Last-Event-ID: 149.1", query="?after=5.1")
            address = await listen(path, 291, query="?after=5.1")
            # A place that no log has reached: what comes next is told, and nobody else is kept out.
            ahead = asyncio.create_task(listen(path, 2, "Last-Event-ID: 999.1"))
            await asyncio.sleep(0.1)
            await published.publishing(151, 151)
            return header, address, await ahead

    header, address, ahead = asyncio.run(scene())
    assert ids(header) == ["149.2", "150.1", "150.2"]
    assert ids(address) == places(5, 150)[1:]
    assert ids(ahead) == ["151.1", "151.2"]


def test_who_does_not_read_is_cut_off_and_resumes_and_keeps_nobody_waiting(
    published, portal_url, tmp_path, monkeypatch
):
    monkeypatch.setattr(streaming, "MOST_UNREAD_BYTES", 200_000)

    async def scene():
        async with serving(portal_url, tmp_path) as (server, path):
            _, _, slow, _ = await asking(path, f"/market/{MARKET}/stream")
            quick = asyncio.create_task(listen(path, 2 * 120))
            await until_live(server, 2)
            for sequence in range(1, 121):
                await published.publishing(sequence, sequence, 400)
            assert ids(await quick) == places(1, 120)
            assert live_of(server) <= 1
            had = []
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    event = await next_event(slow)
                    had += [] if event is None else [event]
            assert 0 < len(had) < 2 * 120
            assert ids(had) == places(1, 120)[: len(had)]
            rest = await listen(path, 240 - len(had), f"Last-Event-ID: {had[-1][0]}")
            assert ids(had) + ids(rest) == places(1, 120)

    asyncio.run(scene())


def test_a_database_that_lets_go_is_asked_again_for_what_was_missed(
    published, portal_url, tmp_path, monkeypatch
):
    monkeypatch.setattr(streaming, "RETRY_SECONDS", 0.05)
    end = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND usename LIKE '%portal'"
    )

    async def scene():
        async with serving(portal_url, tmp_path) as (server, path):
            listening = asyncio.create_task(listen(path, 2 * 20))
            await until_live(server, 1)
            for sequence in range(1, 21):
                await published.publishing(sequence, sequence)
                if sequence % 5 == 0:
                    published.connection.execute(end)
            return await listening

    assert ids(asyncio.run(scene())) == places(1, 20)


def test_the_series_is_read_page_by_page_whole_or_of_a_day(published, portal_url, tmp_path):
    published.publish(1, 150)

    async def pages(path, target):
        found = []
        while target:
            status, _, reader, _ = await asking(path, target)
            assert status == 200
            page = json.loads(await reader.read())
            found.append([f"{each['sequence']}.{each['part']}" for each in page["publications"]])
            target = page["next"]
        return found

    async def scene():
        async with serving(portal_url, tmp_path) as (_, path):
            address = f"/market/{MARKET}/series"
            return (
                await pages(path, address),
                await pages(path, f"{address}?day=2024-03-01"),
                await pages(path, f"{address}?after=149.1"),
                await asking(path, "/market/another/series"),
                await asking(path, "/market/another/stream"),
            )

    whole, of_day, rest, *unknown = asyncio.run(scene())
    assert [len(page) for page in whole] == [200, 100]
    assert list(chain.from_iterable(whole)) == places(1, 150)
    assert list(chain.from_iterable(of_day)) == [
        place for place in places(1, 150) if int(place[:-2]) % 2
    ]
    assert rest == [["149.2", "150.1", "150.2"]]
    assert [status for status, *_ in unknown] == [404, 404]


def test_a_head_is_answered_without_a_body(published, portal_url, tmp_path):
    published.publish(1, 1)

    async def scene():
        async with serving(portal_url, tmp_path) as (server, path):
            for what in ("series", "stream"):
                address = f"/market/{MARKET}/{what}"
                status, head, reader, _ = await asking(path, address, method="HEAD")
                assert (status, await reader.read()) == (200, b"")
                _, same, *_ = await asking(path, address)
                assert head == same
            assert server.listeners == 1

    asyncio.run(scene())


def test_a_database_that_is_down_is_said_so(tmp_path):
    async def scene():
        async with serving("host=127.0.0.1 port=9 dbname=none", tmp_path) as (_, path):
            for what in ("series", "stream"):
                status, head, reader, _ = await asking(path, f"/market/{MARKET}/{what}")
                assert (status, "Retry-After" in head) == (503, True)
                assert b"no database answers" in await reader.read()

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET /market/tiny/stream/ HTTP/1.1", 404),
        ("GET /market/Tiny/stream HTTP/1.1", 404),
        ("GET / HTTP/1.1", 404),
        ("nonsense", 404),
        ("POST /market/tiny/stream HTTP/1.1", 405),
        ("GET /market/tiny/stream?after=12 HTTP/1.1", 400),
        ("GET /market/tiny/stream?after=01.1 HTTP/1.1", 400),
        ("GET /market/tiny/stream?since=1.1 HTTP/1.1", 400),
        ("GET /market/tiny/stream?day=2024-02-29 HTTP/1.1", 400),
        ("GET /market/tiny/series?day=2024-02-29&day=2024-02-29 HTTP/1.1", 400),
        *(
            (f"GET /market/tiny/series?day={day} HTTP/1.1", 400)
            for day in ("2024-02-30", "2024-2-9", "20240209", "2024-W05-1", "0000-01-01", "")
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(request_line, status):
    with pytest.raises(Unanswerable) as refused:
        read_request(f"{request_line}\r\n\r\n".encode())
    assert refused.value.status == status and refused.value.sentence


def test_an_id_that_is_none_is_refused():
    with pytest.raises(Unanswerable):
        read_request(b"GET /market/tiny/stream HTTP/1.1\r\nLast-Event-ID: x\r\n\r\n")
    asked = read_request(b"GET /market/tiny/stream HTTP/1.1\r\nLast-Event-Id:  3.2 \r\n\r\n")
    assert asked.after == Place(3, 2)


def test_as_many_as_can_be_told_are_taken_and_a_head_that_is_too_long_is_not(
    published, portal_url, tmp_path, monkeypatch
):
    monkeypatch.setattr(stream_server, "MOST_SUBSCRIBERS", 2)

    async def scene():
        async with serving(portal_url, tmp_path) as (server, path):
            held = [await asking(path, f"/market/{MARKET}/stream") for _ in range(2)]
            await until_live(server, 2)
            status, head, _, _ = await asking(path, f"/market/{MARKET}/stream")
            assert (status, "Retry-After" in head) == (503, True)
            held[0][-1].close()
            async with asyncio.timeout(5):
                while len(server.stream) > 1:
                    await asyncio.sleep(0.01)
            assert (await asking(path, f"/market/{MARKET}/stream"))[0] == 200
            assert (await asking(path, "/market/tiny/stream", "X: " + "y" * 9_000))[0] == 431

    asyncio.run(scene())
