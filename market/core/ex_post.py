"""Prices of intervals that have passed, from their readings: settlement's own, in any order.

Of each interval the readings of every unit's availability and every supply point's demand are kept,
the highest revision of each. Once all are there, the interval is priced by the functions by which
settlement prices a day, under the law of that local day: its ratings, not those of telemetry. A
revision prices it again. The same readings give the same price whatever the order they came in.

Where the law applies Fair Play, settlement measures what is short by what contracts were served
(`settlement.core.fair_play_market`), which rests on the days before. The price here is that of the
meter alone: the same wherever nothing was refused, and no higher where something waits.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np

from market.core.days import YEARS, day_start_us
from market.core.events import Event, Outcome
from market.core.grid_state import MOST_W
from market.core.online import OnlineMarket
from market.core.pricing import MOST_DEMAND_W, Holons, Prices
from settlement.core.arrays import Integers
from settlement.core.model import node_available_w, node_demand_w
from settlement.core.periods import interval_count

AVAILABLE = "available_w"
"""W that a unit could have fed in, not negative."""
DEMAND = "metered_demand_wh"
"""Wh that a supply point took, below nothing where it fed in."""
LEAST = {AVAILABLE: 0, DEMAND: -MOST_W}
"""By measure, the least value of a reading; the most is `MOST_W` of either."""
MOST_REVISION = 2**31 - 1

_NOTHING = -1
"""The revision where there is no reading yet."""


@dataclass(frozen=True, eq=False)
class PricedInterval:
    """The price of an interval ex post.

    Attributes:
        day: the local day.
        interval: from 0.
        at_us: when the interval began.
        prices: of all holons by the law of the day, shape (H,) each.
        law: its digest.
    """

    day: date
    interval: int
    at_us: int
    prices: Prices
    law: str


@dataclass(frozen=True)
class KeptReadings:
    """What is known of one entity on a day, an entry an interval; revision -1: nothing yet."""

    day: date
    measure: str
    entity: str
    revisions: tuple[int, ...]
    values: tuple[int, ...]


class _Day:
    """Readings of a local day under its law."""

    def __init__(self, day: date, market: OnlineMarket) -> None:
        self.day, self.market = day, market
        model = market.model
        self.count = interval_count(day, market.zone, model.interval_minutes)
        self.start_us = day_start_us(day, market.zone)
        names = {AVAILABLE: model.units, DEMAND: model.supply_points}
        self.rows = {
            measure: {name: row for row, name in enumerate(of)} for measure, of in names.items()
        }
        shapes = {measure: (len(of), self.count) for measure, of in names.items()}
        self.values = {name: np.zeros(shape, dtype=np.int64) for name, shape in shapes.items()}
        self.revisions = {
            name: np.full(shape, _NOTHING, dtype=np.int32) for name, shape in shapes.items()
        }
        self.lacking = np.full(self.count, sum(map(len, names.values())), dtype=np.int64)
        # In Python's integers: readings are judged by it before they are known to fit.
        self.taken_wh = [0] * self.count

    def judge(self, event: Event, row: int) -> Outcome:
        """Return what becomes of a reading of an entity that the law knows, in its row."""
        interval, revision, value = event.numbers
        measure = event.words[0]
        known = int(self.revisions[measure][row, interval])
        before = int(self.values[measure][row, interval])
        if revision < known:
            return Outcome.OLDER
        if revision == known and value != before:
            return Outcome.CONTRADICTED
        if measure == DEMAND:
            demand_wh = self.taken_wh[interval] + max(value, 0) - max(before, 0)
            if demand_wh * (60 // self.market.model.interval_minutes) > MOST_DEMAND_W:
                return Outcome.TOO_LARGE
        return Outcome.TAKEN

    def put(self, measure: str, row: int, interval: int, revision: int, value: int) -> bool:
        """Keep a reading; return whether it says anything new."""
        values, revisions = self.values[measure], self.revisions[measure]
        before = int(values[row, interval])
        is_first = revisions[row, interval] == _NOTHING
        if measure == DEMAND:
            self.taken_wh[interval] += max(value, 0) - max(before, 0)
        values[row, interval], revisions[row, interval] = value, revision
        self.lacking[interval] -= is_first
        return bool(is_first) or value != before

    @cached_property
    def holons(self) -> Holons:
        """Those of the day's law."""
        return Holons(self.market.model)

    def priced(self, interval: int) -> PricedInterval:
        """Return the price of an interval that lacks nothing."""
        model, one = self.market.model, slice(interval, interval + 1)
        prices = self.holons.prices_in_full(
            model.grid,
            node_available_w(model, self.values[AVAILABLE][:, one])[:, 0],
            node_demand_w(model, self.values[DEMAND][:, one])[:, 0],
        )
        at_us = self.start_us + interval * self.market.interval_us
        return PricedInterval(self.day, interval, at_us, prices, self.market.digest)


