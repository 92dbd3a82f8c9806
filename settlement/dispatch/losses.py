"""Losses of the grid in the dispatch: somebody generates them.

Where the grid model states loss factors, the energy accounts of a day name losses by area
(`settlement.core.energy_accounts`). A factor of demand is demand: each node bears its part of what
its area loses. A factor of generation is taken from what each unit of the area feeds in. So what is
generated is what is taken and lost, as far as whole Wh allow, and `closed_wh` does the rest.
"""

import dataclasses

import numpy as np

from settlement.core.energy_accounts import LOSSES, EnergyAreas, energy_of_areas
from settlement.core.rounding import apportion
from settlement.dispatch.model import MILLION, DispatchModel, Integers


def with_losses(model: DispatchModel, areas: EnergyAreas | None) -> DispatchModel:
    """Return the model in which units of an area lose its factor of generation."""
    if areas is None:
        return model
    of_area = np.where(areas.of_generation, areas.loss_ppm, 0)
    return dataclasses.replace(model, loss_ppm=of_area[areas.node_area[model.unit_node]])


def demand_with_losses_wh(areas: EnergyAreas | None, demand_wh: Integers) -> Integers:
    """Return int64[N, T]: demand of nodes with what areas lose of demand.

    What an area loses in an interval is that of its energy accounts to the Wh; its nodes bear it
    in proportion to their demand, by largest remainder, and those that export on balance nothing.
    """
    if areas is None:
        return demand_wh
    nodes = np.arange(len(demand_wh))
    no_units = np.zeros(0, dtype=np.int64)
    none_wh = np.zeros((0, demand_wh.shape[1]), dtype=np.int64)
    losses = energy_of_areas(areas, no_units, nodes, none_wh, demand_wh)[LOSSES]
    lost_wh = demand_wh.copy()
    for area, interval in np.argwhere(losses > 0).tolist():
        of_area = np.flatnonzero(areas.node_area == area)
        weights = np.maximum(demand_wh[of_area, interval], 0).tolist()
        parts = apportion(int(losses[area, interval]), weights)
        lost_wh[of_area, interval] += np.array(parts, dtype=np.int64)
    return lost_wh


def unserved_without_losses_wh(
    demand_wh: Integers, with_losses_wh: Integers, unserved_wh: Integers
) -> Integers:
    """Return int64[N, T]: what of demand is unserved, where its losses are unserved with it.

    Args:
        demand_wh: int64[N, T], without losses.
        with_losses_wh: int64[N, T], the same with them.
        unserved_wh: int64[N, T], of demand with losses.

    Rounding: down. Example: of 1,000 Wh and 20 Wh of losses 51 are unserved: 50 of demand.
    """
    of_demand_wh = unserved_wh.copy()
    for place in zip(*np.nonzero((unserved_wh > 0) & (with_losses_wh > demand_wh)), strict=True):
        # In Python's integers: a product of two energies may pass int64.
        left, asked = int(unserved_wh[place]), int(demand_wh[place])
        of_demand_wh[place] = left * asked // int(with_losses_wh[place])
    return of_demand_wh


def arriving_wh(model: DispatchModel, generation_wh: Integers) -> Integers:
    """Return int64[U, T]: what reaches the node of each unit; what is taken in counts alike.

    Rounding: losses down. Example: of 1,000 Wh of a unit that loses 20,000 ppm arrive 980.
    """
    loss_ppm = model.loss_ppm[:, np.newaxis]
    # In two parts: a product of an energy and a factor may pass int64.
    whole, rest = np.divmod(generation_wh, MILLION)
    lost_wh: Integers = whole * loss_ppm + rest * loss_ppm // MILLION
    return generation_wh - lost_wh


def beyond_wh(
    areas: EnergyAreas | None,
    unit_node: Integers,
    point_node: Integers,
    generation_wh: Integers,
    delivered_wh: Integers,
) -> Integers:
    """Return int64[T]: what is generated beyond what is delivered and lost.

    Args:
        areas: None where the grid model states no losses.
        unit_node, point_node: int64[U] and int64[G], the node of each.
        generation_wh, delivered_wh: int64[U, T] and int64[G, T].
    """
    beyond: Integers = generation_wh.sum(axis=0) - delivered_wh.sum(axis=0)
    if areas is None:
        return beyond
    energy = energy_of_areas(areas, unit_node, point_node, generation_wh, delivered_wh)
    lost_wh: Integers = energy[LOSSES].sum(axis=0)
    return beyond - lost_wh


def most_rounding_wh(model: DispatchModel) -> int:
    """Return what rounding alone may part generation from what is taken and lost by."""
    return 2 * (len(model.unit_node) + model.node_count)


def closed_wh(
    model: DispatchModel, generation_wh: Integers, most_wh: Integers, beyond_wh: Integers
) -> Integers:
    """Return generation that is what is taken and lost, where only rounding parted them.

    Args:
        model: the fleet; its storage keeps what it has.
        generation_wh, most_wh: int64[U, T], as dispatched, and what was available.
        beyond_wh: int64[T], what is generated beyond what is taken and lost.

    Where this is at most two Wh a unit and node, the dearest units that run give so much less, or
    more, within nothing and what is available. More than that is no rounding, and stays.
    """
    closed = generation_wh.copy()
    order = np.argsort(-model.offer_micro_per_mwh, kind="stable")
    order = order[model.storage_wh[order] == 0]
    most_rounding = most_rounding_wh(model)
    for interval in np.flatnonzero((beyond_wh != 0) & (np.abs(beyond_wh) <= most_rounding)):
        left = int(beyond_wh[interval])
        for unit in order[generation_wh[order, interval] > 0].tolist():
            given, most = int(closed[unit, interval]), int(most_wh[unit, interval])
            kept = min(max(given - left, 0), most)
            closed[unit, interval] = kept
            left -= given - kept
    return closed
