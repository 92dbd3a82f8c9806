"""Fair Play of a market: from a day's readings to service, quantities and money."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from settlement.core.arrays import Integers
from settlement.core.booked_lots import BookedPower, LotServed
from settlement.core.contract_day import Served, serve_day
from settlement.core.contract_state import (
    NOTHING_CARRIED,
    Carried,
    DayState,
    begin_day,
    end_day,
    ends_term,
)
from settlement.core.contracts import ContractState
from settlement.core.fair_play_amounts import (
    Amounts,
    energy_wh,
    fair_play_amounts,
    shortfalls_w,
)
from settlement.core.fair_play_rules import FairPlay, Requests
from settlement.core.model import DayReadings, MarketModel, node_available_w
from settlement.core.room import sums_at


@dataclass(frozen=True, eq=False)
class FairPlayOutcome:
    """What Fair Play comes to on a day; empty, and as metered, where no rule applies it.

    Attributes:
        readings: the day as it settles: what was refused is not taken, and what was owed is taken
            where it was served.
        wished_wh: shape (G, T), what was wished for and counts, taken or not; negative is net
            export. As metered where the meter is all that is known; else what was taken, and what
            was newly asked for and refused.
        of_points: by measure, each of shape (G, T).
        of_market: by measure, each of shape (T,).
        charges_micro: by component, each of shape (G, T), + is owed to the market.
        lots: T entries, what came of what was booked and is flexible; see `Served.lots`.
    """

    readings: DayReadings
    wished_wh: Integers
    of_points: Mapping[str, Integers] = field(default_factory=dict)
    of_market: Mapping[str, Integers] = field(default_factory=dict)
    charges_micro: Mapping[str, Integers] = field(default_factory=dict)
    lots: tuple[tuple[LotServed, ...], ...] = ()


@dataclass(frozen=True, eq=False)
class DayShares:
    """What contracts come to on a day, and what is taken by them.

    Attributes:
        day: the local day.
        requests: by which it was shared.
        served: how the contracts were served.
        over_take_w: shape (G, T), taken above entitlement.
        taken_wh: shape (G, T), what settles: as metered where requests are known beside the meter,
            and elsewhere what was served; negative is net export.
        ended: the state in which the day ends, but for `over_take_micro`, which is that before it.
    """

    day: date
    requests: Requests
    served: Served
    over_take_w: Integers
    taken_wh: Integers
    ended: DayState


Share = Callable[[MarketModel, FairPlay, DayReadings], DayShares]
"""`shares_of_day`, or what returns the same of a day that was shared before."""


def shares_of_day(model: MarketModel, rules: FairPlay, readings: DayReadings) -> DayShares:
    """Return what each supply point of a market is served over a day.

    Metered energy and requests become mean power over the interval, exactly. A request above the
    power that a contract allows is no request: who takes it takes above entitlement.

    Args:
        rules: those of the model, or a variant of them.
    """
    requests, booked = requests_of(model, rules, readings), booked_of(model, rules, readings)
    per_hour = 60 // model.interval_minutes
    known = requests.is_known[:, np.newaxis]
    metered_w = np.maximum(readings.demand_wh, 0) * per_hour
    asked_w = np.where(known, requests.desired_wh * per_hour, metered_w)
    limit_w = rules.limit_w[:, np.newaxis]
    served = serve_day(
        model.rooms,
        rules.contracts,
        _of_bookings(requests.state.contracts, booked),
        node_available_w(model, readings.available_w),
        np.minimum(asked_w, limit_w),
        metered_w,
        requests.is_known,
        None if requests.seed is None else (requests.seed, readings.day),
        _export_w(model, readings),
        booked,
    )
    above_limit_w = np.maximum(metered_w - limit_w, 0)
    over_take_w = np.where(known, np.maximum(metered_w - served.entitlement_w, 0), above_limit_w)
    taken_wh = np.where(
        known,
        readings.demand_wh,
        np.minimum(readings.demand_wh, 0)
        + energy_wh(served.delivered_w + above_limit_w, model.interval_minutes),
    )
    before, missed = requests.state, served.missed_w.sum(axis=1)
    ended = DayState(
        served.after,
        before.missed_w + missed,
        _worth(rules, before, missed),
        before.taken_wh + np.maximum(taken_wh, 0).sum(axis=1),
        before.over_take_micro,
    )
    return DayShares(readings.day, requests, served, over_take_w, taken_wh, ended)


def booked_of(
    model: MarketModel, rules: FairPlay, readings: DayReadings
) -> tuple[BookedPower, ...]:
    """Return what is booked of flexible contracts on a day, by number; what is sold is not."""
    if readings.online is None:
        return ()
    per_hour = 60 // model.interval_minutes
    return tuple(
        BookedPower(each.number, each.point, each.energy_wh * per_hour, each.price_micro_per_mwh)
        for each in readings.online.bookings
        if not each.is_sale and rules.contracts.point_window[each.point]
    )


def _of_bookings(state: ContractState, booked: Sequence[BookedPower]) -> ContractState:
    """Return a state whose lots are of bookings that the day knows; else nobody has a line."""
    if not state.lots:
        return state
    known = {(each.number, each.point) for each in booked}
    lots = tuple(each for each in state.lots if (each.number, each.point) in known)
    return replace(state, lots=lots)


def _worth(rules: FairPlay, before: DayState, missed: Integers) -> tuple[int, ...]:
    """Return what was missed since the term began by the price of its day, where that moves money.

    Example: 100 W were missed at 90 micro per MWh, and today 300 at 50: 24,000. Where today's law
    states compensation only, it stays 9,000.
    """
    price = rules.compensation_micro_per_mwh.tolist()
    rows = zip(before.missed_worth, price, missed.tolist(), strict=True)
    return tuple(worth + (each * lost if rules.moves_money else 0) for worth, each, lost in rows)


def fair_play_outcome(
    model: MarketModel, readings: DayReadings, share: Share = shares_of_day
) -> FairPlayOutcome:
    """Return what Fair Play comes to on a day, if it is among the model's rules.

    Args:
        model: the market.
        readings: of the day.
        share: shares the day.
    """
    rules = model.fair_play
    if rules is None:
        return FairPlayOutcome(readings, readings.demand_wh)
    day = share(model, rules, readings)
    served, amounts = day.served, amounts_of_day(model, rules, day)
    return FairPlayOutcome(
        replace(
            readings,
            demand_wh=day.taken_wh,
            asked_wh=_asked_wh(model, readings, day),
            requests=day.requests,
        ),
        _wished_wh(model, readings, day),
        of_points={
            "desired_w": served.desired_w,
            "entitlement_w": served.entitlement_w,
            "delivered_w": served.delivered_w,
            "late_w": served.late_w,
            "missed_w": served.missed_w,
            "declined_w": served.declined_w,
            "owed_w": served.owed_w,
            "taken_wh": day.taken_wh,
            "over_take_wh": amounts.over_take_wh,
            "shortfall_wh": amounts.shortfall_wh,
        },
        of_market={
            "fair_play_maximum_w": served.maximum_w,
            "fair_play_unused_w": served.unused_w,
        },
        charges_micro={
            "over_take": amounts.over_take_micro,
            "compensation": -amounts.compensation_micro,
        }
        if rules.moves_money
        else {},
        lots=served.lots,
    )


def _wished_wh(model: MarketModel, readings: DayReadings, day: DayShares) -> Integers:
    served = day.served
    # What was declined, or refused and not counted, nobody wanted, as Fair Play sees it.
    newly_w = served.desired_w - (served.delivered_w - served.late_w) - served.declined_w
    refused_wh = energy_wh(np.maximum(newly_w, 0), model.interval_minutes)
    known = day.requests.is_known[:, np.newaxis]
    wished_wh: Integers = np.where(known, day.taken_wh + refused_wh, readings.demand_wh)
    return wished_wh


def requests_of(model: MarketModel, rules: FairPlay, readings: DayReadings) -> Requests:
    """Return a day's requests; where none are stated, the meter's alone and nothing before."""
    if readings.requests is not None:
        return readings.requests
    points = len(readings.demand_wh)
    return Requests(
        np.zeros_like(readings.demand_wh),
        np.zeros(points, dtype=np.bool_),
        begin_day(rules.contracts, model.supply_points, NOTHING_CARRIED, readings.day),
    )


def carried_after(
    model: MarketModel, rules: FairPlay, readings: DayReadings, carried: Carried
) -> Carried:
    """Return what a day hands to the next of its contracts.

    Args:
        carried: from the day before, with which the day's requests begin.
    """
    return carried_by(model, rules, shares_of_day(model, rules, readings), carried)


def carried_by(model: MarketModel, rules: FairPlay, day: DayShares, carried: Carried) -> Carried:
    """Return what a day hands to the next, by how its contracts were served."""
    amounts = amounts_of_day(model, rules, day)
    charged = sum(amounts.over_take_micro.ravel().tolist()) if rules.moves_money else 0
    ended = replace(day.ended, over_take_micro=day.ended.over_take_micro + charged)
    return end_day(rules.contracts, model.supply_points, ended, carried, day.day)


def _asked_wh(model: MarketModel, readings: DayReadings, day: DayShares) -> Integers:
    """Return demand by which scarcity is measured, shape (G, T): taken, and due but not served.

    What waits in its window presses on nobody; so every Wh that is asked for counts once, where it
    is served or missed. Where requests are known beside the meter, the meter alone counts, as
    whoever states a request must not set a price by it.
    """
    if readings.asked_wh is not None:
        return readings.asked_wh
    missed_wh = energy_wh(day.served.missed_w, model.interval_minutes)
    known = day.requests.is_known[:, np.newaxis]
    asked_wh: Integers = day.taken_wh + np.where(known, 0, missed_wh)
    return asked_wh


def supply_of_day_w(model: MarketModel, readings: DayReadings) -> Integers:
    """Return supply at each node, shape (N, T): what units have available, and used net export.

    Export is netted against what others at the node newly ask for; where something is owed there,
    more of it may be used, as `serve_day` does.
    """
    nodes, node = len(model.grid.nodes), model.supply_point_node
    taken_w = np.stack([sums_at(nodes, node, w) for w in asked_w(model, readings).T], axis=1)
    available_w = node_available_w(model, readings.available_w)
    supply: Integers = available_w + np.minimum(_export_w(model, readings), taken_w)
    return supply


def _export_w(model: MarketModel, readings: DayReadings) -> Integers:
    """Return net export at each node, shape (N, T), in W."""
    nodes, node = len(model.grid.nodes), model.supply_point_node
    exported_w = np.maximum(-readings.demand_wh, 0) * (60 // model.interval_minutes)
    return np.stack([sums_at(nodes, node, w) for w in exported_w.T], axis=1)


def asked_w(model: MarketModel, readings: DayReadings) -> Integers:
    """Return what is newly asked for, shape (G, T), in W, whatever power is contracted."""
    per_hour = 60 // model.interval_minutes
    metered_w: Integers = np.maximum(readings.demand_wh, 0) * per_hour
    if readings.requests is None:
        return metered_w
    known = readings.requests.is_known[:, np.newaxis]
    asked_w: Integers = np.where(known, readings.requests.desired_wh * per_hour, metered_w)
    return asked_w


def amounts_of_day(model: MarketModel, rules: FairPlay, day: DayShares) -> Amounts:
    """Return over-take and shortfalls of a day, with their money."""
    shortfall_w = np.zeros_like(day.over_take_w)
    if ends_term(day.day):
        shortfall_w[:, -1] = shortfalls_w(
            rules.contracts, day.ended.contracts.memory, day.ended.missed_w
        )
    return fair_play_amounts(
        day.over_take_w,
        shortfall_w,
        model.interval_minutes,
        rules.over_take_micro_per_mwh,
        day.ended,
        day.requests.state.over_take_micro if rules.paid_by == "over-take" else None,
    )
