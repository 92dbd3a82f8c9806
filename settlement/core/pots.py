"""What units are paid: fuel as bid, regulated cost, and pots shared by Shapley value.

A day's share of annual cost is either paid to the unit (regulated technologies) or added to one
target. The target is split over pots by weight, a pot over the intervals of the day by its
timing, and an interval's part over the eligible units by their Shapley values in the pot's game.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from settlement.core.arrays import Flags, Integers
from settlement.core.periods import MINUTES_PER_HOUR
from settlement.core.rounding import annual_to_day, apportion, energy_amounts_micro
from settlement.core.tightness import PPM

GAMES = ("adequacy", "location", "flexibility", "reserve")
COMPONENTS = ("fuel", "regulated", "availability", *GAMES)
"""What units are paid for, and subscribers share the cost of."""

RULES = ("cost-recovery", "equalisation")
TIMINGS = ("flat", "tightness", "served")


@dataclass(frozen=True)
class Pot:
    """A part of the cost target, and how it is shared.

    Attributes:
        game: whose Shapley values share it: ``adequacy``, ``location`` or ``flexibility``; a
            ``reserve`` pot is shared by reserve held.
        weight_ppm: its part of the target, in parts per million.
        timing: over a day's intervals ``flat``, by ``tightness`` of the outermost layer, or by
            power ``served`` through the network.
    """

    game: str
    weight_ppm: int
    timing: str

    def __post_init__(self) -> None:
        if self.game not in GAMES and self.weight_ppm:
            raise ValueError(f"pot {self.game}: no such game here; give it weight 0")
        if self.timing not in TIMINGS:
            raise ValueError(f"pot {self.game}: timing {self.timing} is not one of {TIMINGS}")
        if not 0 <= self.weight_ppm <= PPM:
            raise ValueError(f"pot {self.game}: weight {self.weight_ppm} is not 0 to {PPM} ppm")


@dataclass(frozen=True)
class Target:
    """How much the pots of a day hold together.

    Attributes:
        rule: ``cost-recovery``, the day's cost of units without regulated recovery; or
            ``equalisation``, what the day's part of a stated benchmark revenue leaves when fuel,
            regulated recovery and reserve are paid, and nothing where they exceed it.
        benchmark_annual_micro: the stated revenue of a calendar year; 0 under cost recovery.
    """

    rule: str
    benchmark_annual_micro: int = 0

    def __post_init__(self) -> None:
        if self.rule not in RULES or self.benchmark_annual_micro < 0:
            raise ValueError(f"target {self.rule}, {self.benchmark_annual_micro}: no such target")


COST_RECOVERY = Target("cost-recovery")


@dataclass(frozen=True, eq=False)
class Flexibility:
    """The flexibility game: what members can ramp within the response time, up to a requirement.

    ``v(S) = min(sum of min(available, ramp x response time), requirement)``

    Attributes:
        unit_ramp_w_per_h: shape (U,), fastest change of each unit's power.
        response_minutes: the response time.
        requirement_ppm: the requirement, in parts per million of demand.
    """

    unit_ramp_w_per_h: Integers
    response_minutes: int
    requirement_ppm: int

    def requirement_kw(self, demand_kw: Integers) -> Integers:
        """Return the requirement of each interval, shape (T,), in kW, rounded down."""
        return demand_kw * self.requirement_ppm // PPM


def fuel_payments_micro(generation_wh: Integers, offer_micro_per_mwh: Integers) -> Integers:
    """Return fuel paid as bid, shape (U, T): exported energy x offer.

    Energy a storage unit takes in (negative generation) earns and costs no fuel.
    """
    return energy_amounts_micro(np.maximum(generation_wh, 0), offer_micro_per_mwh[:, np.newaxis])


def day_costs_micro(annual_cost_micro: Integers, day: date) -> list[int]:
    """Return each unit's part of its annual cost on a day."""
    return [annual_to_day(annual, day) for annual in annual_cost_micro.tolist()]


def regulated_payments_micro(
    day_cost_micro: Sequence[int], regulated: Flags, intervals: int
) -> Integers:
    """Return the day's cost of each regulated unit, flat over intervals, shape (U, T)."""
    payments = np.zeros((len(day_cost_micro), intervals), dtype=np.int64)
    for unit in np.flatnonzero(regulated).tolist():
        payments[unit] = apportion(day_cost_micro[unit], [1] * intervals)
    return payments


def availability_payments_micro(
    reserve_w: Integers, price_micro_per_mwh: int, interval_minutes: int
) -> Integers:
    """Return what is paid for reserve held: W x hours x price, shape (U, T).

    Rounding: as energy, carried from interval to interval; a price for each MW held for an hour.
    """
    held_wh = reserve_w * interval_minutes
    # Sixtieths of a Wh: an interval of 5 minutes need not hold whole Wh.
    running = energy_amounts_micro(held_wh, price_micro_per_mwh).cumsum(axis=-1)
    amounts: Integers = np.diff(running // MINUTES_PER_HOUR, axis=-1, prepend=0)
    return amounts


def target_micro(
    target: Target, day: date, day_cost_micro: Sequence[int], regulated: Flags, paid_micro: int
) -> int:
    """Return what the pots of a day hold together.

    Args:
        target: the rule.
        day: the local day.
        day_cost_micro: each unit's part of its annual cost.
        regulated: shape (U,), paid their cost outside the pots.
        paid_micro: all that is paid for the day outside the pots.
    """
    if target.rule == "equalisation":
        # A day that was paid more outside the pots leaves them empty; nothing is taken back.
        return max(0, annual_to_day(target.benchmark_annual_micro, day) - paid_micro)
    return sum(
        cost for cost, paid in zip(day_cost_micro, regulated.tolist(), strict=True) if not paid
    )


def pot_targets_micro(target_micro: int, pots: Sequence[Pot]) -> list[int]:
    """Return what each pot of a day holds: the target, split by weight."""
    return apportion(target_micro, [pot.weight_ppm for pot in pots])


def pot_payments_micro(
    target_micro: int, timing_weights: Integers, shapley: Integers, eligible: Flags
) -> Integers:
    """Return what a pot pays each unit in each interval, shape (U, T).

    An interval in which no eligible unit has a Shapley share has no one to pay and gets nothing.
    If the timing gives every other interval weight 0, the target is spread flat over them. If no
    interval of the day has a share, nothing is paid and so nothing is charged.

    Args:
        target_micro: the pot's target of the day.
        timing_weights: shape (T,), not negative.
        shapley: shape (U, T), Shapley numerators of the pot's game.
        eligible: shape (U,), the units that may share.
    """
    shares = np.where(eligible[:, np.newaxis], shapley, 0)
    payable = shares.any(axis=0)
    weights = np.where(payable, timing_weights, 0)
    if not weights.any():
        weights = np.where(payable, 1, 0)
    payments = np.zeros(shares.shape, dtype=np.int64)
    if not weights.any():
        return payments
    amounts = apportion(target_micro, weights.tolist())
    for interval, (amount, unit_shares) in enumerate(zip(amounts, shares.T.tolist(), strict=True)):
        if amount:
            payments[:, interval] = apportion(amount, unit_shares)
    return payments
