"""Speed of a market online: from an event that is committed to prices that a subscriber received.

A process leads a market of 1,000 nodes in 5 layers in a database of its own; this one hands events
in and listens, as a feed and a stream do. The yardstick, taken in between, is a bare INSERT and
NOTIFY to a listener: one commit, no market. Run alone with ``python -m benchmarks.online``, and
sooner with ``--seconds 5 --listening 5 --singles 100 --kills 1``.
"""

import argparse
import random
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, fields
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from statistics import median, quantiles
from threading import Event as Flag
from time import perf_counter, sleep
from typing import NamedTuple

import numpy as np
import psycopg
from sqlalchemy import make_url

from benchmarks.figures import Result
from benchmarks.online_markets import START_US, online_market, opening_events, random_event
from benchmarks.online_stream import Listened, Stopwatch, listened, served
from benchmarks.server import scratch_database
from database.market_log import PUBLISHED_CHANNEL
from database.roles.granting import plain_url
from market import store
from market.core.events import Event
from market.core.machine import Machine
from market.core.online import OnlineMarket
from market.leading import connect
from market.places import Place
from market.worker import Worker

MARKET = "online-benchmark"
PAUSE_S, SENT_S = 0.004, 0.05
"""Between events, at most; and for a stream to send what was published."""
RATE, SHARES = 5_000, 20
"""Events a second, and in how many transactions a second."""
SUBSCRIBERS, BATCHES_A_SECOND, OF_A_BATCH = 100, 4, 20
"""Who listens, while so many batches of so many events are handed in."""
READY_S = 5
"""For a process to follow the log up to its end."""
MADE_AGAIN = 300
"""Events after which prices are made both ways."""


@dataclass(frozen=True)
class Extent:
    """How much is measured.

    Attributes:
        singles: events that are handed in one by one.
        seconds: of events by the thousand.
        listening: seconds for which many listen.
        kills: of who leads.
    """

    singles: int = 600
    seconds: int = 60
    listening: int = 120
    kills: int = 5


def results(extent: Extent = Extent()) -> list[Result]:
    """Return latency, throughput, what listeners miss, and how soon another leads."""
    market = online_market()
    with scratch_database("online_benchmark") as made, ExitStack() as stack:
        url = plain_url(make_url(made.url).render_as_string(hide_password=False))
        bench = Bench(url, market)
        stack.callback(bench.end)
        bench.hand_in(opening_events(market))
        single, bare = bench.singly(extent.singles)
        streamed = bench.streamed(extent.singles)
        # While the log is short: who takes over is to have followed it to its end.
        after_kill_s = [bench.taken_over_s() for _ in range(extent.kills)]
        sustained = bench.sustained(extent.seconds)
        heard = bench.heard(extent.listening)
    return [
        *_latency(single, bare),
        *_streamed(streamed),
        *_sustained(sustained, extent.seconds),
        *_heard(heard, extent.listening),
        _moved(market),
        Result(
            f"leader killed {extent.kills} times, until another published: ms, at most",
            round(max(after_kill_s) * 1_000), 1_000, at_most=True,
        ),
    ]  # fmt: skip


def _latency(single: Sequence[float], bare: Sequence[float]) -> list[Result]:
    middle, worst = percentiles_ms(single)
    bare_median, bare_worst = percentiles_ms(bare)
    words = "event committed to prices received"
    return [
        Result(f"{words}, 1,000 nodes in 5 layers: ms, median", middle, 2, at_most=True),
        Result(f"{words}: ms, 99th percentile", worst, 10, at_most=True),
        Result(
            f"{words}: times a bare INSERT and NOTIFY ({bare_median} ms), median",
            round(middle / bare_median, 2), 2, at_most=True,
        ),
        Result(
            f"{words}: times a bare INSERT and NOTIFY ({bare_worst} ms), 99th percentile",
            round(worst / bare_worst, 2), 3, at_most=True,
        ),
    ]  # fmt: skip


def _streamed(streamed: Sequence[float]) -> list[Result]:
    middle, worst = percentiles_ms(streamed)
    words = "event committed to prices in the stream of a browser, read and sent over loopback"
    return [
        Result(f"{words}: ms, median", middle, 3, at_most=True),
        Result(f"{words}: ms, 99th percentile", worst, 15, at_most=True),
    ]


