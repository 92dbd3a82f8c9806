"""What the grid does now: power at nodes and ratings of lines, moved by telemetry one by one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from market.core.events import Event, Kind, Outcome
from market.core.online import OnlineMarket
from market.core.pricing import MOST_DEMAND_W, Holons, Prices, Sums
from settlement.core.arrays import Integers
from settlement.core.grid import Grid

NEVER_US = -(2**63)
MOST_W = 10**13
"""Of one unit, supply point or line: as the grid model's highest power."""


@dataclass(frozen=True)
class Known:
    """What was last said of an entity: when, and the numbers."""

    at_us: int
    numbers: tuple[int, ...]


class GridState:
    """Power at the nodes of a market, by what was last said of each unit, point and line.

    What nobody spoke of yet feeds in nothing and takes nothing; a line has the rating of the law.
    What law of another day knows no more keeps what was said, and takes no part.
    """

    def __init__(self, market: OnlineMarket) -> None:
        self.said: dict[tuple[Kind, str], Known] = {}
        self.obey(market)

    def obey(self, market: OnlineMarket) -> None:
        """Take the law of a market from now on: who there is, and where."""
        model = market.model
        self.market = market
        self.holons = Holons(model)
        self._unit = {name: row for row, name in enumerate(model.units)}
        self._point = {name: row for row, name in enumerate(model.supply_points)}
        self._line = {name: row for row, name in enumerate(market.lines)}
        available = np.zeros(len(model.grid.nodes), dtype=np.int64)
        for row, name in enumerate(model.units):
            available[model.unit_node[row]] += self.effective_w(name)
        self._net_demand_w = net_demand = self._net_demand_under(market)
        self._forward_w, self._backward_w = self._ratings()
        self._grid: Grid | None = None
        demand = np.maximum(np.array(net_demand, dtype=np.int64), 0)
        self.sums: Sums = self.holons.sums(self.grid, available, demand)
        self._all_demand_w = sum(demand.tolist())
        if self._all_demand_w > MOST_DEMAND_W:
            raise OverflowError(
                f"demand of {self._all_demand_w} W, the limit is {MOST_DEMAND_W}; check the unit"
            )

    def is_exact_under(self, market: OnlineMarket) -> bool:
        """Whether the law of a market leaves sums exact: net export weighs up demand at its node
        alone, so who stands elsewhere may add to the demand of all."""
        demand = self._net_demand_under(market)
        return sum(net for net in demand if net > 0) <= MOST_DEMAND_W

    def _net_demand_under(self, market: OnlineMarket) -> list[int]:
        model = market.model
        net_demand = [0] * len(model.grid.nodes)
        for row, name in enumerate(model.supply_points):
            net_demand[model.supply_point_node[row]] += self._said_w(Kind.DEMAND, name)
        return net_demand

    @property
    def grid(self) -> Grid:
        """The grid with the ratings of now; what was asked for before keeps those of then.

        It is another object once a rating moved: settlement keeps what it works out of a grid.
        """
        if self._grid is None:
            forward, backward = self._forward_w.copy(), self._backward_w.copy()
            model = self.market.model
            self._grid = replace(model.grid, rating_w=forward, reverse_rating_w=backward)
        return self._grid

    def _ratings(self) -> tuple[Integers, Integers]:
        grid = self.market.model.grid
        forward, backward = grid.rating_w.copy(), grid.reverse_rating_w.copy()
        for name, row in self._line.items():
            known = self.said.get((Kind.LINE_RATING, name))
            if known is not None:
                forward[row], backward[row] = known.numbers
        return forward, backward

    def _said_w(self, kind: Kind, name: str) -> int:
        known = self.said.get((kind, name))
        return known.numbers[0] if known else 0

    def effective_w(self, unit: str) -> int:
        """Return what a unit can feed in: nothing while it is out."""
        return 0 if self.out_since_us(unit) > NEVER_US else self._said_w(Kind.AVAILABILITY, unit)

    def out_since_us(self, unit: str) -> int:
        """Return since when a unit is out; `NEVER_US` where it is not."""
        out, back = self.said.get((Kind.OUTAGE, unit)), self.said.get((Kind.RETURN, unit))
        if out is None or (back is not None and back.at_us >= out.at_us):
            return NEVER_US
        return out.at_us

    def demand_w(self, point: str) -> int:
        """Return what a supply point takes; below nothing where it feeds in."""
        return self._said_w(Kind.DEMAND, point)

    def prices(self) -> Prices:
        """Return what all holons come to now, by *boundary*."""
        return self.holons.prices(self.sums)

    def prices_in_full(self) -> Prices:
        """Return it by settlement's own market maker, by the measure of the law."""
        return self.holons.prices_in_full(self.grid, self.sums.available_w, self.sums.demand_w)

    def judge(self, event: Event) -> Outcome:
        """Return what becomes of an event of telemetry; nothing moves by this."""
        known = self._rows(event.kind)
        if event.entity not in known:
            return Outcome.UNKNOWN
        if not _is_readable(event):
            return Outcome.UNREADABLE
        said = self.said.get((event.kind, event.entity))
        if said is not None and event.at_us < said.at_us:
            return Outcome.OLDER
        if event.kind is Kind.DEMAND:
            _, more_w = self._of_demand(event)
            if self._all_demand_w + more_w > MOST_DEMAND_W:
                return Outcome.TOO_LARGE
        return Outcome.TAKEN

    def _rows(self, kind: Kind) -> Mapping[str, int]:
        return {Kind.DEMAND: self._point, Kind.LINE_RATING: self._line}.get(kind, self._unit)

    def move(self, event: Event) -> None:
        """Move by an event of telemetry that was judged to be taken."""
        row = self._rows(event.kind)[event.entity]
        if event.kind is Kind.DEMAND:
            self._move_demand(event, row)
            return
        before = self.effective_w(event.entity)
        self.said[event.kind, event.entity] = Known(event.at_us, event.numbers)
        if event.kind is Kind.LINE_RATING:
            self._move_rating(row, event.numbers)
            return
        more_w = self.effective_w(event.entity) - before
        node = int(self.market.model.unit_node[row])
        self._move(self.sums.available_w, self.sums.holon_available_w, node, more_w)

    def _move(self, at_nodes: Integers, at_holons: Integers, node: int, more_w: int) -> None:
        at_nodes[node] += more_w
        at_holons[self.holons.node_holons[:, node]] += more_w

    def _of_demand(self, event: Event) -> tuple[int, int]:
        """Return the net demand at its node after an event, and what the node's demand grows by."""
        node = int(self.market.model.supply_point_node[self._point[event.entity]])
        before = self._net_demand_w[node]
        net = before + event.numbers[0] - self._said_w(Kind.DEMAND, event.entity)
        return net, max(net, 0) - max(before, 0)

    def _move_demand(self, event: Event, row: int) -> None:
        net, more_w = self._of_demand(event)
        node = int(self.market.model.supply_point_node[row])
        self.said[event.kind, event.entity] = Known(event.at_us, event.numbers)
        self._net_demand_w[node] = net
        self._all_demand_w += more_w
        self._move(self.sums.demand_w, self.sums.holon_demand_w, node, more_w)

    def _move_rating(self, row: int, numbers: tuple[int, ...]) -> None:
        grid = self.market.model.grid
        more_w = (
            numbers[0] - int(self._forward_w[row]),
            numbers[1] - int(self._backward_w[row]),
        )
        self._forward_w[row], self._backward_w[row] = numbers
        self._grid = None
        source, target = int(grid.line_from[row]), int(grid.line_to[row])
        for of_layer in self.holons.node_holons:
            if of_layer[source] != of_layer[target]:
                self.sums.boundary_w[of_layer[target]] += more_w[0]
                self.sums.boundary_w[of_layer[source]] += more_w[1]


def _is_readable(event: Event) -> bool:
    """Whether numbers and words of telemetry are those of its kind."""
    count = {Kind.OUTAGE: 0, Kind.RETURN: 0, Kind.LINE_RATING: 2}.get(event.kind, 1)
    least_w = -MOST_W if event.kind is Kind.DEMAND else 0
    return (
        not event.words
        and len(event.numbers) == count
        and all(least_w <= number <= MOST_W for number in event.numbers)
    )
