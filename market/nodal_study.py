"""Published prices beside nodal marginal prices of the same state, at the same moments.

A market is lived through event by event. At each moment at which it publishes, a least-cost
dispatch is made of what is known then, and of nothing else: what each unit can feed in, what each
supply point takes, how lines are rated. Its marginal price at each node stands beside the price
that is published there.

So that both price one state, the dispatch counts what the market maker counts, and no more: losses
and reserve do not come into it, storage is what it can feed in at that moment at its offer, and no
ramp binds, as nothing is known of the moment before. Who of those with a minimum is on is chosen at
each moment anew. So the dispatch here has no memory either; one that is made interval after
interval has, of ramps, levels and who runs.

Nodal prices are floats until they are bounded. Figures are integers: means and deviations are
rounded down, once.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from math import isqrt
from typing import NamedTuple, TypeVar

import numpy as np

from market.core.grid_state import GridState
from market.core.machine import Cause, Machine, Publication
from market.core.online import OnlineMarket
from market.core.pricing import Holons
from market.day_series import AT_NODES
from settlement.core.arrays import Integers
from settlement.dispatch.model import MILLION, DispatchModel
from settlement.dispatch.prices import bounded_micro, day_optimum

MINUTES_OF_AN_HOUR = 60
Batch = TypeVar("Batch")
PUBLISHED, NODAL = "published", "nodal marginal"
EACH_MOMENT, INTERVAL_ENDS = "each moment", "interval ends"


@dataclass(frozen=True, eq=False)
class State:
    """What is known at a moment: W of units (U,), supply points (G,) and lines (L,)."""

    available_w: Integers
    demand_w: Integers
    forward_w: Integers
    backward_w: Integers

    @classmethod
    def of(cls, grid: GridState) -> "State":
        """Return what a market knows now."""
        model = grid.market.model
        return cls(
            np.array([grid.effective_w(unit) for unit in model.units], dtype=np.int64),
            np.array([grid.demand_w(point) for point in model.supply_points], dtype=np.int64),
            grid.grid.rating_w,
            grid.grid.reverse_rating_w,
        )

    def key(self) -> bytes:
        """Return bytes that are the same of the same state alone."""
        return b"".join(getattr(self, each.name).tobytes() for each in fields(self))


@dataclass(frozen=True, eq=False)
class Moment:
    """A moment at which prices are published.

    Attributes:
        at_us: by the market's clock.
        is_end: whether an interval or a tick ends then; the state is that before it.
        state: of then.
        published: of all holons, shape (H,), as whoever follows the publications knows them.
        exact: of all holons, as they come of the state, without a deadband.
    """

    at_us: int
    is_end: bool
    state: State
    published: Integers
    exact: Integers


def moments(
    machine: Machine,
    batches: Iterable[Batch],
    take: Callable[[Batch], Sequence[Publication]],
    digest: str,
) -> Iterator[Moment]:
    """Yield the moments at which a market publishes, while it is under one law.

    Args:
        machine: as it is before the first batch.
        batches: of events; none goes on past the end of an interval or a tick.
        take: lets the machine take a batch, and returns what is published.
        digest: of the law; moments under other law are passed over.
    """
    for batch in batches:
        before = _now(machine, digest)
        told = [each for each in take(batch) if each.cause is not Cause.EX_POST]
        for each in told:
            if before is not None and each.cause in (Cause.INTERVAL_END, Cause.TICK):
                price = each.prices.price_micro_per_mwh
                yield Moment(each.at_us, True, before, price, price)
        has_moved = any(each.cause in (Cause.MOVED, Cause.RULES) for each in told)
        after = _now(machine, digest) if has_moved else None
        if after is not None and machine.grid is not None and machine.published is not None:
            yield Moment(
                told[-1].at_us,
                False,
                after,
                machine.published.price_micro_per_mwh,
                machine.grid.prices_in_full().price_micro_per_mwh,
            )


def _now(machine: Machine, digest: str) -> State | None:
    is_of_law = machine.market is not None and machine.market.digest == digest
    return State.of(machine.grid) if is_of_law and machine.grid is not None else None


class Nodal(NamedTuple):
    """Marginal prices at N nodes, micro per MWh.

    `is_outside` says whether one of them, before it was brought into the bounds, lay beyond.
    """

    prices_micro_per_mwh: Integers
    is_outside: bool


@dataclass(frozen=True, eq=False)
class NodalMarket:
    """What a least-cost dispatch of a moment needs beside its state.

    Attributes:
        fleet: grid and units, in the order of the market's model.
        line_order: for each line of the fleet, its row in the market's grid.
        point_node: of each supply point.
        floor_micro_per_mwh, cap_micro_per_mwh: of the market rules.
    """

    fleet: DispatchModel
    line_order: Integers
    point_node: Integers
    floor_micro_per_mwh: int
    cap_micro_per_mwh: int

    @classmethod
    def of(
        cls,
        fleet: DispatchModel,
        lines: Sequence[str],
        market: OnlineMarket,
        bounds_micro_per_mwh: tuple[int, int],
    ) -> "NodalMarket":
        """Return it of a law's fleet, whose lines are named in its own order."""
        place = {line: row for row, line in enumerate(market.lines)}
        moment = replace(
            fleet,
            storage_wh=np.zeros_like(fleet.storage_wh),
            interval_minutes=MINUTES_OF_AN_HOUR,  # so that a Wh is a W, and nothing is rounded
        )
        order = np.array([place[line] for line in lines], dtype=np.int64)
        return cls(moment, order, market.model.supply_point_node, *bounds_micro_per_mwh)

    def prices(self, state: State) -> Nodal:
        """Return the marginal prices of a least-cost dispatch of a state.

        Raises:
            DispatchError: HiGHS found no optimum.
        """
        model = replace(
            self.fleet,
            rating_w=state.forward_w[self.line_order],
            reverse_rating_w=state.backward_w[self.line_order],
        )
        demand_w = np.zeros((model.node_count, 1), dtype=np.int64)
        np.add.at(demand_w[:, 0], self.point_node, state.demand_w)
        found = day_optimum(model, state.available_w[:, np.newaxis], demand_w)
        prices = found.node_price_per_mwh[:, 0]
        floor, cap = self.floor_micro_per_mwh, self.cap_micro_per_mwh
        rounded = np.rint(prices * MILLION)
        is_outside = bool((rounded < floor).any() or (rounded > cap).any())
        return Nodal(bounded_micro(prices, floor, cap), is_outside)


