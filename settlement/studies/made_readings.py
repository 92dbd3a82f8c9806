"""What would have been metered under a shock: made again, as data sets are, and then integers.

1. *Fair Play* says who may take what, where not all that is asked for can be served. This is
   exact, and a replay computes it again.
2. *Least-cost dispatch* of what may be taken, and of what is lost of it, says what each unit
   generates, day after day (`settlement.studies.dispatched_days`). Power flow, ramps and the
   energy in storage may leave something of it unserved; each supply point of a node gets less in
   proportion to what it may take, by largest remainder.
3. *The baselines* serve what was asked for each in its own way, with its losses too, at marginal
   prices without a network and with one (`settlement.baselines`).

Steps 2 and 3 solve linear programmes in floats, so what they make is stored with the study and a
replay reads it from there.
"""

from dataclasses import dataclass, replace

import numpy as np

from settlement.baselines.serving import (
    DesignsDay,
    Network,
    free_w,
    node_demand_wh,
    points_without,
)
from settlement.baselines.tariffs import PriceBounds, solve_day
from settlement.core.arrays import Flags, Integers
from settlement.core.fair_play_amounts import energy_wh
from settlement.core.fair_play_market import shares_of_day, supply_of_day_w
from settlement.core.fair_play_rules import FairPlay, Requests
from settlement.core.model import DayReadings, MarketModel, node_available_w
from settlement.core.periods import MINUTES_PER_HOUR
from settlement.dispatch.least_cost import DayDispatch
from settlement.dispatch.losses import (
    arriving_wh,
    beyond_wh,
    closed_wh,
    demand_with_losses_wh,
    most_rounding_wh,
    unserved_without_losses_wh,
)
from settlement.dispatch.model import DispatchModel

ROUNDS = 8
"""How often the rounding of a day is closed; each closes all but what it moves."""


@dataclass(frozen=True, eq=False)
class Entitled:
    """What Fair Play allows on a day of T intervals.

    Attributes:
        demand_wh: shape (G, T), what each supply point may take; negative is net export.
        pressing_wh: shape (G, T), that and what was due and refused: by which scarcity is measured.
        maximum_wh: shape (T,), the most that the network could serve of what was asked for.
        requests: by which the day was shared.
    """

    demand_wh: Integers
    pressing_wh: Integers
    maximum_wh: Integers
    requests: Requests


@dataclass(frozen=True, eq=False)
class MadeDay:
    """What a day is made of beside its readings: integers, from float solvers.

    Attributes:
        generation_wh: shape (U, T), negative where storage takes energy in.
        delivered_wh: shape (G, T), at most what was asked for; negative is net export.
        nodal_price_micro_per_mwh: shape (N, T).
        uniform_price_micro_per_mwh: shape (1, T).
        designs: who is served by each baseline; None of a day that an earlier release made.
    """

    generation_wh: Integers
    delivered_wh: Integers
    nodal_price_micro_per_mwh: Integers
    uniform_price_micro_per_mwh: Integers
    designs: DesignsDay | None


def apply_fair_play(model: MarketModel, rules: FairPlay, readings: DayReadings) -> Entitled:
    """Return what Fair Play allows of a day's demand.

    Args:
        model: of the day.
        rules: of Fair Play in force, or those of `settlement.studies.inputs` where none are.
        readings: `demand_wh` is what is asked for; requests beside it give history and lottery.

    What a contract refuses is not taken, and what it owed is taken where it is served.
    """
    shares = shares_of_day(model, rules, readings)
    per_hour = 60 // model.interval_minutes
    return Entitled(
        shares.taken_wh,
        shares.taken_wh + energy_wh(shares.served.missed_w, model.interval_minutes),
        shares.served.maximum_w // per_hour,
        shares.requests,
    )