def _sustained(found: "Sustained", seconds: int) -> list[Result]:
    words = f"{RATE:,} events a second for {seconds} s"
    return [
        # A producer that were held up would hand in less, and prices would be behind by less.
        Result(f"{words}: events a second that were committed", found.rate, 4_950, at_most=False),
        Result(
            f"{words}: ms that prices were behind, at most",
            round(found.behind_s * 1_000), 250, at_most=True,
        ),
    ]  # fmt: skip


def _heard(found: Listened, seconds: int) -> list[Result]:
    words = f"{SUBSCRIBERS} on a stream for {seconds} s"
    told = f"of {found.published:,} publications, {found.resumed} times resumed"
    memory = f"stream process {found.first_mb} MB at first, {found.last_mb} MB at last"
    grown = round(found.last_mb / found.first_mb, 2)
    return [
        Result(f"{words}: missed, doubled or out of order ({told})", found.wrong, 0, at_most=True),
        Result(f"{words}: {memory}: times", grown, 1.1, at_most=True),
    ]


def _moved(market: OnlineMarket) -> Result:
    """Return how many times as fast an event is taken as sums and prices of all nodes are made.

    The latter by settlement's own market maker, of power at nodes that is there already.
    """
    chance, machine = random.Random(14), Machine({market.digest: market})
    machine.take(opening_events(market))
    moved_s, full_s = [], []
    for number in range(MADE_AGAIN):
        event = random_event(chance, market, f"again-{number}", START_US)
        start = perf_counter()
        machine.take([event])
        moved_s.append(perf_counter() - start)
        grid = machine.grid
        assert grid is not None
        start = perf_counter()
        grid.holons.sums(grid.grid, grid.sums.available_w, grid.sums.demand_w)
        prices = grid.prices_in_full()
        full_s.append(perf_counter() - start)
        if not np.array_equal(prices.price_micro_per_mwh, grid.prices().price_micro_per_mwh):
            raise ValueError("what is moved event by event is not what all that was said gives")
    moved_us, full_us = (round(median(each) * 1_000_000) for each in (moved_s, full_s))
    words = f"an event taken ({moved_us:,} µs) against all made again ({full_us:,} µs)"
    return Result(f"{words}: times as fast", round(full_us / moved_us, 1), 5, at_most=False)


class Sustained(NamedTuple):
    """Events a second that were committed, and seconds that prices were behind, at most."""

    rate: int
    behind_s: float