class Steadiness(NamedTuple):
    """How the prices of some places behave over moments; each place and moment counts once.

    Attributes:
        series: published, or nodal marginal.
        over: each moment, or interval ends.
        layer: or `AT_NODES`.
        name: of one place; None for all of the layer.
        lowest, highest, mean, deviation: micro per MWh; the deviation is the standard one.
        mean_step, largest_step: how far a price is from the one before it at its place.
        moves: how many of these are further than the deadband.
        prices, at_cap: how many there are, and how many are at the cap.
        is_bounded: whether every one lies within floor and cap.
    """

    series: str
    over: str
    layer: str
    name: str | None
    lowest_micro_per_mwh: int
    highest_micro_per_mwh: int
    mean_micro_per_mwh: int
    deviation_micro_per_mwh: int
    mean_step_micro_per_mwh: int
    largest_step_micro_per_mwh: int
    moves: int
    prices: int
    at_cap: int
    is_bounded: bool


class Memory(NamedTuple):
    """States that were there before on the day, and how many of them had another price then.

    `exact` is the market maker's price; what is published of it may lag by the deadband.
    """

    states_again: int
    exact_differ: int
    published_differ: int
    nodal_differ: int


@dataclass(frozen=True, eq=False)
class NodalStudy:
    """Both series of a day.

    Attributes:
        at_us: shape (K,), of the moments.
        names: layer and name of each row: of the H holons, then `AT_NODES` and each of N nodes.
        published: shape (H + N, K).
        nodal: shape (N, K).
        ends: the last moment before the end of each interval that had come by then.
        outside: at how many moments a nodal price had to be brought into the bounds.
        memory: what the same state was priced at again.
        steadiness: by layer, at all nodes, and at each.
    """

    at_us: tuple[int, ...]
    names: tuple[tuple[str, str], ...]
    published: Integers
    nodal: Integers
    ends: tuple[int, ...]
    outside: int
    memory: Memory
    steadiness: tuple[Steadiness, ...]


