"""The price curves of market rules as charts, for those who read the law.

Layers with the same curves are drawn once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np

from common.quantities import with_unit
from portal.charts.chart import Chart
from portal.charts.lines import Line, line_chart
from portal.charts.units import Unit
from rulebook.documents.market_rules import Knot, LayerRule, MarketRules
from settlement.core.tightness import PPM_PER_POINT, Curve
from settlement.rules.compile import curve_of

BEYOND = 10
"""How much of the flat part is drawn after the last point: one part in ten."""
COMPARED = ("Before", "Before, net export", "After", "After, net export")
OVER_TIGHTNESS = ("Tightness", Unit("ppm"))


@dataclass(frozen=True)
class CurveFigure:
    """The curves of some layers.

    Attributes:
        layers: names of the layers, outermost first, and whether each sets prices.
        chart: both prices at every point of either curve.
        buy_slope, sell_slope: the most that a price moves for a percentage point of tightness, for
            people; that of net export is None where there is no sell curve.
    """

    layers: tuple[tuple[str, bool], ...]
    chart: Chart
    buy_slope: str
    sell_slope: str | None

    @property
    def slope_words(self) -> str:
        """How fast a price moves, in a sentence."""
        taken = f"One percentage point of tightness moves this price by at most {self.buy_slope}"
        if self.sell_slope is None:
            return f"{taken}. Net export is paid the price of energy taken."
        return f"{taken}; the price of net export by at most {self.sell_slope}."


def curve_figures(rules: MarketRules) -> tuple[CurveFigure, ...]:
    """Return a figure for every pair of curves that some layers share, outermost layer first."""
    groups: dict[tuple[tuple[Knot, ...], tuple[Knot, ...]], list[LayerRule]] = {}
    for layer in rules.layers:
        groups.setdefault((layer.curve, layer.sell_curve), []).append(layer)
    return tuple(
        _figure(
            f"price-curves-{number}",
            tuple((layer.layer, layer.in_use) for layer in layers),
            curve_of(buy),
            curve_of(sell) if sell else None,
            rules.currency,
        )
        for number, ((buy, sell), layers) in enumerate(groups.items(), 1)
    )


def compared_curves(before: MarketRules, after: MarketRules) -> Iterator[Chart]:
    """Yield the curves of layers that changed, before and after over each other.

    Layers that changed in the same way are drawn once; one that came or went has the curves of
    the one text alone.
    """
    layers: dict[str, list[LayerRule | None]] = {}
    for side, rules in enumerate((before, after)):
        for layer in rules.layers:
            layers.setdefault(layer.layer, [None, None])[side] = layer
    alike: dict[tuple[tuple[Knot, ...], ...], list[str]] = {}
    for name, (old, new) in layers.items():
        curves: tuple[tuple[Knot, ...], ...] = (*_curves(old), *_curves(new))
        if _curves(old) != _curves(new):
            alike.setdefault(curves, []).append(name)
    price = Unit("micro per MWh", after.currency)
    for number, (curves, names) in enumerate(alike.items(), 1):
        lines = [
            Line(said, tuple((knot.tightness_ppm, knot.price_micro_per_mwh) for knot in curve))
            for said, curve in zip(COMPARED, curves, strict=True)
            if curve
        ]
        last = max(place for line in lines for place, _ in line.points)
        title = f"Layer{'s' if len(names) > 1 else ''} {', '.join(names)}"
        key = f"compared-curves-{number}"
        yield line_chart(key, title, OVER_TIGHTNESS, lines, price, last + last // BEYOND)


def _curves(layer: LayerRule | None) -> tuple[tuple[Knot, ...], tuple[Knot, ...]]:
    return ((), ()) if layer is None else (layer.curve, layer.sell_curve)


def layer_figure(layer: LayerRule, currency: str) -> CurveFigure | None:
    """Return the curves of a layer that somebody is writing; None where they are none yet."""
    if not _is_curve(layer.curve) or (layer.sell_curve and not _is_curve(layer.sell_curve)):
        return None
    sell = curve_of(layer.sell_curve) if layer.sell_curve else None
    named = ((layer.layer, layer.in_use),)
    return _figure("price-curve", named, curve_of(layer.curve), sell, currency)


def _is_curve(knots: Sequence[Knot]) -> bool:
    """Return whether prices can be read from knots: two, tightness rising and no price falling."""
    return len(knots) > 1 and all(
        before.tightness_ppm < after.tightness_ppm
        and before.price_micro_per_mwh <= after.price_micro_per_mwh
        for before, after in pairwise(knots)
    )


def _figure(
    key: str, layers: tuple[tuple[str, bool], ...], buy: Curve, sell: Curve | None, currency: str
) -> CurveFigure:
    curves = [buy] if sell is None else [buy, sell]
    knots = np.unique(np.concatenate([curve.tightness_ppm for curve in curves]))
    named = zip(("Energy taken", "Net export"), curves, strict=False)
    series = [Line(name, _points(knots, curve)) for name, curve in named]
    to = int(knots[-1]) + int(knots[-1]) // BEYOND
    title = f"Layer{'s' if len(layers) > 1 else ''} {layer_names(layers)}"
    return CurveFigure(
        layers,
        line_chart(key, title, OVER_TIGHTNESS, series, Unit("micro per MWh", currency), to),
        _slope(buy, currency),
        None if sell is None else _slope(sell, currency),
    )


def layer_names(layers: Sequence[tuple[str, bool]]) -> str:
    """Return the names of layers, and which of them set no price.

    >>> layer_names([("system", True), ("zone", False)])
    'system, zone (not in use)'
    """
    return ", ".join(name if in_use else f"{name} (not in use)" for name, in_use in layers)


def _points(knots: np.ndarray, curve: Curve) -> tuple[tuple[int, int], ...]:
    return tuple(zip(knots.tolist(), curve.price_at(knots).tolist(), strict=True))


def _slope(curve: Curve, currency: str) -> str:
    steepest = curve.steepest_micro_per_mwh_per_ppm
    # Up, never down: the page says that a price moves by *at most* this.
    return with_unit(ceil(steepest * PPM_PER_POINT), "micro per MWh", currency)
