"""What a data set needs to know of a market, taken from its rules as arrays."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rulebook.documents import GridModel
from rulebook.resolve import RuleSet
from settlement.core.energy_accounts import EnergyAreas
from settlement.dispatch.market import dispatch_model, integers, node_numbers
from settlement.dispatch.model import DispatchModel
from settlement.rules.compile import energy_areas_of

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Resolutions:
    """What a reading of energy covers: the interval of the market, of some entities other times."""

    interval_minutes: int
    of_entity: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class MarketShape:
    """A market of U units and G supply points at N nodes, each list sorted by name.

    Attributes:
        market, time_zone, interval_minutes: as in the rules.
        units, technology: names and technologies of the units.
        capacity_w: int64[U].
        unit_region: int64[U], index of the region (second layer, or the only one) of each unit.
        supply_points, node, product: names, and the node and product each belongs to.
        supply_point_node: int64[G], index of the node.
        household_count: int64[G], 0 for non-residential demand.
        magnitude_w: int64[G], power that the product allows a household; 0 where it sets none.
        flexible: bool[G], whether the product's timing is flexible.
        holds_reserve: bool[U], whether a unit may hold reserve, stores nothing, and is paid for it.
        dispatch: grid and fleet for the dispatch, units and nodes in the same order.
        resolutions: what one reading of a unit, supply point or sub-meter covers.
        sub_meters: names, sorted.
        energy_areas: where energy is lost by area; None where it is not.
    """

    market: str
    time_zone: str
    interval_minutes: int
    units: tuple[str, ...]
    technology: tuple[str, ...]
    capacity_w: Integers
    unit_region: Integers
    supply_points: tuple[str, ...]
    node: tuple[str, ...]
    product: tuple[str, ...]
    supply_point_node: Integers
    household_count: Integers
    magnitude_w: Integers
    flexible: NDArray[np.bool_]
    holds_reserve: NDArray[np.bool_]
    dispatch: DispatchModel
    resolutions: Resolutions
    sub_meters: tuple[str, ...] = ()
    energy_areas: EnergyAreas | None = None


def market_shape(rules: RuleSet) -> MarketShape:
    """Return the shape of the market under one rule set."""
    units = sorted(
        (unit for registration in rules.registrations for unit in registration.units),
        key=lambda unit: unit.unit,
    )
    points = sorted(
        (point for registration in rules.registrations for point in registration.supply_points),
        key=lambda point: point.supply_point,
    )
    products = {product.product: product for product in rules.market_rules.products}
    nodes = node_numbers(rules.grid_model)
    reserve = rules.allocation_policy.reserve
    buys_reserve = reserve is not None and reserve.availability_price_micro_per_mw_h > 0
    regions = _regions(rules.grid_model)
    return MarketShape(
        market=rules.market,
        time_zone=rules.market_rules.time_zone,
        interval_minutes=rules.market_rules.interval_minutes,
        units=tuple(unit.unit for unit in units),
        technology=tuple(unit.technology for unit in units),
        capacity_w=integers([unit.capacity_w for unit in units]),
        unit_region=integers([regions[unit.node] for unit in units]),
        supply_points=tuple(point.supply_point for point in points),
        node=tuple(point.node for point in points),
        product=tuple(point.product for point in points),
        supply_point_node=integers([nodes[point.node] for point in points]),
        household_count=integers([point.household_count for point in points]),
        magnitude_w=integers([products[point.product].magnitude_w or 0 for point in points]),
        flexible=np.array([products[point.product].timing == "flexible" for point in points], bool),
        holds_reserve=np.array(
            [buys_reserve and unit.can_reserve and unit.storage_wh is None for unit in units], bool
        ),
        dispatch=dispatch_model(rules),
        resolutions=resolutions_of(rules),
        sub_meters=tuple(sorted(m.sub_meter for r in rules.registrations for m in r.sub_meters)),
        energy_areas=energy_areas_of(rules.grid_model),
    )


def resolutions_of(rules: RuleSet) -> Resolutions:
    """Return what one reading covers under one rule set."""
    stated = {
        **{u.unit: u.resolution_minutes for r in rules.registrations for u in r.units},
        **{
            point.supply_point: point.resolution_minutes
            for registration in rules.registrations
            for point in registration.supply_points
        },
        **{m.sub_meter: m.resolution_minutes for r in rules.registrations for m in r.sub_meters},
    }
    return Resolutions(
        rules.market_rules.interval_minutes,
        {entity: minutes for entity, minutes in stated.items() if minutes is not None},
    )


def _regions(grid: GridModel) -> Mapping[str, int]:
    """Return the number of each node's region: its ancestor in the second layer, or itself."""
    parent = {(holon.layer, holon.holon): holon.parent for holon in grid.holons}
    region_depth = min(1, len(grid.layers) - 1)
    ancestor: dict[str, str] = {}
    for node in (holon.holon for holon in grid.holons if holon.layer == grid.layers[-1]):
        name = node
        for layer in reversed(grid.layers[region_depth + 1 :]):
            name = parent[layer, name] or name
        ancestor[node] = name
    numbers = {name: number for number, name in enumerate(sorted(set(ancestor.values())))}
    return {node: numbers[name] for node, name in ancestor.items()}
