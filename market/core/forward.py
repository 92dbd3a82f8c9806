"""Intervals to come: the power that is forecast, that goes on, and that is booked, and its prices.

The *horizon* begins with the first interval that has not begun, by the market's clock and by
whatever else law says that it does. Of each unit and supply point an interval has what was forecast
of it; where nothing was, what was of the same time a day before, as a forecast ends where the
horizon of its own moment did; and where that was not either, what it does now goes on. A forecast
that was said before an outage began counts for nothing while the outage lasts: one said after it
knew of it. What is booked is added at its node: a purchase as demand, a sale as net export, which
lowers demand there and is supply nowhere else, as in settlement.

Tightness and prices are settlement's. What can be brought into a holon does not depend on demand
inside it, under either measure of imports: so whoever asks for more at a node is answered from the
sums of the holons over it alone. These are moved by each entity that spoke since somebody last
asked; only by maximum flow all is made again, or after a booking the intervals that were booked.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from market.core.events import Event, Outcome
from market.core.forward_sums import ForwardSums, NodeForward
from market.core.grid_state import MOST_W, NEVER_US, GridState
from market.core.online import OnlineMarket
from market.core.pricing import Prices
from settlement.core.arrays import Flags, Integers

MINUTE_US = 60_000_000
MINUTES_PER_DAY = 24 * 60


@dataclass(frozen=True)
class Horizon:
    """The intervals to come.

    Attributes:
        first_minute: start of the first, in minutes since 1970-01-01T00:00Z.
        minutes: length of an interval.
        count: T, how many there are.
    """

    first_minute: int
    minutes: int
    count: int

    @classmethod
    def after(cls, clock_us: int, market: OnlineMarket) -> "Horizon":
        """Return the intervals of a market after the one in which its clock stands."""
        minutes = market.model.interval_minutes
        first = (market.interval_start_us(clock_us) + market.interval_us) // MINUTE_US
        return cls(first, minutes, market.forward_hours * 60 // minutes)

    def begins_one(self, minute: int) -> bool:
        """Return whether an interval of these, or of those before or after them, begins then."""
        return (minute - self.first_minute) % self.minutes == 0

    @property
    def end_minute(self) -> int:
        """The end of the last interval."""
        return self.first_minute + self.minutes * self.count

    @property
    def starts(self) -> Integers:
        """Shape (T,), the start of each interval in minutes since 1970."""
        return self.first_minute + self.minutes * np.arange(self.count, dtype=np.int64)


@dataclass(eq=False)
class Forecast:
    """What is forecast of a unit or supply point, shape (T,) each.

    Attributes:
        said_us: when it was said; `NEVER_US` where nothing was.
        power_w: as it was said.
    """

    said_us: Integers
    power_w: Integers

    def moved(self, at: Integers, known: Flags) -> "Forecast":
        """Return it for another horizon, whose intervals have what held where `known`, at `at`."""
        return Forecast(
            np.where(known, self.said_us[at], NEVER_US), np.where(known, self.power_w[at], 0)
        )

    def day_after_day(self, count: int) -> "Forecast":
        """Return it with what is said of a day, of so many intervals, where nothing is of the next.

        Example: of four intervals, two a day, 5 and 7 are said of the first two, and 9 of the last:
        5, 7, 5, 9.
        """
        said_us, power_w = self.said_us.copy(), self.power_w.copy()
        for first in range(count, len(said_us), count):
            of_day = slice(first, first + count)
            before = slice(first - count, min(first, len(said_us) - count))
            is_said = said_us[of_day] != NEVER_US
            said_us[of_day] = np.where(is_said, said_us[of_day], said_us[before])
            power_w[of_day] = np.where(is_said, power_w[of_day], power_w[before])
        return Forecast(said_us, power_w)


class Forward:
    """The state of a market's intervals to come.

    Attributes:
        horizon: the intervals.
        forecasts: of a unit or supply point, by its name.
        booked_w: what supply points booked, shape (T,), below nothing where they sell, by name.
    """

    def __init__(self, market: OnlineMarket, grid: GridState, clock_us: int) -> None:
        self.grid = grid
        self.forecasts: dict[str, Forecast] = {}
        self.booked_w: dict[str, Integers] = {}
        self.horizon = Horizon.after(clock_us, market)
        self.obey(market, clock_us)

    def obey(self, market: OnlineMarket, clock_us: int) -> None:
        """Take the law of a market; what is booked is forgotten, for who books to say again."""
        model = self.model = market.model
        self.market = market
        self._units = {name: row for row, name in enumerate(model.units)}
        self._points = {name: row for row, name in enumerate(model.supply_points)}
        self.begin(Horizon.after(clock_us, market))

    def begin(self, horizon: Horizon) -> None:
        """Move on to a horizon; what is booked is forgotten, for who books to say again.

        An interval has the forecast that held at its start.
        """
        at = (horizon.starts - self.horizon.first_minute) // self.horizon.minutes
        known = (at >= 0) & (at < self.horizon.count)
        at = np.where(known, at, 0)
        self.forecasts = {name: each.moved(at, known) for name, each in self.forecasts.items()}
        self.horizon = horizon
        self.booked_w = {}
        self._sums: ForwardSums | None = None
        self._spoke: set[str] = set()

    def moved(self, name: str) -> None:
        """Note that a unit or supply point does other than it did; or a line carries other."""
        self._spoke.add(name)

    def judge(self, event: Event) -> Outcome:
        """Return what becomes of a forecast; nothing moves by this.

        It must begin with an interval, and end within the horizon of its own moment.
        """
        if event.entity not in self._points and event.entity not in self._units:
            return Outcome.UNKNOWN
        first, *power_w = event.numbers or (0,)
        least_w = -MOST_W if event.entity in self._points else 0
        if event.words or not power_w or not self.horizon.begins_one(first):
            return Outcome.UNREADABLE
        if not all(least_w <= each <= MOST_W for each in power_w):
            return Outcome.UNREADABLE
        own = Horizon.after(event.at_us, self.market)
        ends = first + len(power_w) * self.horizon.minutes
        return Outcome.AHEAD if ends > own.end_minute else Outcome.TAKEN

    def take(self, event: Event) -> Outcome:
        """Take a forecast that was judged to be taken: of each interval what was said last stands.

        Of two that were said at one moment, the later in the log. It is older where it says
        nothing of any interval to come that stands.
        """
        first, *power_w = event.numbers
        start = (first - self.horizon.first_minute) // self.horizon.minutes
        said_w = np.array(power_w[max(-start, 0) :], dtype=np.int64)
        start = max(start, 0)
        blank = np.full(self.horizon.count, NEVER_US, dtype=np.int64)
        known = self.forecasts.get(event.entity) or Forecast(blank, np.zeros_like(blank))
        part = slice(start, start + len(said_w))
        wins = known.said_us[part] <= event.at_us
        if not wins.any():
            return Outcome.OLDER
        known.said_us[part][wins] = event.at_us
        known.power_w[part][wins] = said_w[wins]
        self.forecasts[event.entity] = known
        self.moved(event.entity)
        return Outcome.TAKEN

    def book(self, point: str, power_w: Mapping[int, int]) -> None:
        """Add what a supply point takes more in intervals, by their places in the horizon, in W."""
        if not power_w:
            return
        booked = self.booked_w.setdefault(point, np.zeros(self.horizon.count, dtype=np.int64))
        more_w = np.zeros_like(booked)
        for place, each_w in power_w.items():
            more_w[place] = each_w
        booked += more_w
        if self._sums is not None and point in self._points:
            self._sums.take_more(self.node_of(point), more_w)

    def knows(self, point: str) -> bool:
        """Whether the law in force knows a supply point."""
        return point in self._points

    def node_of(self, point: str) -> int:
        """Return the node of a supply point that the law in force knows."""
        return int(self.model.supply_point_node[self._points[point]])

    def at(self, point: str) -> NodeForward:
        """Return the intervals to come as seen from the node of a supply point that there is."""
        return self._made().at(self.node_of(point))

    def booked_at_w(self, point: str) -> Integers:
        """Return what a supply point booked, shape (T,); below nothing where it sells."""
        return self.booked_w.get(point, np.zeros(self.horizon.count, dtype=np.int64))

    def net_w(self, point: str) -> Integers:
        """Return what a supply point that there is takes, with what it booked, shape (T,)."""
        net_w: Integers = self._point_w(point) + self.booked_at_w(point)
        return net_w

    def seen_from(self, point: str, node: str) -> NodeForward | None:
        """Return them as seen from a supply point, or where law knows none, from a node by name.

        None where the law in force knows neither.
        """
        if self.knows(point):
            return self.at(point)
        nodes = self.model.grid.nodes
        return self._made().at(nodes.index(node)) if node in nodes else None

    def prices(self) -> Prices:
        """Return tightness and prices of all holons in all intervals, shape (H, T) each.

        Where the sums of an interval are too large to be exact it is priced as if nobody took
        anything; `exact` says of which it is not so, and nothing is booked there.
        """
        return self._made().prices()

    def exact(self) -> Flags:
        """Return of which intervals the sums are exact, shape (T,)."""
        flags: Flags = self._made().spare_w >= 0
        return flags

    def _made(self) -> ForwardSums:
        """Return sums in which everything has its part that was said."""
        if self._sums is None:
            available_w = [self._unit_w(name) for name in self._units]
            demand_w = [self._point_w(name) for name in self._points]
            self._sums = ForwardSums(self.grid, self.horizon.count, available_w, demand_w)
            for point, booked_w in self.booked_w.items():
                if point in self._points:
                    self._sums.take_more(self.node_of(point), booked_w)
        else:
            if self._spoke:
                self._sums.all_moved()
            for name in self._spoke:
                if name in self._units:
                    self._sums.put_unit(self._units[name], self._unit_w(name))
                elif name in self._points:
                    self._sums.put_point(self._points[name], self._point_w(name))
        self._spoke = set()
        return self._sums

    def _unit_w(self, name: str) -> Integers:
        grid = self.grid
        return self._power_w(name, grid.effective_w(name), grid.out_since_us(name))

    def _point_w(self, name: str) -> Integers:
        return self._power_w(name, self.grid.demand_w(name))

    def _power_w(self, name: str, now_w: int, out_since_us: int = NEVER_US) -> Integers:
        """Return what an entity does in each interval, shape (T,), without what it booked."""
        forecast = self.forecasts.get(name)
        if forecast is None:
            return np.full(self.horizon.count, now_w, dtype=np.int64)
        forecast = forecast.day_after_day(MINUTES_PER_DAY // self.horizon.minutes)
        return np.where(forecast.said_us > out_since_us, forecast.power_w, now_w)