def without_called_reserve(
    model: MarketModel, is_storage: Flags, readings: DayReadings, allowed_wh: Integers
) -> DayReadings:
    """Return a day's readings in which nobody holds reserve while others go short for it.

    Reserve is called before demand is refused. So in an interval in which the network could serve
    more of what may be taken with it than without, none is held, and none is paid.

    Args:
        is_storage: shape (U,); stores are not counted on, as they may be empty.
        allowed_wh: shape (G, T), what Fair Play allows.
    """
    if readings.reserve_w is None or not readings.reserve_w.any():
        return readings
    at_nodes_wh = np.zeros((len(model.grid.nodes), allowed_wh.shape[1]), dtype=np.int64)
    np.add.at(at_nodes_wh, model.supply_point_node, allowed_wh)
    asked_w = np.maximum(demand_with_losses_wh(model.energy_areas, at_nodes_wh), 0)
    asked_w *= MINUTES_PER_HOUR // model.interval_minutes

    def most_w(power_w: Integers) -> list[int]:
        supply_w = node_available_w(model, np.where(is_storage[:, np.newaxis], 0, power_w))
        return [
            model.rooms.given(supply).most(asked)
            for supply, asked in zip(supply_w.T, asked_w.T, strict=True)
        ]

    is_called = np.array(most_w(free_w(readings))) < np.array(most_w(readings.available_w))
    return replace(readings, reserve_w=np.where(is_called, 0, readings.reserve_w))