def percentiles_ms(times_s: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile."""
    cuts = quantiles(times_s, n=100)
    return round(cuts[49] * 1_000, 2), round(cuts[98] * 1_000, 2)


@dataclass
class Bench:
    """Whoever hands in and listens, and the processes that lead."""

    url: str
    market: OnlineMarket
    handed_in: int = 0
    workers: list[BaseProcess] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(14)
        self._producer, self._listener = connect(self.url), connect(self.url)
        self._listener.execute(f"LISTEN {PUBLISHED_CHANNEL}".encode())
        self._start()

    def end(self) -> None:
        """End the processes, and leave the database."""
        for worker in self.workers:
            worker.kill()
            worker.join()
        self._producer.close()
        self._listener.close()

    def _start(self) -> None:
        market = self.market
        leading = Worker(self.url, MARKET, lambda _day, _known: market, Flag(), lambda _: None)
        worker = get_context("fork").Process(target=leading.run, daemon=True)
        worker.start()
        self.workers.append(worker)

    def hand_in(self, events: Sequence[Event]) -> float:
        """Hand events in, and return when they were received with their prices."""
        self._submit(events)
        return self._received()

    def _submit(self, events: Sequence[Event]) -> None:
        if store.submit(self._producer, MARKET, events, "benchmark"):
            raise ValueError("a key was handed in twice")
        self.handed_in += len(events)

    def _received(self) -> float:
        for told in self._listener.notifies(timeout=60):
            if int(told.payload.split()[-1]) >= self.handed_in:
                return perf_counter()
        raise TimeoutError("nobody published within a minute")

    def _events(self, count: int, after_s: int) -> list[Event]:
        at_us = START_US + after_s * 1_000_000
        keys = range(self.handed_in, self.handed_in + count)
        return [random_event(self._chance, self.market, f"event-{key}", at_us) for key in keys]

    def singly(self, count: int) -> tuple[list[float], list[float]]:
        """Return seconds of single events, and of bare rows, by turns, with pauses in between."""
        times: list[float] = []
        bare: list[float] = []
        with _bare(self.url) as insert_and_notify:
            for _ in range(count):
                sleep(self._chance.random() * PAUSE_S)
                self._submit(self._events(1, 1))
                start = perf_counter()
                times.append(self._received() - start)
                sleep(self._chance.random() * PAUSE_S)
                bare.append(insert_and_notify())
        warm = count // 10
        return times[warm:], bare[warm:]

    def streamed(self, count: int) -> list[float]:
        """Return seconds from single events to one who listens to the stream of the pages.

        An event that moves no price further than the deadband is told nobody, and does not count.
        """
        with served(self.url) as (port, _):
            listener, times = Stopwatch(MARKET, port), list[float]()
            sleep(1)  # until it has caught up
            for _ in range(count):
                sleep(self._chance.random() * PAUSE_S)
                self._submit(self._events(1, 1))
                start = perf_counter()
                self._received()
                sleep(SENT_S)
                if self.handed_in in listener.heard_s:
                    times.append(listener.heard_s[self.handed_in] - start)
            listener.end()
        return times[len(times) // 10 :]

    def sustained(self, seconds: int) -> Sustained:
        """Hand in events by the thousand, and return how far prices were behind."""
        received: list[tuple[int, float]] = []
        end = self.handed_in + RATE * seconds

        def listen() -> None:
            for told in self._listener.notifies(timeout=60):
                received.append((int(told.payload.split()[-1]), perf_counter()))
                if received[-1][0] >= end:
                    return

        listening = threading.Thread(target=listen)
        listening.start()
        committed, start = [], perf_counter()
        for turn in range(seconds * SHARES):
            events = self._events(RATE // SHARES, 2)
            sleep(max(0.0, start + turn / SHARES - perf_counter()))
            self._submit(events)
            committed.append((self.handed_in, perf_counter()))
        # The last share takes its time too, as those before it do.
        took_s = max(seconds, committed[-1][1] - start)
        listening.join()
        behind_s = max(
            received[bisect_left(received, (last, 0.0))][1] - at for last, at in committed
        )
        return Sustained(int(RATE * seconds / took_s), behind_s)

    def heard(self, seconds: int) -> Listened:
        """Let many listen to the stream while events come, and return what they were told."""

        def work() -> None:
            start = perf_counter()
            for turn in range(seconds * BATCHES_A_SECOND):
                sleep(max(0.0, start + turn / BATCHES_A_SECOND - perf_counter()))
                self.hand_in(self._events(OF_A_BATCH, 2))

        with closing(connect(self.url)) as reading:

            def places_after(place: Place) -> list[str]:
                query = (
                    "SELECT sequence, part FROM market.publication "
                    "WHERE market = %s AND (sequence, part) > (%s, %s) ORDER BY 1, 2"
                )
                return [str(Place(*row)) for row in reading.execute(query, [MARKET, *place])]

            last = Place(self.handed_in, 9_999)
            return listened(self.url, MARKET, SUBSCRIBERS, work, places_after, last)

    def taken_over_s(self) -> float:
        """Kill who leads, and return the seconds until another published what was handed in."""
        self._start()
        sleep(READY_S)
        start = perf_counter()
        self.workers[0].kill()
        received = self.hand_in(self._events(1, 3))
        self.workers.pop(0).join()
        return received - start


@contextmanager
def _bare(url: str) -> Iterator[Callable[[], float]]:
    """Give what inserts a bare row with a NOTIFY, and returns the seconds to its receipt."""
    with closing(connect(url)) as writer, closing(connect(url)) as listener:
        writer.execute("CREATE TABLE public.bare (number bigint GENERATED ALWAYS AS IDENTITY)")
        writer.execute(
            "CREATE FUNCTION public.add_bare() RETURNS void LANGUAGE sql AS "
            "$$ INSERT INTO public.bare DEFAULT VALUES; SELECT pg_notify('bare', '') $$"
        )
        listener.execute("LISTEN bare")

        def insert_and_notify() -> float:
            start = perf_counter()
            writer.execute("SELECT public.add_bare()", prepare=True)
            _first(listener)
            return perf_counter() - start

        yield insert_and_notify


def _first(listener: psycopg.Connection) -> None:
    for _ in listener.notifies(timeout=60, stop_after=1):
        return
    raise TimeoutError("nothing was said within a minute")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure a market online.")
    for each in fields(Extent):
        parser.add_argument(f"--{each.name}", type=int, default=each.default, metavar="COUNT")
    for result in results(Extent(**vars(parser.parse_args()))):
        print(result, flush=True)


if __name__ == "__main__":
    main()
