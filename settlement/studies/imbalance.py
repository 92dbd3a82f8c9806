"""What makes up the residual of a day, from its readings, its law and what it settled."""

from dataclasses import dataclass, replace

import numpy as np

from settlement.baselines.serving import node_demand_wh
from settlement.core.arrays import Integers
from settlement.core.energy_accounts import LOSSES, energy_of_areas
from settlement.core.imbalance import BOUNDS, Imbalance, shortage_parts
from settlement.core.model import MarketModel, node_available_w
from settlement.core.periods import MINUTES_PER_HOUR
from settlement.dispatch.losses import arriving_wh, demand_with_losses_wh, most_rounding_wh
from settlement.dispatch.model import DispatchModel
from settlement.studies.made_readings import ramped_w, stores_as_given_w


@dataclass(frozen=True, eq=False)
class DayEnergy:
    """The energy of a day of T intervals.

    Attributes:
        generation_wh: shape (U, T), as metered; negative where storage takes energy in.
        available_w: shape (U, T).
        first_demand_wh: shape (G, T), demand as it was known when generation was read.
        metered_wh: shape (G, T), demand as the run knew it; negative is net export.
        taken_wh: shape (G, T), demand as it settles.
        losses_wh: shape (T,), as settled.
    """

    generation_wh: Integers
    available_w: Integers
    first_demand_wh: Integers
    metered_wh: Integers
    taken_wh: Integers
    losses_wh: Integers


def imbalance_of_day(model: MarketModel, fleet: DispatchModel, day: DayEnergy) -> Imbalance:
    """Return what makes up the residual of a day.

    Args:
        model, fleet: the law of the day, for settlement and, with what areas lose, for dispatch.
        day: its energy.

    The parts sum to the residual where net export settles as metered.
    """
    first_lost_wh = _lost_wh(model, day, day.first_demand_wh)
    metered_lost_wh = _lost_wh(model, day, day.metered_wh)
    first_wh = day.first_demand_wh.sum(axis=0) + first_lost_wh
    short_wh = first_wh - day.generation_wh.sum(axis=0)
    most_rounding = most_rounding_wh(fleet)
    lacking_wh = _lacking_wh(model, fleet, day, short_wh > most_rounding)
    corrected_wh = day.metered_wh.sum(axis=0) + metered_lost_wh - first_wh
    metered, taken = np.maximum(day.metered_wh, 0), np.maximum(day.taken_wh, 0)
    return replace(
        shortage_parts(short_wh, lacking_wh, most_rounding),
        corrected_wh=-int(corrected_wh.sum()),
        refused_wh=int(np.maximum(metered - taken, 0).sum()),
        late_wh=-int(np.maximum(taken - metered, 0).sum()),
        losses_of_moved_wh=int((metered_lost_wh - day.losses_wh).sum()),
    )


def _lost_wh(model: MarketModel, day: DayEnergy, demand_wh: Integers) -> Integers:
    """Return shape (T,): what is lost where demand is this."""
    if model.energy_areas is None:
        return np.zeros(demand_wh.shape[1], dtype=np.int64)
    places = (model.energy_areas, model.unit_node, model.supply_point_node)
    lost_wh: Integers = energy_of_areas(*places, day.generation_wh, demand_wh)[LOSSES].sum(axis=0)
    return lost_wh


def _lacking_wh(
    model: MarketModel, fleet: DispatchModel, day: DayEnergy, is_short: Integers
) -> Integers:
    """Return shape (BOUNDS, T): what of demand could not be brought, where generation is short.

    Demand of a node is net of what is fed in there, as least-cost dispatch takes it. Elsewhere than
    where `is_short`, shape (T,), says so, it is 0.
    """
    asked_wh = node_demand_wh(fleet, model.supply_point_node, day.first_demand_wh)
    lost_too_wh = demand_with_losses_wh(model.energy_areas, asked_wh)
    given_w = stores_as_given_w(fleet, day.available_w, day.generation_wh)
    slow_w = stores_as_given_w(
        fleet, ramped_w(fleet, day.available_w, day.generation_wh), day.generation_wh
    )
    bounds = (
        (day.available_w, asked_wh),
        *((arriving_wh(fleet, power_w), lost_too_wh) for power_w in (day.available_w, given_w)),
        (arriving_wh(fleet, slow_w), lost_too_wh),
    )
    lacking_wh = np.zeros((BOUNDS, len(is_short)), dtype=np.int64)
    for interval in np.flatnonzero(is_short):
        for bound, (power_w, demand_wh) in enumerate(bounds):
            supply_w = node_available_w(model, power_w[:, interval, np.newaxis])[:, 0]
            lacking_wh[bound, interval] = _unbrought_wh(model, supply_w, demand_wh[:, interval])
    return lacking_wh


def _unbrought_wh(model: MarketModel, supply_w: Integers, demand_wh: Integers) -> int:
    """Return what of demand, less net export of other nodes, units and lines cannot bring.

    Args:
        supply_w, demand_wh: shape (N,).

    Rounding: what can be brought is exact in W, and down to whole Wh.
    """
    per_hour = MINUTES_PER_HOUR // model.interval_minutes
    asked_w = np.maximum(demand_wh, 0) * per_hour
    fed_in_w = np.maximum(-demand_wh, 0) * per_hour
    most_w = model.rooms.given(supply_w + fed_in_w).most(asked_w)
    return int(np.maximum(demand_wh, 0).sum()) - most_w // per_hour