def ramped_w(fleet: DispatchModel, available_w: Integers, generation_wh: Integers) -> Integers:
    """Return shape (U, T): what is available to units that rise no faster than their ramps.

    Each rises from what it ran at; of the interval before the day nothing is asked.
    """
    per_hour = MINUTES_PER_HOUR // fleet.interval_minutes
    given_w = np.maximum(generation_wh, 0) * per_hour
    risen_w = given_w[:, :-1] + (fleet.ramp_w_per_h // per_hour)[:, np.newaxis]
    reached_w = available_w.copy()
    reached_w[:, 1:] = np.minimum(reached_w[:, 1:], np.maximum(risen_w, given_w[:, 1:]))
    return reached_w


def stores_as_given_w(
    fleet: DispatchModel, available_w: Integers, generation_wh: Integers
) -> Integers:
    """Return shape (U, T): what is available, where storage gives what it gave."""
    given_w = np.maximum(generation_wh, 0) * (MINUTES_PER_HOUR // fleet.interval_minutes)
    return np.where(fleet.storage_wh[:, np.newaxis] > 0, given_w, available_w)


def reachable_wh(
    model: MarketModel,
    fleet: DispatchModel,
    readings: DayReadings,
    generation_wh: Integers,
) -> Integers:
    """Return shape (T,): the most that units as they ran and the network could serve.

    Unlike v(all), which counts every unit at full power and storage too, this is energy that was
    there: storage gives what it gives, no unit rises faster than its ramp from what it ran at, and
    what is served is lost in part on its way. Less what is served of it, it is waste.

    Args:
        fleet: of the day's dispatch, with what its areas lose.
        readings: `demand_wh` is what is asked for.
        generation_wh: shape (U, T), as made.

    Rounding: minimum cut in W, exactly; down to whole Wh, and down again for losses, which are the
    same part of all that is served.
    """
    per_hour = 60 // model.interval_minutes
    available_w = ramped_w(fleet, readings.available_w, generation_wh)
    arriving_w = arriving_wh(fleet, stores_as_given_w(fleet, available_w, generation_wh))
    unrequested = replace(readings, available_w=arriving_w, requests=None)
    supply_w = supply_of_day_w(model, unrequested)
    asked_wh = np.zeros_like(supply_w)
    np.add.at(asked_wh, model.supply_point_node, np.maximum(readings.demand_wh, 0))
    lost_too_wh = demand_with_losses_wh(model.energy_areas, asked_wh)
    most_w = [
        model.rooms.given(supply).most(asked)
        for supply, asked in zip(supply_w.T, lost_too_wh.T * per_hour, strict=True)
    ]
    # In Python's integers: a product of two energies may pass int64.
    served = (
        most // per_hour * asked // with_losses if with_losses else 0
        for most, asked, with_losses in zip(
            most_w, asked_wh.sum(axis=0).tolist(), lost_too_wh.sum(axis=0).tolist(), strict=True
        )
    )
    return np.array(list(served), dtype=np.int64)


def make_day(
    model: MarketModel,
    dispatch: DispatchModel,
    bounds: PriceBounds,
    readings: DayReadings,
    allowed_wh: Integers,
    least_cost: DayDispatch,
) -> MadeDay:
    """Make generation, delivered demand and marginal prices of a day.

    Args:
        model, dispatch: the market, for settlement and for dispatch.
        bounds: floor and cap of the rules.
        readings: `demand_wh` is what is asked for; the metered generation does not count.
        allowed_wh: shape (G, T), what Fair Play allows of it.
        least_cost: the dispatch of what is allowed, and of its losses.

    Raises:
        DispatchError: HiGHS found no optimum.
    """
    point_node = model.supply_point_node
    at_nodes_wh = node_demand_wh(dispatch, point_node, allowed_wh)
    unserved_wh = unserved_without_losses_wh(
        at_nodes_wh,
        demand_with_losses_wh(model.energy_areas, at_nodes_wh),
        least_cost.unserved_wh,
    )
    generation_wh, delivered_wh = _closed(
        model,
        dispatch,
        readings,
        least_cost.generation_wh,
        _delivered_wh(point_node, allowed_wh, unserved_wh, least_cost.spilled_wh),
    )
    network = Network.of(dispatch, model.energy_areas, point_node)
    baselines = solve_day(network, readings, bounds)
    return MadeDay(
        generation_wh,
        delivered_wh,
        baselines.nodal_micro_per_mwh,
        baselines.uniform_micro_per_mwh,
        baselines.designs,
    )


def _delivered_wh(
    point_node: Integers, allowed_wh: Integers, unserved_wh: Integers, spilled_wh: Integers
) -> Integers:
    """Return what is left of what may be taken, where dispatch leaves something of it unserved.

    Net export that cannot leave its node is not fed in: what is spilled is left out of it alike.
    """
    taken_wh = points_without(point_node, allowed_wh, unserved_wh)
    delivered_wh: Integers = -points_without(point_node, -taken_wh, spilled_wh)
    return delivered_wh


def _closed(
    model: MarketModel,
    dispatch: DispatchModel,
    readings: DayReadings,
    generation_wh: Integers,
    delivered_wh: Integers,
) -> tuple[Integers, Integers]:
    """Return generation that is what is delivered and lost, to the Wh, and what is delivered.

    Only rounding is closed (`closed_wh`): by the units that run, and where all of them give what
    they can by who takes the most. To close an interval may move what another loses by 1 Wh, as
    losses are steps of a running sum; so it is done again, a few times.
    """
    most_wh = free_w(readings) * model.interval_minutes // 60
    for _ in range(ROUNDS):
        beyond = _beyond_wh(model, generation_wh, delivered_wh)
        if not beyond.any():
            break
        generation_wh = closed_wh(dispatch, generation_wh, most_wh, beyond)
        lacking_wh = -_beyond_wh(model, generation_wh, delivered_wh)
        most_rounding = most_rounding_wh(dispatch)
        delivered_wh = delivered_wh.copy()
        for interval in np.flatnonzero((lacking_wh > 0) & (lacking_wh <= most_rounding)):
            point = delivered_wh[:, interval].argmax()
            left_wh = max(int(delivered_wh[point, interval]) - int(lacking_wh[interval]), 0)
            if delivered_wh[point, interval] > 0:
                delivered_wh[point, interval] = left_wh
    return generation_wh, delivered_wh


def _beyond_wh(model: MarketModel, generation_wh: Integers, delivered_wh: Integers) -> Integers:
    """Return shape (T,): what is generated beyond what is delivered and lost."""
    places = (model.unit_node, model.supply_point_node)
    return beyond_wh(model.energy_areas, *places, generation_wh, delivered_wh)


def as_metered(
    readings: DayReadings, allowed: Entitled, generation_wh: Integers, delivered_wh: Integers
) -> DayReadings:
    """Return a day's readings as they would have been metered, with what was asked for beside."""
    asked_wh, past = readings.demand_wh, allowed.requests
    everybody = np.ones(len(asked_wh), dtype=np.bool_)
    return replace(
        readings,
        generation_wh=generation_wh,
        demand_wh=delivered_wh,
        requests=Requests(np.maximum(asked_wh, 0), everybody, past.state, past.seed),
        asked_wh=allowed.pressing_wh,
    )
