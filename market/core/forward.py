"""Intervals to come: the power that is forecast, that goes on, and that is booked, and its prices.

The *horizon* begins with the first interval that has not begun by the market's clock. Of each unit
and supply point an interval has what was forecast of it; where nothing was, what it does now goes
on. A forecast that was said before an outage began counts for nothing while the outage lasts: one
said after it knew of it. What is booked is added at its node: a purchase as demand, a sale as net
export, which lowers demand there and is supply nowhere else, as in settlement.

Tightness and prices are settlement's, of all intervals at once. What can be brought into a holon
does not depend on demand inside it, under either measure of imports. So whoever asks for more at a
node is answered from the sums of the holons over it alone; only what is booked moves the others,
and only in the intervals booked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from market.core.events import Event, Outcome
from market.core.grid_state import MOST_W, NEVER_US, GridState
from market.core.online import OnlineMarket
from market.core.pricing import MOST_DEMAND_W, Prices
from settlement.core.arrays import Flags, Integers
from settlement.core.tightness import PPM, Curve, LayerTightness, layer_tightness

MINUTE_US = 60_000_000


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
        first = (clock_us // (minutes * MINUTE_US) + 1) * minutes
        return cls(first, minutes, market.forward_hours * 60 // minutes)

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

    def moved(self, old: Horizon, new: Horizon) -> "Forecast":
        """Return it for another horizon: an interval has what held at its start."""
        at = (new.starts - old.first_minute) // old.minutes
        known = (at >= 0) & (at < old.count)
        at = np.where(known, at, 0)
        return Forecast(
            np.where(known, self.said_us[at], NEVER_US), np.where(known, self.power_w[at], 0)
        )


@dataclass(frozen=True, eq=False)
class NodeForward:
    """The intervals to come as seen from one node, in its K layers.

    Attributes:
        demand_w, deliverable_w: shape (K, T), of the holon of each layer that holds the node.
        net_demand_w: shape (T,), at the node; below nothing where it feeds in.
        spare_w: shape (T,), by how much demand may grow until sums are no longer exact; below
            nothing where they are not.
        curves: of each layer, for buying.
        sell_curves: of each layer, for selling.
        layers_in_use: of each layer, whether it sets prices.
    """

    demand_w: Integers
    deliverable_w: Integers
    net_demand_w: Integers
    spare_w: Integers
    curves: tuple[Curve, ...]
    sell_curves: tuple[Curve, ...]
    layers_in_use: tuple[bool, ...]

    @property
    def room_w(self) -> Integers:
        """Shape (T,): by how much the node may take more, until a holon over it passes all it has.

        Where one has passed already there is no room. Net export at the node is taken first, and
        is no demand.

        Example: 70 W of demand in a zone that 100 W can be brought to; the node feeds in 20 W. It
        may take 50 W more: the first 20 leave demand as it is, and the other 30 fill the zone.
        """
        left = np.minimum((self.deliverable_w - self.demand_w).min(axis=0), self.spare_w)
        return np.where(left < 0, 0, left + np.maximum(-self.net_demand_w, 0))

    def with_more(self, more_w: Integers) -> Prices:
        """Return the node's tightness and prices where it takes so much more, shape (T,) each.

        The tightness is the highest of the layers, whether they set prices or not; the prices are
        the highest of those that do, as `node_prices`.
        """
        before = np.maximum(self.net_demand_w, 0)
        grown = np.maximum(self.net_demand_w + more_w, 0) - before
        demand = np.where(self.spare_w < 0, 0, self.demand_w + grown)
        tightness = demand * PPM // np.maximum(self.deliverable_w, 1)
        for row, priced in enumerate(zip(self.curves, self.sell_curves, strict=True)):
            last = max(int(curve.tightness_ppm[-1]) for curve in priced)
            tightness[row][(self.deliverable_w[row] == 0) & (demand[row] > 0)] = last
        used = np.flatnonzero(np.array(self.layers_in_use)).tolist()
        buy = np.stack([self.curves[row].price_at(tightness[row]) for row in used])
        sell = np.stack([self.sell_curves[row].price_at(tightness[row]) for row in used])
        return Prices(tightness.max(axis=0), buy.max(axis=0), sell.max(axis=0))


class Forward:
    """The state of a market's intervals to come.

    Attributes:
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
        self._node = dict(zip(model.supply_points, model.supply_point_node.tolist(), strict=True))
        self._units = frozenset(model.units)
        self._sell_curves = model.sell_curves or model.curves
        self.begin(Horizon.after(clock_us, market))

    def begin(self, horizon: Horizon) -> None:
        """Move on to a horizon; what is booked is forgotten, for who books to say again."""
        for name, forecast in self.forecasts.items():
            self.forecasts[name] = forecast.moved(self.horizon, horizon)
        self.horizon = horizon
        self.booked_w = {}
        self.moved()

    def moved(self) -> None:
        """Note that what the grid does now, or is forecast, is other than it was."""
        self._is_made, self._stale = False, np.ones(self.horizon.count, dtype=np.bool_)

    def judge(self, event: Event) -> Outcome:
        """Return what becomes of a forecast; nothing moves by this.

        It must begin with an interval, and end within the horizon of its own moment.
        """
        if event.entity not in self._node and event.entity not in self._units:
            return Outcome.UNKNOWN
        first, *power_w = event.numbers or (0,)
        least_w = -MOST_W if event.entity in self._node else 0
        if event.words or not power_w or first % self.horizon.minutes:
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
        self.moved()
        return Outcome.TAKEN

    def book(self, point: str, power_w: Mapping[int, int]) -> None:
        """Add what a supply point takes more in intervals, by their places in the horizon, in W."""
        if not power_w:
            return
        booked = self.booked_w.setdefault(point, np.zeros(self.horizon.count, dtype=np.int64))
        for place, more_w in power_w.items():
            booked[place] += more_w
            if self._is_made and point in self._node:
                self._net_demand_w[self._node[point], place] += more_w
            self._stale[place] = True

    def node_of(self, point: str) -> int | None:
        """Return the node of a supply point; None where the law in force does not know it."""
        return self._node.get(point)

    def at(self, point: str) -> NodeForward:
        """Return the intervals to come as seen from the node of a supply point that there is."""
        self._make()
        node = self._node[point]
        rows = self.grid.holons.node_holons[:, node]
        return NodeForward(
            self._demand_w[rows],
            self._deliverable_w[rows],
            self._net_demand_w[node],
            self._spare_w,
            self.model.curves,
            self._sell_curves,
            self.model.layers_in_use,
        )

    def prices(self) -> Prices:
        """Return tightness and prices of all holons in all intervals, shape (H, T) each.

        Where the sums of an interval are too large to be exact it is priced as if nobody took
        anything; `exact` says of which it is not so, and nothing is booked there.
        """
        self._make()
        return Prices(*(getattr(self._prices, each.name).copy() for each in fields(Prices)))

    def exact(self) -> Flags:
        """Return of which intervals the sums are exact, shape (T,)."""
        self._make()
        flags: Flags = self._spare_w >= 0
        return flags

    def _make(self) -> None:
        """Make anew what is stale: all of it, or the intervals in which something was booked."""
        if not self._is_made:
            self._sum_powers()
        columns = np.flatnonzero(self._stale)
        if not len(columns):
            return
        demand_w = np.maximum(self._net_demand_w[:, columns], 0)
        spare_w = MOST_DEMAND_W - demand_w.sum(axis=0)
        demand_w[:, spare_w < 0] = 0
        self._spare_w[columns] = spare_w
        layers = self._layers(self._available_w[:, columns], demand_w)
        for name, made in (("demand_w", self._demand_w), ("deliverable_w", self._deliverable_w)):
            made[:, columns] = np.concatenate([getattr(layer, name) for layer in layers])
        for each in fields(Prices):
            made = getattr(self._prices, each.name)
            made[:, columns] = np.concatenate([getattr(layer, each.name) for layer in layers])
        self._stale[:] = False

    def _layers(self, available_w: Integers, demand_w: Integers) -> list[LayerTightness]:
        grid = self.grid.grid
        return [
            layer_tightness(
                grid,
                layer,
                curve,
                available_w,
                demand_w,
                sell_curve=sell_curve,
                deliverability=self.model.deliverability,
            )
            for layer, curve, sell_curve in zip(
                grid.layers, self.model.curves, self._sell_curves, strict=True
            )
        ]

    def _sum_powers(self) -> None:
        """Sum over nodes, shape (N, T), what units can feed in and supply points take."""
        model, grid, count = self.model, self.grid, self.horizon.count
        shape = (len(model.grid.nodes), count)
        self._available_w = np.zeros(shape, dtype=np.int64)
        available_w = [
            self._power_w(name, grid.effective_w(name), grid.out_since_us(name))
            for name in model.units
        ]
        np.add.at(self._available_w, model.unit_node, np.array(available_w).reshape(-1, count))
        self._net_demand_w = np.zeros(shape, dtype=np.int64)
        demand_w = [self._power_w(name, grid.demand_w(name)) for name in model.supply_points]
        booked_w = [self.booked_w.get(name, 0) for name in model.supply_points]
        taken_w = [each + more for each, more in zip(demand_w, booked_w, strict=True)]
        np.add.at(self._net_demand_w, model.supply_point_node, np.array(taken_w).reshape(-1, count))
        self._spare_w = np.zeros(count, dtype=np.int64)
        made = (len(grid.holons), count)
        self._demand_w, self._deliverable_w = np.zeros((2, *made), dtype=np.int64)
        self._prices = Prices(*np.zeros((3, *made), dtype=np.int64))
        self._is_made = True
        self._stale[:] = True

    def _power_w(self, name: str, now_w: int, out_since_us: int = NEVER_US) -> Integers:
        """Return what an entity does in each interval, shape (T,)."""
        forecast = self.forecasts.get(name)
        if forecast is None:
            return np.full(self.horizon.count, now_w, dtype=np.int64)
        return np.where(forecast.said_us > out_since_us, forecast.power_w, now_w)
