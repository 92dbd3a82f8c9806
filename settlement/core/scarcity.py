"""The market maker on a whole market: every layer at its curves, by the measure of its rules."""

from settlement.core.arrays import Integers
from settlement.core.model import MarketModel
from settlement.core.tightness import LayerTightness, layer_tightness


def price_layers(
    model: MarketModel, available_w: Integers, demand_w: Integers
) -> tuple[LayerTightness, ...]:
    """Return tightness and prices of every layer, outermost first.

    Args:
        available_w: shape (N, T), available supply at each node, not negative.
        demand_w: shape (N, T), demand at each node, not negative.

    Raises:
        OverflowError: power so large that exact int64 results are not certain.
    """
    sell_curves = model.sell_curves or (None,) * len(model.curves)
    return tuple(
        layer_tightness(
            model.grid,
            layer,
            curve,
            available_w,
            demand_w,
            sell_curve=sell_curve,
            deliverability=model.deliverability,
        )
        for layer, curve, sell_curve in zip(
            model.grid.layers, model.curves, sell_curves, strict=True
        )
    )
