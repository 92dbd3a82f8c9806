"""The state machine of a market: events in, in the order of the log; prices out.

What it publishes is a pure function of the log: of the events, their order and their batches. It
knows no clock but the market's, the latest moment that any event spoke of; and, where law says that
an interval begins by it, the latest moment at which an event was handed in, which the log keeps.

*Batch.* Events are taken one by one, and prices made once after the last of a batch.

*Deadband.* A holon is published when its price, or its sell price, lies further than the deadband
from what was last published of it. Where an interval ends, every holon is published as it is then,
so what is published is never further from the exact price than the deadband, and at the end of an
interval it is the exact price.

*Ex post.* An interval of which every reading is there has its price of them, published as it is
made and made again by a later revision (`market.core.ex_post`). It is a statement about the past:
whoever follows the prices of now passes over it.

*Memoryless.* A price depends on what is known now, never on what was published or on the way here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from market.core.booking_records import BookingRecord
from market.core.bookings import Bookings
from market.core.days import day_ends_us, is_of_day
from market.core.events import FORWARD, TELEMETRY, Event, Kind, Outcome
from market.core.ex_post import ExPost
from market.core.grid_state import GridState
from market.core.online import OnlineMarket
from market.core.pricing import Prices
from settlement.core.arrays import Integers

MOST_AHEAD_US = 24 * 3_600 * 1_000_000
"""An event other than the clock's may be this much ahead of all before it: a mistyped year is not
taken for the time that it is."""
MOST_EARLY_US = 60 * 1_000_000
"""An event is of a moment that has passed when it is handed in, but for what two clocks may differ:
one clock told far ahead would make all that follows late, for good."""


class Cause(StrEnum):
    """Why prices were published."""

    MOVED = "moved"
    INTERVAL_END = "interval end"
    TICK = "tick"
    RULES = "rules"
    EX_POST = "ex post"
    """Of an interval that has passed, from its readings; it says nothing of now."""


@dataclass(frozen=True, eq=False)
class Publication:
    """Prices of some holons from a moment on.

    Attributes:
        at_us: the market's clock; ex post, when the interval began that is priced.
        cause: why they are published.
        holons: shape (M,), indices in the order of `Holons`, rising; ex post all of them, by the
            law of the interval's day.
        prices: of those holons, shape (M,) each.
        law: the digest of the law by which they were made, which says what each index is.
    """

    at_us: int
    cause: Cause
    holons: Integers
    prices: Prices
    law: str


@dataclass(frozen=True, eq=False)
class Taken:
    """What became of a batch.

    Attributes:
        outcomes: one for each event.
        publications: prices, in order.
        booking_records: bookings as they stand from then on, in order.
    """

    outcomes: list[Outcome]
    publications: list[Publication]
    booking_records: list[BookingRecord] = field(default_factory=list)


@dataclass
class Machine:
    """A market between two events.

    Attributes:
        law: the law of a market by its digest, as `rules` events name it.
        market: in force; None before the first `rules` event.
        clock_us: the latest moment that an event spoke of; None before the first.
        handed_in_us: the latest at which an event was handed in that was taken; None under law by
            which no interval begins by it.
        published: of all holons, what was last published of now.
        ex_post: readings of intervals that have passed.
        bookings: and the intervals to come; None before the first `rules` event.
    """

    law: Mapping[str, OnlineMarket]
    market: OnlineMarket | None = None
    clock_us: int | None = None
    handed_in_us: int | None = None
    grid: GridState | None = None
    published: Prices | None = None
    ex_post: ExPost = field(default_factory=ExPost)
    bookings: Bookings | None = None
    _publications: list[Publication] = field(default_factory=list)

    def take(self, batch: Sequence[Event], handed_in_us: Sequence[int] = ()) -> Taken:
        """Take a batch, and return what became of it and what is published.

        Args:
            batch: in the order of the log.
            handed_in_us: when each was; without, nobody asks whether its moment had come by then.
        """
        self._publications = []
        came_us = handed_in_us or (None,) * len(batch)
        outcomes = [self._take(*each) for each in zip(batch, came_us, strict=True)]
        self._publish_moved()
        self._publish_ex_post()
        return Taken(outcomes, self._publications, self._booking_records())

    def _take(self, event: Event, came_us: int | None) -> Outcome:
        is_readable = event.kind is not Kind.UNREADABLE
        outcome = self._judge(event, came_us) if is_readable else Outcome.UNREADABLE
        if outcome is not Outcome.TAKEN:
            return outcome
        self._hand_in(came_us)
        self._reach(event.at_us)
        if event.kind is Kind.RULES:
            self._obey(self.law[event.words[0]], came_us)
            self.ex_post.obey(event.day, self.law[event.words[0]], self.clock_us or 0)
        elif event.kind in TELEMETRY and self.grid is not None:
            self.grid.move(event)
            if self.bookings is not None:
                self.bookings.ease(event.entity)
        elif event.kind in FORWARD and self.bookings is not None:
            return self.bookings.take(event)
        elif event.kind is Kind.READING:
            self.ex_post.take(event)
        return outcome

    def _judge(self, event: Event, came_us: int | None) -> Outcome:
        """Return what becomes of an event; nothing moves by this."""
        apart = self._judge_moment(event, came_us)
        if apart is not None:
            return apart
        if event.kind in (Kind.RULES, Kind.CLOCK):
            return self._judge_course(event)
        if event.kind is Kind.READING:
            return self.ex_post.judge(event, max(self.clock_us or event.at_us, event.at_us))
        if self.grid is None or self.bookings is None:
            return Outcome.UNKNOWN
        return self.grid.judge(event) if event.kind in TELEMETRY else self.bookings.judge(event)

    def _judge_course(self, event: Event) -> Outcome:
        """Return what becomes of an event that is about nobody: of law, or of time."""
        if event.numbers or event.entity or len(event.words) != (event.kind is Kind.RULES):
            return Outcome.UNREADABLE
        return self._judge_law(event) if event.kind is Kind.RULES else Outcome.TAKEN

    def _judge_law(self, event: Event) -> Outcome:
        law = self.law.get(event.words[0])
        if law is None:
            return Outcome.UNKNOWN
        if self.clock_us is not None and day_ends_us(event.day, law.zone) <= self.clock_us:
            return Outcome.OLDER  # law of another day than today's is no law of now
        if self.grid is not None and not self.grid.is_exact_under(law):
            return Outcome.TOO_LARGE
        return Outcome.TAKEN

    def _judge_moment(self, event: Event, came_us: int | None) -> Outcome | None:
        """Return why the moment of an event keeps it apart; None where it does not."""
        if came_us is not None and event.at_us > came_us + MOST_EARLY_US:
            return Outcome.AHEAD
        if self.clock_us is not None:
            delay_us = 0 if self.market is None else self.market.accepted_delay_us
            # A reading is of the past by its nature, and a delivery: how long either is taken, the
            # law of its day says, or until when its booking is known.
            is_of_past = event.kind in (Kind.READING, Kind.DELIVERY)
            if not is_of_past and event.at_us < self.clock_us - delay_us:
                return Outcome.LATE
            if event.kind is not Kind.CLOCK and event.at_us > self.clock_us + MOST_AHEAD_US:
                return Outcome.AHEAD
        return None if self._is_dated(event) else Outcome.MISDATED

    def _is_dated(self, event: Event) -> bool:
        """Whether the day of an event is that of its moment, by the law that it names or in force.

        A reading has the day of its interval, which it is judged by; before there is law, no day
        can be told.
        """
        named = event.words[0] if event.kind is Kind.RULES and event.words else ""
        law = self.law.get(named, self.market)
        if law is None or event.kind is Kind.READING:
            return True
        return is_of_day(event.at_us, event.day, law.zone)

    def _reach(self, at_us: int) -> None:
        """Move the clock on; where an interval ends on the way, publish what held to its end.

        Where several end, nothing happened in between: what is published at the first holds on.
        """
        if self.clock_us is not None and self.market is not None and at_us > self.clock_us:
            end_us = self.market.step_end_us(self.clock_us)
            if end_us <= at_us:
                is_end = self.market.is_interval_end(end_us)
                cause = Cause.INTERVAL_END if is_end else Cause.TICK
                self._publish_all(end_us, cause)
        self.clock_us = at_us if self.clock_us is None else max(self.clock_us, at_us)
        if self.bookings is not None:
            self.bookings.reach(self.clock_us, self.handed_in_us)

    def _hand_in(self, came_us: int | None) -> None:
        """Note when an event was handed in, where law says that intervals begin by it."""
        if self.market is None or not self.market.begun_by_handing_in:
            self.handed_in_us = None
        elif came_us is not None:
            # Who came later may have been written down before.
            self.handed_in_us = max(came_us, self.handed_in_us or came_us)

    def _obey(self, market: OnlineMarket, came_us: int | None) -> None:
        self.market = market
        self._hand_in(came_us)
        clock_us = self.clock_us or 0
        if self.grid is None:
            self.grid = GridState(market)
        else:
            self.grid.obey(market)
        if self.bookings is None:
            self.bookings = Bookings(market, self.grid, clock_us, self.handed_in_us)
        else:
            self.bookings.obey(market, clock_us, self.handed_in_us)
        self._publish_all(clock_us, Cause.RULES)

    def _booking_records(self) -> list[BookingRecord]:
        """Return what became of bookings, once those who wait were tried with all that is known."""
        if self.bookings is None:
            return []
        self.bookings.serve_queue()
        records, self.bookings.records = self.bookings.records, []
        return records

    def _publish_all(self, at_us: int, cause: Cause) -> None:
        """Publish every holon as it is now."""
        if self.grid is None or self.market is None:
            return
        prices = self.grid.prices_in_full() if self._asks_flow else self.grid.prices()
        self.published = prices
        every = np.arange(len(prices.price_micro_per_mwh), dtype=np.int64)
        self._publications.append(Publication(at_us, cause, every, prices, self.market.digest))

    @property
    def _asks_flow(self) -> bool:
        return self.market is not None and self.market.model.deliverability == "max-flow"

    def _publish_moved(self) -> None:
        """Publish the holons whose prices left the deadband; by maximum flow they wait."""
        if self.grid is None or self.market is None or self._asks_flow:
            return
        if self.published is None or self.clock_us is None:
            return
        prices = self.grid.prices()
        moved = prices.moved_from(self.published, self.market.deadband_micro_per_mwh)
        if not len(moved):
            return
        told = prices.of(moved)
        law = self.market.digest
        self._publications.append(Publication(self.clock_us, Cause.MOVED, moved, told, law))
        self.published = self.published.with_these(moved, told)

    def _publish_ex_post(self) -> None:
        """Publish every interval whose readings became complete or other than they were."""
        for each in self.ex_post.price():
            every = np.arange(len(each.prices.price_micro_per_mwh), dtype=np.int64)
            made = Publication(each.at_us, Cause.EX_POST, every, each.prices, each.law)
            self._publications.append(made)
