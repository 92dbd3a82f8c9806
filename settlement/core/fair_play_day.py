"""Fair Play over a day: each interval's history ends where the interval begins."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from settlement.core.arrays import Integers, integers
from settlement.core.cuts import Cuts
from settlement.core.fair_play import Terms, fair_shares, weights_ppm


@dataclass(frozen=True, eq=False)
class History:
    """The intervals before a day, oldest first; fewer than the window where a market is young.

    Attributes:
        desired_w, delivered_w: shape (G, M), not negative. Only the last
            ``Terms.window_intervals`` of M count.
    """

    desired_w: Integers
    delivered_w: Integers


@dataclass(frozen=True, eq=False)
class DayShares:
    """What Fair Play gives in each of T intervals, in W.

    Attributes:
        entitlement_w: shape (K, G, T), by priority; what is desired where nothing is short.
        desired_w: shape (G, T), over all priorities.
        delivered_w: shape (G, T), as metered, or the entitlement where nothing else was metered.
        maximum_w: shape (T,), v(all), the most the network can serve.
        unused_w: shape (T,), see `Shares`; 0 without a lottery.
    """

    entitlement_w: Integers
    desired_w: Integers
    delivered_w: Integers
    maximum_w: Integers
    unused_w: Integers


def fair_day(
    cuts: Cuts,
    terms: Terms,
    history: History,
    supply_w: Integers,
    desired_w: Integers,
    delivered_w: Integers | None,
    lottery: tuple[bytes, date] | None = None,
) -> DayShares:
    """Return the shares of every interval of a local day.

    The weight of interval t comes from the window of intervals before t: the end of the history and
    the day's own intervals before t. A point that was served badly in the morning weighs more in
    the evening.

    Args:
        supply_w: shape (N, T), available supply at each node; see `used_export_w`.
        desired_w: shape (K, G, T), a row for each priority, not negative.
        delivered_w: shape (G, T), metered where requests are known beside it. None where the
            metered demand is the request: the entitlement then counts as delivered.
        lottery: digest of the run's inputs and the day, where some requests are indivisible. The
            place of a drawing reads ``2024-01-17 35 N0 flexible``: day, interval from 0, node,
            priority.

    Raises:
        ValueError, OverflowError: see `fair_shares`.
    """
    priorities, points, intervals = np.shape(desired_w)
    desired = integers(desired_w, (priorities, points, intervals), "desired_w")
    supply = integers(supply_w, (cuts.node_count, intervals), "supply_w")
    before = np.shape(history.desired_w)[1]
    all_desired, all_delivered = (
        np.concatenate([integers(past, (points, before), "history"), own], axis=1)
        for past, own in (
            (history.desired_w, desired.sum(axis=0)),
            (history.delivered_w, np.zeros((points, intervals), np.int64)),
        )
    )
    if delivered_w is not None:
        all_delivered[:, before:] = integers(delivered_w, (points, intervals), "delivered_w")
    entitlement = np.empty_like(desired)
    maximum, unused = np.empty(intervals, np.int64), np.empty(intervals, np.int64)
    for interval in range(intervals):
        end = before + interval
        window = slice(max(0, end - terms.window_intervals), end)
        weights = weights_ppm(terms, all_desired[:, window], all_delivered[:, window])
        place = lottery and (lottery[0], f"{lottery[1].isoformat()} {interval}")
        shares = fair_shares(
            cuts, terms, supply[:, interval], desired[:, :, interval], weights, place
        )
        entitlement[:, :, interval] = shares.entitlement_w
        maximum[interval], unused[interval] = shares.maximum_w, shares.unused_w
        if delivered_w is None:
            all_delivered[:, end] = shares.entitlement_w.sum(axis=0)
    return DayShares(
        entitlement, all_desired[:, before:], all_delivered[:, before:], maximum, unused
    )


def used_export_w(terms: Terms, demand_w: Integers) -> Integers:
    """Return the net export that serves demand at its own node, shape (N, T): supply beside units.

    Node demand nets export against what others at the node take, and what is over is not sent on.
    Counting the smaller of the two as supply, and the whole of what is taken as desired, raises
    v(all) by exactly that amount, so both views serve the same.

    Args:
        demand_w: shape (G, T); negative is net export.
    """
    export, taken = (np.zeros((len(terms.nodes), demand_w.shape[1]), np.int64) for _ in range(2))
    np.add.at(export, terms.node, np.maximum(-demand_w, 0))
    np.add.at(taken, terms.node, np.maximum(demand_w, 0))
    return np.minimum(export, taken)
