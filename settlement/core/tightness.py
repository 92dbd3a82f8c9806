"""The Automatic Market Maker: tightness of each holon, its bounded price, the price at a node.

Source: arXiv 2512.13871 (Sweeney, Shorten, O'Malley, 2025): scarcity layers nest, and the price
at a node is that of the tightest binding layer.
"""

from dataclasses import dataclass

import numpy as np

from settlement.core.arrays import (
    Integers,
    integers,
    largest_magnitude,
    require_int64,
)
from settlement.core.grid import Grid, Layer

PPM = 1_000_000


@dataclass(frozen=True, eq=False)
class Curve:
    """A price curve: straight between knots, flat outside them, so bounded for every input.

    Attributes:
        tightness_ppm: shape (K,), K >= 2, rising strictly, not negative.
        price_micro_per_mwh: shape (K,), never falling.
    """

    tightness_ppm: Integers
    price_micro_per_mwh: Integers

    def __post_init__(self) -> None:
        knots = (len(self.tightness_ppm),)
        for name in ("tightness_ppm", "price_micro_per_mwh"):
            object.__setattr__(self, name, integers(getattr(self, name), knots, name))
        steps, rises = np.diff(self.tightness_ppm), np.diff(self.price_micro_per_mwh)
        if knots[0] < 2 or self.tightness_ppm[0] < 0 or np.any(steps <= 0) or np.any(rises < 0):
            raise ValueError("a curve needs two knots, tightness rising and price not falling")
        require_int64(
            2 * int(self.tightness_ppm[-1]) * largest_magnitude(self.price_micro_per_mwh),
            "price curve",
        )

    def price_at(self, tightness_ppm: Integers) -> Integers:
        """Return the price of each tightness, in micro per MWh, rounded down, any shape.

        Example: knots (0, 10) and (3, 20): tightness 2 gives 10 + floor(2 * 10 / 3) = 16.
        """
        knots, prices = self.tightness_ppm, self.price_micro_per_mwh
        clamped = np.clip(tightness_ppm, knots[0], knots[-1])
        left = np.minimum(np.searchsorted(knots, clamped, side="right"), len(knots) - 1) - 1
        rise, run = prices[left + 1] - prices[left], knots[left + 1] - knots[left]
        price: Integers = prices[left] + (clamped - knots[left]) * rise // run
        return price


@dataclass(frozen=True, eq=False)
class LayerTightness:
    """What the market maker knows of one layer, each of shape (H, T)."""

    available_w: Integers
    demand_w: Integers
    deliverable_w: Integers
    tightness_ppm: Integers
    price_micro_per_mwh: Integers


@dataclass(frozen=True, eq=False)
class NodePrices:
    """The price at each node and the layer that sets it, each of shape (N, T).

    ``binding_layer`` is an index into the grid's layers; equal prices bind at the outermost.
    """

    price_micro_per_mwh: Integers
    binding_layer: Integers


def layer_tightness(
    grid: Grid, layer: Layer, curve: Curve, available_w: Integers, demand_w: Integers
) -> LayerTightness:
    """Return tightness and price of every holon of a layer.

    With A and D available supply and demand inside the holon, and C the ratings into it::

        deliverable S = A + min(C, max(0, A outside - D outside))
        tightness     = D * 10**6 // S, 0 where D = 0, the curve's last knot where S = 0 < D

    Args:
        available_w: shape (N, T), available supply at each node, not negative.
        demand_w: shape (N, T), demand at each node, not negative.

    Raises:
        OverflowError: demand so large that its millionfold passes int64.
    """
    holons = len(layer.holons)
    available, demand = (
        _sum_by(layer.node_holon, holons, values) for values in (available_w, demand_w)
    )
    surplus_outside = (available.sum(axis=0) - available) - (demand.sum(axis=0) - demand)
    imports = np.minimum(grid.boundary_w(layer)[:, None], np.maximum(surplus_outside, 0))
    deliverable = available + imports
    require_int64(largest_magnitude(demand) * PPM, "tightness")
    tightness = demand * PPM // np.maximum(deliverable, 1)
    tightness[(deliverable == 0) & (demand > 0)] = curve.tightness_ppm[-1]
    return LayerTightness(available, demand, deliverable, tightness, curve.price_at(tightness))


def node_prices(
    grid: Grid, in_use: tuple[bool, ...], layers: tuple[LayerTightness, ...]
) -> NodePrices:
    """Return the highest price over the layers in use that hold each node.

    One layer in use gives uniform (system), zonal (zone) or nodal (node) pricing.

    Raises:
        ValueError: no layer is in use.
    """
    used = [number for number, use in enumerate(in_use) if use]
    if not used:
        raise ValueError("no layer is in use; put at least one in use")
    prices = np.stack(
        [layers[number].price_micro_per_mwh[grid.layers[number].node_holon] for number in used]
    )
    # argmax returns the first of equals, and layers come outermost first.
    return NodePrices(prices.max(axis=0), np.array(used, dtype=np.int64)[prices.argmax(axis=0)])


def _sum_by(group: Integers, groups: int, values: Integers) -> Integers:
    sums = np.zeros((groups, values.shape[1]), dtype=np.int64)
    np.add.at(sums, group, values)
    return sums
