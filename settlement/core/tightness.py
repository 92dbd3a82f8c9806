"""The Automatic Market Maker: tightness of each holon, its bounded price, the price at a node.

Source: arXiv 2512.13871 (Sweeney, Shorten, O'Malley, 2025): scarcity layers nest, and the price
at a node is that of the tightest binding layer.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from settlement.core.arrays import (
    Integers,
    integers,
    largest_magnitude,
    require_int64,
)
from settlement.core.deliverability import Deliverability, imports_w
from settlement.core.grid import Grid, Layer

PPM = 1_000_000
PPM_PER_POINT = PPM // 100
"""A percentage point."""


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

    @property
    def steepest_micro_per_mwh_per_ppm(self) -> Fraction:
        """The slope of the steepest segment, exactly: the curve's Lipschitz bound L.

        For any two tightnesses a and b the prices differ by at most ``ceil(L * |a - b|)``: by less
        than L * |a - b| + 1 micro, of which the 1 is the rounding down of each price.

        Example: knots (0, 10) and (3, 20): L = 10/3. Tightness 1 gives 13 and 2 gives 16, which
        differ by 3, at most ceil(10/3) = 4.
        """
        rises = np.diff(self.price_micro_per_mwh).tolist()
        runs = np.diff(self.tightness_ppm).tolist()
        return max(Fraction(rise, run) for rise, run in zip(rises, runs, strict=True))


@dataclass(frozen=True, eq=False)
class LayerTightness:
    """What the market maker knows of one layer, each of shape (H, T).

    ``price_micro_per_mwh`` is read from the buy curve, ``sell_price_micro_per_mwh`` from the sell
    curve; they are the same where the layer has no sell curve.
    """

    available_w: Integers
    demand_w: Integers
    deliverable_w: Integers
    tightness_ppm: Integers
    price_micro_per_mwh: Integers
    sell_price_micro_per_mwh: Integers


@dataclass(frozen=True, eq=False)
class NodePrices:
    """The prices at each node and the layers that set them, each of shape (N, T).

    Energy taken is charged the price, net export is paid the sell price. A binding layer is an
    index into the grid's layers; equal prices bind at the outermost.
    """

    price_micro_per_mwh: Integers
    binding_layer: Integers
    sell_price_micro_per_mwh: Integers
    binding_layer_sell: Integers


def layer_tightness(
    grid: Grid,
    layer: Layer,
    curve: Curve,
    available_w: Integers,
    demand_w: Integers,
    *,
    sell_curve: Curve | None = None,
    deliverability: Deliverability = "boundary",
) -> LayerTightness:
    """Return tightness and prices of every holon of a layer.

    With A and D available supply and demand inside the holon, and what supply outside can bring::

        deliverable S = A + imports
        tightness     = D * 10**6 // S, 0 where D = 0, the last knot of the curves where S = 0 < D

    More demand at any node lowers no price of any holon, and more availability at any node raises
    none, under either measure of imports.

    Args:
        available_w: shape (N, T), available supply at each node, not negative.
        demand_w: shape (N, T), demand at each node, not negative.
        sell_curve: prices net export; None where it is sold at the buy curve.
        deliverability: how imports are measured, as in `imports_w`.

    Raises:
        OverflowError: demand so large that its millionfold passes int64.
    """
    available, demand = layer.sums(available_w), layer.sums(demand_w)
    deliverable = available + imports_w(grid, layer, available_w, demand_w, deliverability)
    require_int64(largest_magnitude(demand) * PPM, "tightness")
    # 1 only keeps the division defined: without supply the last knot is set below.
    tightness = demand * PPM // np.maximum(deliverable, 1)
    last_knot = max(int(priced.tightness_ppm[-1]) for priced in (curve, sell_curve or curve))
    tightness[(deliverable == 0) & (demand > 0)] = last_knot
    price = curve.price_at(tightness)
    sell_price = price if sell_curve is None else sell_curve.price_at(tightness)
    return LayerTightness(available, demand, deliverable, tightness, price, sell_price)


def node_prices(
    grid: Grid, in_use: tuple[bool, ...], layers: tuple[LayerTightness, ...]
) -> NodePrices:
    """Return the highest price over the layers in use that hold each node, buying and selling.

    One layer in use gives uniform (system), zonal (zone) or nodal (node) pricing. Selling takes
    the highest sell price, not that of the layer that binds for buying: so it moves no faster than
    the steepest sell curve where the binding layer changes, never falls as a layer tightens, and
    is at most the buy price where that holds in each layer.

    Raises:
        ValueError: no layer is in use.
    """
    used = [number for number, use in enumerate(in_use) if use]
    if not used:
        raise ValueError("no layer is in use; put at least one in use")
    place = [grid.layers[number].node_holon for number in used]
    buy = np.stack([layers[n].price_micro_per_mwh[at] for n, at in zip(used, place, strict=True)])
    sell = np.stack(
        [layers[n].sell_price_micro_per_mwh[at] for n, at in zip(used, place, strict=True)]
    )
    number = np.array(used, dtype=np.int64)
    # argmax returns the first of equals, and layers come outermost first.
    return NodePrices(
        buy.max(axis=0), number[buy.argmax(axis=0)], sell.max(axis=0), number[sell.argmax(axis=0)]
    )
