"""Fair Play over a day: each interval's history ends where the interval begins."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from settlement.core.arrays import Flags, Integers, integers
from settlement.core.cuts import Cuts
from settlement.core.fair_play import Shares, Terms, fair_shares, weights_ppm


@dataclass(frozen=True, eq=False)
class History:
    """What supply points desired and were delivered in the intervals before a day.

    Attributes:
        desired_w, delivered_w: shape (G,), not negative, summed over the intervals.
    """

    desired_w: Integers
    delivered_w: Integers

    def __add__(self, other: "History") -> "History":
        """Return the history of both."""
        return History(self.desired_w + other.desired_w, self.delivered_w + other.delivered_w)


def no_history(points: int) -> History:
    """Return the history of a market that has none."""
    return History(np.zeros(points, dtype=np.int64), np.zeros(points, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class DayShares:
    """What Fair Play gives in each of T intervals, in W.

    Attributes:
        entitlement_w: shape (G, T), over all priorities; what is desired where nothing is short.
        desired_w: shape (G, T), over all priorities.
        delivered_w: shape (G, T), as metered, or the entitlement where nothing else was metered.
        maximum_w: shape (T,), v(all), the most the network can serve.
        unused_w: shape (T,), see `Shares`; 0 without a lottery.
        before: T entries, the history by which each interval was weighed.
        intervals: T entries, the shares of each interval by priority.
    """

    entitlement_w: Integers
    desired_w: Integers
    delivered_w: Integers
    maximum_w: Integers
    unused_w: Integers
    before: tuple[History, ...]
    intervals: tuple[Shares, ...]

    @property
    def as_history(self) -> History:
        """What the whole day adds to the history of a later one."""
        return History(self.desired_w.sum(axis=1), self.delivered_w.sum(axis=1))


def fair_day(
    cuts: Cuts,
    terms: Terms,
    history: History,
    supply_w: Integers,
    desired_w: Integers,
    delivered_w: Integers,
    is_known: Flags,
    lottery: tuple[bytes, date] | None = None,
) -> DayShares:
    """Return the shares of every interval of a local day.

    The weight of interval t comes from the history before the day and the day's own intervals
    before t. A point that was served badly in the morning weighs more in the evening.

    Args:
        history: of the intervals before the day, in W as the day is.
        supply_w: shape (N, T), available supply at each node; see `used_export_w`.
        desired_w: shape (K, G, T), a row for each priority, not negative.
        delivered_w: shape (G, T), metered, not negative; counts where `is_known`.
        is_known: shape (G,), whether requests are known beside the meter. Elsewhere the metered
            demand is the request, and the entitlement counts as delivered.
        lottery: digest of the day's inputs and the day, where some requests are indivisible. The
            place of a drawing reads ``2024-01-17 35 N0 flexible``: day, interval from 0, node,
            priority.

    Raises:
        ValueError, OverflowError: see `fair_shares`.
    """
    priorities, points, intervals = np.shape(desired_w)
    desired = integers(desired_w, (priorities, points, intervals), "desired_w")
    supply = integers(supply_w, (cuts.node_count, intervals), "supply_w")
    delivered = integers(delivered_w, (points, intervals), "delivered_w")
    before = history
    befores, shares = [], []
    for interval in range(intervals):
        place = lottery and (lottery[0], f"{lottery[1].isoformat()} {interval}")
        wanted = desired[:, :, interval]
        weights = weights_ppm(terms, before.desired_w, before.delivered_w)
        share = fair_shares(cuts, terms, supply[:, interval], wanted, weights, place)
        given = share.entitlement_w.sum(axis=0)
        delivered[:, interval] = np.where(is_known, delivered[:, interval], given)
        befores.append(before)
        shares.append(share)
        before = before + History(wanted.sum(axis=0), delivered[:, interval])
    return DayShares(
        np.stack([share.entitlement_w.sum(axis=0) for share in shares], axis=1),
        desired.sum(axis=0),
        delivered,
        np.array([share.maximum_w for share in shares], dtype=np.int64),
        np.array([share.unused_w for share in shares], dtype=np.int64),
        tuple(befores),
        tuple(shares),
    )


def used_export_w(terms: Terms, metered_w: Integers, desired_w: Integers) -> Integers:
    """Return the net export that serves demand at its own node, shape (N, T): supply beside units.

    Node demand nets export against what others at the node take, and what is over is not sent on.
    Counting the smaller of the two as supply, and the whole of what is taken as desired, raises
    v(all) by exactly that amount, so both views serve the same.

    Args:
        metered_w: shape (G, T); negative is net export.
        desired_w: shape (G, T), not negative.
    """
    export, taken = (np.zeros((len(terms.nodes), desired_w.shape[1]), np.int64) for _ in range(2))
    np.add.at(export, terms.node, np.maximum(-metered_w, 0))
    np.add.at(taken, terms.node, desired_w)
    return np.minimum(export, taken)
