"""The price curves of market rules as a drawing and a table, for those who read the law.

Layers with the same curves are drawn once. Positions are drawn to the nearest tenth of a unit;
the figures beside them are exact.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from common.currencies import currency
from common.quantities import MICRO, ppm, scaled, with_unit
from rulebook.documents.market_rules import Knot, LayerRule, MarketRules
from settlement.core.tightness import PPM_PER_POINT, Curve
from settlement.rules.compile import curve_of

WIDTH, HEIGHT = 680, 300
LEFT, RIGHT, TOP, BOTTOM = 84, 16, 14, 58
TICKS = 6
BEYOND = 10
"""How much of the flat part is drawn after the last point: one part in ten."""


@dataclass(frozen=True)
class Tick:
    """A line of the grid behind a drawing, and what it says."""

    at: float
    label: str


@dataclass(frozen=True)
class Slope:
    """The steepest segment of a curve.

    Attributes:
        per_point: the most that the price moves for a percentage point of tightness, for people.
    """

    per_point: str


@dataclass(frozen=True)
class CurveFigure:
    """The curves of some layers.

    Attributes:
        layers: names of the layers, outermost first, and whether each sets prices.
        rows: tightness, price and sell price at every point of either curve, for people; the last
            is empty where there is no sell curve.
        buy, sell: the curves as points of a polyline; empty where there is no sell curve.
    """

    layers: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[str, str, str], ...]
    buy: str
    sell: str
    buy_slope: Slope
    sell_slope: Slope | None
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def curve_figures(rules: MarketRules) -> tuple[CurveFigure, ...]:
    """Return a figure for every pair of curves that some layers share, outermost layer first."""
    groups: dict[tuple[tuple[Knot, ...], tuple[Knot, ...]], list[LayerRule]] = {}
    for layer in rules.layers:
        groups.setdefault((layer.curve, layer.sell_curve), []).append(layer)
    return tuple(
        _figure(
            tuple((layer.layer, layer.in_use) for layer in layers),
            curve_of(buy),
            curve_of(sell) if sell else None,
            rules.currency,
        )
        for (buy, sell), layers in groups.items()
    )


def _figure(
    layers: tuple[tuple[str, bool], ...], buy: Curve, sell: Curve | None, currency: str
) -> CurveFigure:
    curves = [buy] if sell is None else [buy, sell]
    knots = np.unique(np.concatenate([curve.tightness_ppm for curve in curves]))
    prices = np.concatenate([curve.price_micro_per_mwh for curve in curves])
    right = int(knots[-1]) + int(knots[-1]) // BEYOND
    low, high = min(0, int(prices.min())), max(0, int(prices.max()))

    def x_of(tightness_ppm: int) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * tightness_ppm / right, 1)

    def y_of(price: int) -> float:
        part = (price - low) / ((high - low) or 1)
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * part, 1)

    def polyline(curve: Curve) -> str:
        at = sorted({0, *curve.tightness_ppm.tolist(), right})
        price = curve.price_at(np.array(at)).tolist()
        return " ".join(f"{x_of(x)},{y_of(y)}" for x, y in zip(at, price, strict=True))

    return CurveFigure(
        layers,
        tuple(_rows(knots.tolist(), buy, sell, currency)),
        polyline(buy),
        "" if sell is None else polyline(sell),
        _slope(buy, currency),
        None if sell is None else _slope(sell, currency),
        tuple(Tick(x_of(x), ppm(x)) for x in _round_values(0, right)),
        tuple(Tick(y_of(y), with_whole_currency(y, currency)) for y in _round_values(low, high)),
    )


def with_whole_currency(micro: int, code: str) -> str:
    """Return a price as an axis says it.

    >>> with_whole_currency(2_000_000_000, "GBP"), with_whole_currency(-500_000, "GBP")
    ('£2,000', '−£0.5')
    """
    amount = scaled(abs(micro), len(str(MICRO)) - 1)
    return f"{'−' if micro < 0 else ''}{currency(code).sign}{amount}"


def _rows(
    knots: Sequence[int], buy: Curve, sell: Curve | None, currency: str
) -> Iterator[tuple[str, str, str]]:
    def price(curve: Curve, tightness_ppm: int) -> str:
        micro = int(curve.price_at(np.array(tightness_ppm)))
        return with_unit(micro, "micro", currency)

    for tightness_ppm in knots:
        sold = "" if sell is None else price(sell, tightness_ppm)
        yield ppm(tightness_ppm), price(buy, tightness_ppm), sold


def _slope(curve: Curve, currency: str) -> Slope:
    steepest = curve.steepest_micro_per_mwh_per_ppm
    return Slope(
        # Up, never down: the page says that a price moves by *at most* this.
        with_unit(ceil(steepest * PPM_PER_POINT), "micro per MWh", currency),
    )


def _round_values(low: int, high: int) -> list[int]:
    """Return few round values from `low` to `high`, both whole.

    >>> _round_values(0, 1_650_000)
    [0, 500000, 1000000, 1500000]
    >>> _round_values(-3, 0)
    [-3, -2, -1, 0]
    """
    step = 1
    while (high - low) // step >= TICKS:
        step = _next_round(step)
    return list(range(-(-low // step) * step, high + 1, step))


def _next_round(step: int) -> int:
    """Return the value after 1, 2, 5, 10, 20, 50 and so on."""
    return step * 5 // 2 if str(step)[0] == "2" else step * 2
