"""Energy accounts of areas: generation = demand + losses + imbalance, in every interval.

Areas are the holons of one layer. Generation and demand are metered; losses are a factor of one of
them, set by rule; the imbalance balances the rest. No meter stands between areas, so what one sends
another is in the imbalance of both, and cancels in that of the market.
"""

from dataclasses import dataclass

import numpy as np

from settlement.core.arrays import Flags, Integers, integers, largest_magnitude, require_int64

PPM = 1_000_000
GENERATION = "area_generation_wh"
DEMAND = "area_demand_wh"
LOSSES = "area_losses_wh"
IMBALANCE = "area_imbalance_wh"
MEASURES = (GENERATION, DEMAND, LOSSES, IMBALANCE)


@dataclass(frozen=True, eq=False)
class EnergyAreas:
    """The areas of a market and their loss factors.

    Attributes:
        names: A areas, each as ``layer/holon``.
        node_area: shape (N,), the index of each node's area.
        loss_ppm: shape (A,), losses as a part of the energy they are a factor of.
        of_generation: shape (A,), True where that is the area's generation, else its demand.
    """

    names: tuple[str, ...]
    node_area: Integers
    loss_ppm: Integers
    of_generation: Flags

    def __post_init__(self) -> None:
        areas = (len(self.names),)
        object.__setattr__(
            self, "node_area", integers(self.node_area, np.shape(self.node_area), "node_area")
        )
        object.__setattr__(self, "loss_ppm", integers(self.loss_ppm, areas, "loss_ppm"))
        flags = np.array(self.of_generation, dtype=np.bool_)
        if flags.shape != areas:
            raise ValueError(f"of_generation: shape {flags.shape} given, {areas} needed")
        object.__setattr__(self, "of_generation", flags)
        if np.any((self.loss_ppm < 0) | (self.loss_ppm > PPM)):
            raise ValueError(f"loss_ppm lies between 0 and {PPM}")
        if np.any((self.node_area < 0) | (self.node_area >= len(self.names))):
            raise ValueError("a node lies in an area that there is not")


def energy_of_areas(
    areas: EnergyAreas,
    unit_node: Integers,
    supply_point_node: Integers,
    generation_wh: Integers,
    demand_wh: Integers,
) -> dict[str, Integers]:
    """Return each measure of the areas' energy, in Wh, each of shape (A, T).

    generation = demand + losses + imbalance, exactly, in each area and interval; summed over the
    areas, generation and demand are those of all meters. Losses are the factor of what the area as
    a whole takes (or feeds in) in the interval, and none where it is below zero: an area that
    exports on balance has no demand to lose energy on. Their running exact sum is rounded down and
    an interval gets its step, so the day's losses are the factor of its energy rounded down once.

    Args:
        areas: the areas and their factors.
        unit_node, supply_point_node: shapes (U,) and (G,), the node of each.
        generation_wh: shape (U, T), negative where storage takes energy in.
        demand_wh: shape (G, T), negative where a supply point feeds in.

    Example: 30 ppm of 20,000 Wh is 0.6 Wh. Three such intervals have running sums 0.6, 1.2, 1.8,
    rounded down 0, 1, 1: the losses are 0, 1, 0, together 1 = floor(1.8).

    Raises:
        OverflowError: a day's energy times a factor could pass int64.
    """
    shape = (len(areas.names), demand_wh.shape[1])
    generation, demand = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    np.add.at(generation, areas.node_area[unit_node], generation_wh)
    np.add.at(demand, areas.node_area[supply_point_node], demand_wh)
    base = np.maximum(np.where(areas.of_generation[:, np.newaxis], generation, demand), 0)
    require_int64(largest_magnitude(base) * max(1, shape[1]), "energy of an area over a day")
    running = np.cumsum(base, axis=1)
    whole, rest = np.divmod(running, PPM)
    # At most the energy itself; the rest times a factor is at most 10^12.
    factor = areas.loss_ppm[:, np.newaxis]
    lost = whole * factor + rest * factor // PPM
    losses = np.diff(lost, axis=1, prepend=0)
    return {
        GENERATION: generation,
        DEMAND: demand,
        LOSSES: losses,
        IMBALANCE: generation - demand - losses,
    }
