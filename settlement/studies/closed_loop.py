"""The days of a study in which flexible demand answers prices, one interval after the other.

Demand of an interval answers the price of the interval before: the market maker's at its node, at
what was asked for there, before anything is refused. Where nothing is refused and nothing is owed,
that is the price that settles. The first interval of a study has none before it, and nothing waits
beyond its last: so energy asked for over a study is the same with a response as without, unless a
supply point leaves the law while something of it waits.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import NamedTuple

import numpy as np

from rulebook.documents.market_rules import MarketRules
from rulebook.resolve import RuleSet
from settlement.core.arrays import Integers
from settlement.core.model import DayReadings, MarketModel, node_available_w, node_demand_w
from settlement.core.periods import interval_starts
from settlement.core.scarcity import price_layers
from settlement.core.tightness import node_prices
from settlement.rules.register import register_of
from settlement.studies.overlay import PriceResponse
from settlement.studies.price_response import NO_PRICE, Answering, answer_price, nothing_waits
from settlement.studies.shocks import holds_on

MOST_WINDOW_DAYS = 8
"""A window is a week at most, and a day on which clocks change is shorter than others."""


class LoopLaw(NamedTuple):
    """The law of a day as the loop needs it; `window` has shape (G,), intervals."""

    rules: RuleSet
    model: MarketModel
    window: Integers


@dataclass(frozen=True)
class Waiting:
    """What a day hands to the next, by supply point, so that law may change between them.

    Attributes:
        waiting_wh: energy by intervals until it is due.
        price_micro_per_mwh: of the last interval, at the node.
    """

    waiting_wh: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    price_micro_per_mwh: Mapping[str, int] = field(default_factory=dict)


class AnsweredDay(NamedTuple):
    """Readings in which demand is what is asked for; `moved_wh` has shape (G, T)."""

    readings: DayReadings
    moved_wh: Integers


def answering_on(law: LoopLaw, responses: Sequence[PriceResponse], day: dt.date) -> Answering:
    """Return how supply points answer on a day, in one column."""
    rate, reference, most = np.zeros((3, len(law.model.supply_points), 1), dtype=np.int64)
    points = [point for _, point in register_of(law.rules.registrations).supply_points.values()]
    for response in responses:
        if holds_on(response, day):
            named = [point.product in response.products for point in points]
            rate[named] = response.response_ppm_per_unit
            reference[named] = response.reference_price_micro_per_mwh
            most[named] = response.most_moved_ppm
    return Answering(rate, reference, most, law.window)


def price_at_points(model: MarketModel, available_w: Integers, demand_wh: Integers) -> Integers:
    """Return the price of energy taken at each supply point, shape (G, C).

    Args:
        available_w: shape (U, C).
        demand_wh: shape (G, C); negative is net export.
    """
    layers = price_layers(
        model, node_available_w(model, available_w), node_demand_w(model, demand_wh)
    )
    prices = node_prices(model.grid, model.layers_in_use, layers)
    at_points: Integers = prices.price_micro_per_mwh[model.supply_point_node]
    return at_points


def answer_day(
    model: MarketModel,
    answering: Answering,
    before: Waiting,
    readings: DayReadings,
    intervals_after: int,
) -> tuple[AnsweredDay, Waiting]:
    """Return a day in which demand answers prices, and what the next begins with.

    Args:
        readings: `demand_wh` is what is asked for without a response.
        intervals_after: of the study, after this day.

    Raises:
        OverflowError: power so large that exact int64 results are not certain.
    """
    points, intervals = readings.demand_wh.shape
    waiting = _waiting_at(model, answering, before)
    price = _price_before(model, before)
    asked_wh = np.minimum(readings.demand_wh, 0)
    moved_wh = np.zeros((points, intervals), dtype=np.int64)
    for interval in range(intervals):
        now = slice(interval, interval + 1)
        left = intervals - interval - 1 + intervals_after
        new_wh = np.maximum(readings.demand_wh[:, now], 0)
        answer = answer_price(answering, waiting, new_wh, price, left)
        asked_wh[:, now] += answer.asked_wh
        moved_wh[:, now] = answer.moved_wh
        waiting = answer.waiting_wh
        price = price_at_points(model, readings.available_w[:, now], asked_wh[:, now])
    after = Waiting(
        {
            point: tuple(waiting[:, row, 0].tolist())
            for row, point in enumerate(model.supply_points)
        },
        dict(zip(model.supply_points, price[:, 0].tolist(), strict=True)),
    )
    return AnsweredDay(replace(readings, demand_wh=asked_wh), moved_wh), after


def _waiting_at(model: MarketModel, answering: Answering, before: Waiting) -> Integers:
    """Return what waits where a day begins, shape (L, G, 1), as long as it waited before it."""
    held = [before.waiting_wh.get(point, ()) for point in model.supply_points]
    longest = max([int(answering.window.max(initial=0)), *map(len, held)])
    waiting = nothing_waits(longest, len(held), 1)
    for row, energy_wh in enumerate(held):
        waiting[: len(energy_wh), row, 0] = energy_wh
    return waiting


def _price_before(model: MarketModel, before: Waiting) -> Integers:
    """Return the price that a day's first interval answers, shape (G, 1)."""
    known = before.price_micro_per_mwh
    prices = [known.get(point, NO_PRICE) for point in model.supply_points]
    return np.array(prices, dtype=np.int64)[:, np.newaxis]


class AnsweredDays:
    """Consecutive days that answer prices; the same whatever the order in which they are asked."""

    def __init__(
        self,
        days: Sequence[dt.date],
        responses: Sequence[PriceResponse],
        law_on: Callable[[dt.date], LoopLaw],
        readings_on: Callable[[dt.date], DayReadings],
    ) -> None:
        """Take the days in order, their law, and what is asked for without a response."""
        self._days, self._responses = days, responses
        self._law_on, self._readings_on = law_on, readings_on
        self._lock = Lock()
        self._done: list[AnsweredDay] = []
        self._waiting = Waiting()

    def of(self, day: dt.date) -> AnsweredDay:
        """Return a day, after those before it; days are asked for on threads."""
        number = self._days.index(day)
        with self._lock:
            while len(self._done) <= number:
                self._done.append(self._next())
        return self._done[number]

    def _next(self) -> AnsweredDay:
        day = self._days[len(self._done)]
        law = self._law_on(day)
        answered, self._waiting = answer_day(
            law.model,
            answering_on(law, self._responses, day),
            self._waiting,
            self._readings_on(day),
            self._intervals_after(),
        )
        return answered

    def _intervals_after(self) -> int:
        """Return how many intervals follow a day, or more than any window has."""
        first = len(self._done) + 1
        return sum(
            _interval_count(self._law_on(each).rules.market_rules, each)
            for each in self._days[first : first + MOST_WINDOW_DAYS]
        )


def _interval_count(rules: MarketRules, day: dt.date) -> int:
    return len(interval_starts(day, rules.time_zone, rules.interval_minutes))
