"""The merit-order check: which energy ran though cheaper energy was available, and why.

Per interval, the *merit order* makes up the metered energy of all units from the cheapest available
energy, as if nothing stood in its way. What a unit ran beyond that is *out of merit*; among equal
offers, what the units listed last ran. It is held against the least-cost operation of the day
(`settlement.dispatch.prices`), which knows the network, storage and reserve:

1. A unit that ran with an offer above the price at its node ran at no node's need. Its *ramp* may
   explain that, as it could not fall in time or had to rise for later; or its *minimum*, up to
   which it gives energy since it is on. Else it is *unexplained*.
2. Other energy out of merit stands in for cheaper energy that did not run, the cheapest first. It
   is explained, one cheaper unit at a time, by

   - the *reserve* that the cheaper unit holds;
   - a *line*: the cheaper unit ran as much as the price at its node asks for, and the line with
     the largest part in the difference of the two prices keeps more of it away (or no line leads
     from the one unit to the other);
   - *storage*: the cheaper unit is one whose stored energy is worth more at another time;
   - *ramp*: the cheaper unit could not rise in time, or had to stay low for later;
   - *minimum*: the cheaper unit is off, and less was wanted of it than its minimum;
   - and by nothing where the cheaper unit should have run: *unexplained*.

Where units generated more than all nodes took (losses, or a meter in error), the difference is
spread over the nodes by demand first, so that least cost makes up the energy that was metered.

Who ran is taken as it was, and so is what storage held by the end of the day against its beginning:
the check asks whether those who were on gave what they should have. What a unit ran at before the
day limits nothing.

By complementary slackness a least-cost operation has nothing unexplained, whichever of several
optimal operations of those units it is and whichever of several optimal prices it is held against.

Prices are floats. The check informs: nothing of it is paid, charged or part of a digest.
"""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from settlement.core.periods import MINUTES_PER_HOUR
from settlement.dispatch.model import MILLION, DispatchModel, Floats, Integers
from settlement.dispatch.operation import known_operation
from settlement.dispatch.out_of_merit import MeritOrder, MeteredDay, OutOfMerit, Reason
from settlement.dispatch.prices import DayOptimum, day_optimum
from settlement.dispatch.programme import TIE_BREAK_PER_MWH
from settlement.dispatch.transfers import Transfers, transfers_of

__all__ = ["MeritOrder", "MeteredDay", "OutOfMerit", "Reason", "check_merit_order"]


def check_merit_order(model: DispatchModel, day: MeteredDay) -> MeritOrder:
    """Check a day's metered generation against merit order.

    Raises:
        ValueError: shapes differ, availability or reserve is negative, or the
            penalty for unserved demand is below an offer.
        DispatchError: HiGHS found no optimum.
    """
    _check_shapes(model, day)
    free_w = day.available_w - np.minimum(day.reserve_w, day.available_w)
    known = known_operation(model, day.generation_wh)
    optimum = day_optimum(model, free_w, _demand_with_losses_wh(model, day), known)
    checker = _Checker(model, day, optimum)
    entries = [entry for t in range(day.demand_wh.shape[1]) for entry in checker.interval(t)]
    hours = model.interval_minutes / MINUTES_PER_HOUR
    least_wh = np.rint(np.maximum(optimum.generation_mw, 0) * hours * MILLION).astype(np.int64)
    generated_wh = np.maximum(day.generation_wh, 0)
    return MeritOrder(
        tuple(entries),
        int(generated_wh.sum()),
        _as_bid_micro(model, generated_wh),
        _as_bid_micro(model, least_wh),
    )


def _check_shapes(model: DispatchModel, day: MeteredDay) -> None:
    shape = (len(model.unit_node), day.demand_wh.shape[1])
    for name in ("generation_wh", "available_w", "reserve_w"):
        if getattr(day, name).shape != shape:
            raise ValueError(f"{name}: shape {getattr(day, name).shape} given, {shape} needed")
    if len(day.units) != shape[0] or len(day.lines) != len(model.line_from):
        raise ValueError(f"{len(day.units)} units and {len(day.lines)} lines do not fit the model")
    for name, power_w in (("availability", day.available_w), ("reserve", day.reserve_w)):
        if power_w.size and power_w.min() < 0:
            raise ValueError(f"{name} of {power_w.min()} W; it is not negative")