def study(
    market: OnlineMarket,
    nodal: NodalMarket,
    told: Sequence[Moment],
    ends_us: Sequence[int],
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> NodalStudy:
    """Return published prices beside nodal ones.

    Args:
        market: the law that is in force at all moments.
        nodal: prices the same states.
        told: at least one moment, in order.
        ends_us: of the intervals.
        progress: told how many moments are dispatched, of how many.
    """
    holons = Holons(market.model)
    made = []
    for each in told:
        made.append(nodal.prices(each.state))
        progress(len(made), len(told))
    at_nodes = [holons.node_prices(each.published)[0] for each in told]
    published = np.array(
        [np.concatenate([each.published, node]) for each, node in zip(told, at_nodes, strict=True)]
    ).T
    marginal = np.array([each.prices_micro_per_mwh for each in made]).T
    ends = tuple(_last_before(told, end_us) for end_us in ends_us if told[0].at_us <= end_us)
    nodes = tuple((AT_NODES, node) for node in market.model.grid.nodes)
    names = (*holons.names, *nodes)
    measured = _Measured(nodal, market.deadband_micro_per_mwh)
    steadiness: list[Steadiness] = []
    for over, places in ((EACH_MOMENT, range(len(told))), (INTERVAL_ENDS, ends)):
        columns = np.array(places, dtype=np.int64)
        steadiness += measured.all_of(PUBLISHED, over, names, published[:, columns])
        steadiness += measured.all_of(NODAL, over, nodes, marginal[:, columns])
    return NodalStudy(
        tuple(each.at_us for each in told),
        names,
        published,
        marginal,
        ends,
        sum(each.is_outside for each in made),
        _memory(told, made),
        tuple(steadiness),
    )


def _last_before(told: Sequence[Moment], end_us: int) -> int:
    """Return the last moment before an interval ends; what came at its end is of the next."""
    return max(
        place
        for place, each in enumerate(told)
        if not place or each.at_us < end_us or (each.at_us == end_us and each.is_end)
    )


def _memory(told: Sequence[Moment], made: Sequence[Nodal]) -> Memory:
    first: dict[bytes, int] = {}
    again = [0, 0, 0, 0]
    for place, each in enumerate(told):
        before = first.setdefault(each.state.key(), place)
        if before == place:
            continue
        same = (
            np.array_equal(each.exact, told[before].exact),
            np.array_equal(each.published, told[before].published),
            np.array_equal(made[place].prices_micro_per_mwh, made[before].prices_micro_per_mwh),
        )
        again = [
            count + more for count, more in zip(again, (1, *(not s for s in same)), strict=True)
        ]
    return Memory(*again)


@dataclass(frozen=True)
class _Measured:
    nodal: NodalMarket
    deadband_micro_per_mwh: int

    def all_of(
        self,
        series: str,
        over: str,
        names: Sequence[tuple[str, str]],
        prices: Integers,
    ) -> Iterator[Steadiness]:
        """Yield figures of each layer, and then of each node."""
        layers = dict.fromkeys(layer for layer, _ in names)
        for layer in layers:
            rows = [row for row, (of, _) in enumerate(names) if of == layer]
            yield self._of(series, over, layer, None, prices[rows])
        for row, (layer, name) in enumerate(names):
            if layer == AT_NODES:
                yield self._of(series, over, layer, name, prices[[row]])

    def _of(
        self, series: str, over: str, layer: str, name: str | None, prices: Integers
    ) -> Steadiness:
        # In Python's integers: squares of prices pass 64 bits.
        every = prices.ravel().tolist()
        steps = np.abs(np.diff(prices, axis=1))
        count, total = len(every), sum(every)
        squares = sum(price * price for price in every)
        floor, cap = self.nodal.floor_micro_per_mwh, self.nodal.cap_micro_per_mwh
        return Steadiness(
            series,
            over,
            layer,
            name,
            min(every),
            max(every),
            total // count,
            isqrt(count * squares - total * total) // count,
            sum(steps.ravel().tolist()) // steps.size if steps.size else 0,
            int(steps.max(initial=0)),
            int((steps > self.deadband_micro_per_mwh).sum()),
            count,
            int((prices >= cap).sum()),
            floor <= min(every) and max(every) <= cap,
        )