class ExPost:
    """The readings of a market that may yet change a price, and what they come to.

    A reading is taken until the day's law says that it is late: `late_after_days` of the market's
    clock after the end of its day. What is later is kept apart; the next settlement run takes it.
    """

    def __init__(self) -> None:
        self.law: list[tuple[date, OnlineMarket]] = []
        self.days: dict[date, _Day] = {}
        self._touched: set[tuple[date, int]] = set()

    def obey(self, day: date, market: OnlineMarket, clock_us: int) -> None:
        """Take the law of a market from a local day on, and forget the days that it closes."""
        at = bisect_right(self.law, day, key=lambda entry: entry[0])
        if at and self.law[at - 1][0] == day:
            self.law[at - 1] = (day, market)
        elif not at or self.law[at - 1][1] is not market:
            self.law.insert(at, (day, market))
        for old in [
            each for each, of in self.days.items() if clock_us > _closes_us(each, of.market)
        ]:
            del self.days[old]
        for each, of in self.days.items():
            now = self._law_of(each)
            if now is not None and now is not of.market:
                self.days[each] = self._moved(of, now)

    def _forget(self, clock_us: int) -> None:
        """Forget the days that are closed, and law that is of such days alone."""
        for old in [
            each for each, of in self.days.items() if clock_us > _closes_us(each, of.market)
        ]:
            del self.days[old]
        while len(self.law) > 1:
            last_day = self.law[1][0] - timedelta(days=1)
            if clock_us <= _closes_us(last_day, self.law[0][1]):
                break
            del self.law[0]

    def _moved(self, of: _Day, market: OnlineMarket) -> _Day:
        """Return the readings of a day under other law: of whom it knows, in its intervals."""
        made = _Day(of.day, market)
        if made.count == of.count:
            self._put_all(made, _kept_of(of))
        return made

    def _put_all(self, of: _Day, kept: Iterable[KeptReadings]) -> None:
        for each in kept:
            row = of.rows[each.measure].get(each.entity)
            if row is None:
                continue
            for interval, (revision, value) in enumerate(
                zip(each.revisions, each.values, strict=True)
            ):
                if revision != _NOTHING:
                    of.put(each.measure, row, interval, revision, value)
                    self._touched.add((of.day, interval))

    def _law_of(self, day: date) -> OnlineMarket | None:
        at = bisect_right(self.law, day, key=lambda entry: entry[0])
        return self.law[at - 1][1] if at else None

    def _day(self, day: date, market: OnlineMarket) -> _Day:
        if day not in self.days:
            self.days[day] = _Day(day, market)
        return self.days[day]

    def judge(self, event: Event, clock_us: int) -> Outcome:
        """Return what becomes of a reading; nothing moves by this.

        Args:
            event: a reading.
            clock_us: the market's clock before it.
        """
        market = self._law_of(event.day)
        if market is None:
            return self._judge_before_law(event.day, clock_us)
        if not _is_readable(event, market):
            return Outcome.UNREADABLE
        if clock_us > _closes_us(event.day, market):
            return Outcome.LATE
        of = self._day(event.day, market)
        row = of.rows[event.words[0]].get(event.entity)
        return Outcome.UNKNOWN if row is None else of.judge(event, row)

    def _judge_before_law(self, day: date, clock_us: int) -> Outcome:
        """Return what becomes of a reading of a day whose law was never known, or is forgotten."""
        is_counted = self.law and day.year in YEARS
        is_late = is_counted and clock_us > _closes_us(day, self.law[0][1])
        return Outcome.LATE if is_late else Outcome.UNKNOWN

    def take(self, event: Event) -> None:
        """Keep a reading that was judged to be taken."""
        of = self.days[event.day]
        interval, revision, value = event.numbers
        measure = event.words[0]
        if of.put(measure, of.rows[measure][event.entity], interval, revision, value):
            self._touched.add((event.day, interval))

    def price(self) -> list[PricedInterval]:
        """Return the prices of all intervals that are complete and were touched since last asked.

        By day and interval.
        """
        touched, self._touched = sorted(self._touched), set()
        return [
            of.priced(interval)
            for day, interval in touched
            if (of := self.days.get(day)) is not None and not of.lacking[interval]
        ]

    def kept(self) -> Iterator[KeptReadings]:
        """Yield all that is kept, by day, measure and entity; `restore` takes it back."""
        for day in sorted(self.days):
            yield from _kept_of(self.days[day])

    def restore(self, kept: Iterable[KeptReadings]) -> None:
        """Take back what `kept` told, under the law that is obeyed; nothing of it is priced anew.

        Raises:
            ValueError: readings of a day that no law was obeyed for.
        """
        for each in kept:
            market = self._law_of(each.day)
            if market is None:
                raise ValueError(f"readings of {each.day}: no law of that day was obeyed before")
            self._put_all(self._day(each.day, market), [each])
        self._touched = set()


def _kept_of(of: _Day) -> Iterator[KeptReadings]:
    for measure in sorted(of.rows):
        for entity, row in of.rows[measure].items():
            revisions = of.revisions[measure][row]
            if np.any(revisions != _NOTHING):
                values: Integers = of.values[measure][row]
                yield KeptReadings(
                    of.day, measure, entity, tuple(revisions.tolist()), tuple(values.tolist())
                )


def _is_readable(event: Event, market: OnlineMarket) -> bool:
    """Whether a reading is of an interval of its day that has ended, and says what it may."""
    if len(event.numbers) != 3 or len(event.words) != 2 or event.words[0] not in LEAST:
        return False
    if event.day.year not in YEARS:
        return False
    interval, revision, value = event.numbers
    count = interval_count(event.day, market.zone, market.model.interval_minutes)
    if not (0 <= interval < count and 0 <= revision <= MOST_REVISION):
        return False
    ends_us = day_start_us(event.day, market.zone) + (interval + 1) * market.interval_us
    return LEAST[event.words[0]] <= value <= MOST_W and ends_us <= event.at_us


def _closes_us(day: date, market: OnlineMarket) -> int:
    """Return the latest moment of the market's clock at which a reading of a day is taken."""
    return day_start_us(day + timedelta(days=1 + market.late_after_days), market.zone)