def _demand_with_losses_wh(model: DispatchModel, day: MeteredDay) -> Integers:
    """Return int64[N, T]: demand, and each node's part of what was generated beyond it."""
    taken_wh = np.maximum(day.demand_wh, 0)
    total_wh = taken_wh.sum(axis=0)
    arriving_wh = day.generation_wh - day.generation_wh * model.loss_ppm[:, np.newaxis] // MILLION
    beyond_wh = arriving_wh.sum(axis=0) - total_wh
    # Whole Wh of a unit and of a node are rounded; that is no loss.
    is_lost = (beyond_wh > len(day.generation_wh) + len(taken_wh)) & (total_wh > 0)
    share = np.where(is_lost, beyond_wh / np.maximum(total_wh, 1), 0.0)
    with_losses_wh: Integers = day.demand_wh + np.rint(taken_wh * share).astype(np.int64)
    return with_losses_wh


def _as_bid_micro(model: DispatchModel, energy_wh: Integers) -> int:
    totals = energy_wh.sum(axis=1).tolist()
    offers = model.offer_micro_per_mwh.tolist()
    return int(sum(wh * offer for wh, offer in zip(totals, offers, strict=True))) // MILLION


class _Checker:
    """What every interval of a day is checked with."""

    def __init__(self, model: DispatchModel, day: MeteredDay, optimum: DayOptimum) -> None:
        self.model, self.day, self.optimum = model, day, optimum
        # At the node: of what is paid for, the area may lose a part.
        self.offer: Floats = model.offer_micro_per_mwh / (MILLION - model.loss_ppm)
        # Metered energy may itself come from a dispatch with the tie-break.
        self.tolerance = 2 * TIE_BREAK_PER_MWH * (len(self.offer) + 1)
        share = model.interval_minutes
        self.ran_wh = np.maximum(day.generation_wh, 0)
        self.could_wh = np.maximum(day.available_w * share // MINUTES_PER_HOUR, self.ran_wh)
        self.reserve_wh = day.reserve_w * share // MINUTES_PER_HOUR
        least_w = np.minimum(model.minimum_w[:, np.newaxis], day.available_w)
        self.least_wh = -(-least_w * share // MINUTES_PER_HOUR)

    @cached_property
    def transfers(self) -> Transfers:
        return transfers_of(self.model)

    def interval(self, t: int) -> Iterator[OutOfMerit]:
        """Yield the energy out of merit in one interval, dearest first."""
        beyond_wh = self._beyond_merit(self.ran_wh[:, t], self.could_wh[:, t])
        dear = np.flatnonzero(beyond_wh).tolist()
        idle = self._idle(t) if dear else []
        for unit in sorted(dear, key=lambda number: (-self.offer[number], -number)):
            energy_wh = int(beyond_wh[unit])
            if self._is_wanted(unit, t):
                matched = self._matched(unit, t, energy_wh, idle)
            else:
                matched = self._held(unit, t, energy_wh)
            yield from matched
            left = energy_wh - sum(entry.energy_wh for entry in matched)
            if left:
                yield self._entry(unit, t, left, None, Reason.UNEXPLAINED)

    def _is_wanted(self, unit: int, t: int) -> bool:
        node_price = self.optimum.node_price_per_mwh[self.model.unit_node[unit], t]
        return bool(self.offer[unit] <= node_price + self.tolerance)

    def _held(self, unit: int, t: int, energy_wh: int) -> list[OutOfMerit]:
        """Return what of a unit's energy its ramp or its minimum explains above the price."""
        node_price = self.optimum.node_price_per_mwh[self.model.unit_node[unit], t]
        with_ramp = self.offer[unit] + self.optimum.ramp_value_per_mwh[unit, t]
        if with_ramp <= node_price + self.tolerance:
            return [self._entry(unit, t, energy_wh, None, Reason.RAMP)]
        held_wh = min(energy_wh, int(self.least_wh[unit, t]))
        if held_wh and self.optimum.minimum_value_per_mwh[unit, t] < -self.tolerance:
            return [self._entry(unit, t, held_wh, None, Reason.MINIMUM)]
        return []

    def _beyond_merit(self, ran_wh: Integers, could_wh: Integers) -> Integers:
        """Return int64[U]: what each unit ran beyond merit order, offers within tolerance alike."""
        beyond_wh = np.zeros_like(ran_wh)
        order = np.argsort(self.offer, kind="stable").tolist()
        left_wh = int(ran_wh.sum())
        while order:
            dearest = self.offer[order[0]] + self.tolerance
            alike = [unit for unit in order if self.offer[unit] <= dearest]
            order = order[len(alike) :]
            # What these units ran beyond their part of merit order, taken from the last of them.
            beyond = int(ran_wh[alike].sum()) - min(left_wh, int(could_wh[alike].sum()))
            left_wh -= min(left_wh, int(could_wh[alike].sum()))
            for unit in reversed(alike):
                beyond_wh[unit] = min(max(beyond, 0), int(ran_wh[unit]))
                beyond -= int(beyond_wh[unit])
        return beyond_wh

    def _idle(self, t: int) -> list[list[int]]:
        """Return [unit, whether it is reserve, Wh] of energy that did not run, cheapest first."""
        idle = []
        for unit in np.argsort(self.offer, kind="stable").tolist():
            wh = int(self.could_wh[unit, t] - self.ran_wh[unit, t])
            reserve = min(wh, int(self.reserve_wh[unit, t]))
            idle += [[unit, 1, reserve], [unit, 0, wh - reserve]]
        return [offer for offer in idle if offer[2]]

    def _matched(
        self, unit: int, t: int, energy_wh: int, idle: list[list[int]]
    ) -> list[OutOfMerit]:
        """Return entries that set the unit's energy against idle energy, which they use up."""
        entries = []
        left = energy_wh
        for offer in idle:
            cheaper, is_reserve, wh = offer
            if not left or self.offer[cheaper] >= self.offer[unit] - self.tolerance:
                break
            taken = min(left, wh)
            if not taken:
                continue
            offer[2] -= taken
            left -= taken
            reason, line = self._reason(unit, cheaper, t, energy_wh, bool(is_reserve))
            entries.append(self._entry(unit, t, taken, cheaper, reason, line))
        return entries

    def _reason(
        self, unit: int, cheaper: int, t: int, energy_wh: int, is_reserve: bool
    ) -> tuple[Reason, int | None]:
        if is_reserve:
            return Reason.RESERVE, None
        place = int(self.model.unit_node[cheaper])
        wanted = self.optimum.node_price_per_mwh[place, t] - self.tolerance
        if self.offer[cheaper] >= wanted:
            prices = self.optimum.line_price_per_mwh[:, t]
            there = int(self.model.unit_node[unit])
            return Reason.LINE, self.transfers.strongest_line(prices, place, there)
        if self.model.storage_wh[cheaper]:
            stored = self.optimum.storage_value_per_mwh[cheaper, t]
            if self.offer[cheaper] + stored >= wanted:
                return Reason.STORAGE, None
        if self.offer[cheaper] + self.optimum.ramp_value_per_mwh[cheaper, t] >= wanted:
            return Reason.RAMP, None
        if not self.ran_wh[cheaper, t] and energy_wh < self.least_wh[cheaper, t]:
            return Reason.MINIMUM, None
        return Reason.UNEXPLAINED, None

    def _entry(
        self,
        unit: int,
        t: int,
        energy_wh: int,
        cheaper: int | None,
        reason: Reason,
        line: int | None = None,
    ) -> OutOfMerit:
        constraint, shadow = "", 0.0
        if line is not None:
            constraint = self.day.lines[line]
            shadow = abs(self.optimum.line_price_per_mwh[line, t])
        elif reason in (Reason.RAMP, Reason.MINIMUM):
            constraint = self.day.units[unit if cheaper is None else cheaper]
        elif cheaper is not None and reason in (Reason.STORAGE, Reason.RESERVE):
            constraint = self.day.units[cheaper]
            if reason is Reason.STORAGE:
                shadow = self.optimum.storage_value_per_mwh[cheaper, t]
        node_price = self.optimum.node_price_per_mwh[self.model.unit_node[unit], t]
        return OutOfMerit(
            interval=t,
            unit=self.day.units[unit],
            energy_wh=energy_wh,
            offer_micro_per_mwh=int(self.model.offer_micro_per_mwh[unit]),
            node_price_micro_per_mwh=round(float(node_price) * MILLION),
            reason=reason,
            constraint=constraint,
            shadow_price_micro_per_mwh=round(float(shadow) * MILLION),
            instead_of="" if cheaper is None else self.day.units[cheaper],
        )
