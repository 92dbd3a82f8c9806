"""Fair Play of a market: from a day's readings to shares, quantities and money."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from settlement.core.arrays import Integers
from settlement.core.fair_play_amounts import Amounts, fair_play_amounts
from settlement.core.fair_play_day import DayShares, History, fair_day, used_export_w
from settlement.core.fair_play_rules import FairPlay, metered_requests
from settlement.core.model import DayReadings, MarketModel, node_available_w


@dataclass(frozen=True, eq=False)
class FairPlayOutcome:
    """What Fair Play comes to on a day, by measure; empty where no rule applies it.

    Attributes:
        of_points: each of shape (G, T).
        of_market: each of shape (T,).
        charges_micro: by component, each of shape (G, T), + is owed to the market.
    """

    of_points: Mapping[str, Integers] = field(default_factory=dict)
    of_market: Mapping[str, Integers] = field(default_factory=dict)
    charges_micro: Mapping[str, Integers] = field(default_factory=dict)


def fair_play_outcome(model: MarketModel, readings: DayReadings) -> FairPlayOutcome:
    """Return what Fair Play comes to on a day, if it is among the model's rules."""
    rules = model.fair_play
    if rules is None:
        return FairPlayOutcome()
    shares = shares_of_day(model, rules, readings)
    amounts = amounts_of_day(model, rules, shares)
    return FairPlayOutcome(
        of_points={
            "desired_w": shares.desired_w,
            "entitlement_w": shares.entitlement_w,
            "delivered_w": shares.delivered_w,
            "over_take_wh": amounts.over_take_wh,
            "missed_wh": amounts.missed_wh,
        },
        of_market={
            "fair_play_maximum_w": shares.maximum_w,
            "fair_play_unused_w": shares.unused_w,
        },
        charges_micro={
            "over_take": amounts.over_take_micro,
            "compensation": -amounts.compensation_micro,
        }
        if rules.moves_money
        else {},
    )


def shares_of_day(model: MarketModel, rules: FairPlay, readings: DayReadings) -> DayShares:
    """Return what each supply point of a market is entitled to over a day.

    Metered energy and requests become mean power over the interval, exactly.

    Args:
        rules: those of the model, or a variant of them.
    """
    requests = readings.requests or metered_requests(readings.demand_wh)
    desired_w = _desired_w(model, readings)
    flexible = rules.is_flexible[:, np.newaxis]
    return fair_day(
        model.cuts,
        rules.terms,
        requests.history,
        supply_of_day_w(model, rules, readings),
        np.stack([np.where(flexible, 0, desired_w), np.where(flexible, desired_w, 0)]),
        np.maximum(readings.demand_wh, 0) * (60 // model.interval_minutes),
        requests.is_known,
        None if requests.seed is None else (requests.seed, readings.day),
    )


def supply_of_day_w(model: MarketModel, rules: FairPlay, readings: DayReadings) -> Integers:
    """Return supply at each node, shape (N, T): what units have available, and used net export."""
    metered_w = readings.demand_wh * (60 // model.interval_minutes)
    return node_available_w(model, readings.available_w) + used_export_w(
        rules.terms, metered_w, _desired_w(model, readings)
    )


def _desired_w(model: MarketModel, readings: DayReadings) -> Integers:
    requests = readings.requests or metered_requests(readings.demand_wh)
    known = requests.is_known[:, np.newaxis]
    desired_wh = np.where(known, requests.desired_wh, np.maximum(readings.demand_wh, 0))
    return desired_wh * (60 // model.interval_minutes)


def history_of_day(model: MarketModel, rules: FairPlay, readings: DayReadings) -> History:
    """Return what a day counts in the history of a later one.

    Where requests are known beside the meter, the metered energy counts as delivered. Elsewhere it
    is what the rules entitle to on that day alone: without a history before it, and without a
    lottery, an indivisible request counting with the part that it would be drawn for.

    Args:
        readings: of the earlier day; the history in its requests does not count.
    """
    own = readings.requests or metered_requests(readings.demand_wh)
    divisible = replace(rules.terms, indivisible=np.zeros_like(rules.terms.indivisible))
    undelayed = replace(
        metered_requests(readings.demand_wh), desired_wh=own.desired_wh, is_known=own.is_known
    )
    shares = shares_of_day(
        model, replace(rules, terms=divisible), replace(readings, requests=undelayed)
    )
    return shares.as_history


def amounts_of_day(model: MarketModel, rules: FairPlay, shares: DayShares) -> Amounts:
    """Return over-take and missed reliability of a day, with their money."""
    return fair_play_amounts(
        rules.terms.reliability_ppm,
        shares.entitlement_w,
        shares.desired_w,
        shares.delivered_w,
        model.interval_minutes,
        rules.over_take_micro_per_mwh,
        rules.compensation_micro_per_mwh[:, np.newaxis],
        is_limited=rules.paid_by == "over-take",
    )
