"""Grid and fleet of a market as the dispatch needs them, taken from its rules as arrays."""

from collections.abc import Mapping, Sequence

import numpy as np

from rulebook.documents import GridModel
from rulebook.resolve import RuleSet
from settlement.core.arrays import Integers
from settlement.dispatch.model import DispatchModel

PENALTY_OVER_OFFER = 10
"""Unserved demand costs the price cap, or this many times the highest offer if that is more."""


def dispatch_model(rules: RuleSet) -> DispatchModel:
    """Return grid and fleet for the dispatch: nodes and units each sorted by name."""
    grid = rules.grid_model
    nodes = node_numbers(grid)
    units = sorted(
        (unit for registration in rules.registrations for unit in registration.units),
        key=lambda unit: unit.unit,
    )
    highest_offer = max((unit.offer_micro_per_mwh for unit in units), default=0)
    penalty = max(rules.market_rules.price_cap_micro_per_mwh, PENALTY_OVER_OFFER * highest_offer, 1)
    return DispatchModel(
        node_count=len(nodes),
        line_from=integers([nodes[line.from_node] for line in grid.lines]),
        line_to=integers([nodes[line.to_node] for line in grid.lines]),
        rating_w=integers([line.rating_w for line in grid.lines]),
        reverse_rating_w=integers([line.reverse_rating_w for line in grid.lines]),
        reactance_ppm=integers([line.reactance_ppm or 0 for line in grid.lines]),
        unit_node=integers([nodes[unit.node] for unit in units]),
        offer_micro_per_mwh=integers([unit.offer_micro_per_mwh for unit in units]),
        minimum_w=integers([unit.minimum_w for unit in units]),
        ramp_w_per_h=integers([unit.ramp_w_per_h for unit in units]),
        loss_ppm=integers([0 for _ in units]),
        storage_wh=integers([unit.storage_wh or 0 for unit in units]),
        round_trip_efficiency_ppm=integers([unit.round_trip_efficiency_ppm or 0 for unit in units]),
        unserved_micro_per_mwh=penalty,
        interval_minutes=rules.market_rules.interval_minutes,
    )


def integers(values: Sequence[int]) -> Integers:
    """Return whole numbers as an array."""
    return np.array(values, dtype=np.int64)


def node_numbers(grid: GridModel) -> Mapping[str, int]:
    """Return the index of each node, sorted by name."""
    return {name: number for number, name in enumerate(sorted(node.node for node in grid.nodes))}
