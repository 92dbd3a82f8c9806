"""Checks of price curves: bounded, never falling, and selling never above buying."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

from common.refusals import Finding
from rulebook.documents import MarketRules
from rulebook.documents.market_rules import Knot

LEAST_KNOTS = 2


def sell_curves_are_curves(rules: MarketRules, place: str) -> Iterator[Finding]:
    """A sell curve that is stated has two knots at least, as any curve."""
    for number, layer in enumerate(rules.layers):
        if 0 < len(layer.sell_curve) < LEAST_KNOTS:
            yield Finding(
                "curve-too-short",
                f"{place}: layers[{number}].sell_curve",
                f"{len(layer.sell_curve)} knot",
                f"a curve has at least {LEAST_KNOTS} knots; an empty one sells at the buy curve",
                "add a knot, or remove the sell curve",
            )


def curves_rise(rules: MarketRules, place: str) -> Iterator[Finding]:
    """Along a curve the tightness rises and the price does not fall; so prices are bounded."""
    for at_curve, curve in _curves(rules, place):
        for position, (before, after) in enumerate(pairwise(curve), start=1):
            at = f"{at_curve}[{position}]"
            if after.tightness_ppm <= before.tightness_ppm:
                yield Finding(
                    "curve-tightness-not-rising",
                    f"{at}.tightness_ppm",
                    f"{after.tightness_ppm:_} ppm",
                    f"it lies above the {before.tightness_ppm:_} ppm of the knot before",
                    "order the knots by tightness, each once",
                )
            if after.price_micro_per_mwh < before.price_micro_per_mwh:
                yield Finding(
                    "curve-price-falls",
                    f"{at}.price_micro_per_mwh",
                    f"{after.price_micro_per_mwh:_} micro per MWh",
                    f"it is at least the {before.price_micro_per_mwh:_} of the knot before",
                    "raise it, so that scarcity never lowers a price",
                )


def curves_within_bounds(rules: MarketRules, place: str) -> Iterator[Finding]:
    """Every knot's price lies within floor and cap."""
    floor, cap = rules.price_floor_micro_per_mwh, rules.price_cap_micro_per_mwh
    for at_curve, curve in _curves(rules, place):
        for position, knot in enumerate(curve):
            if not floor <= knot.price_micro_per_mwh <= cap:
                yield Finding(
                    "curve-price-outside-bounds",
                    f"{at_curve}[{position}].price_micro_per_mwh",
                    f"{knot.price_micro_per_mwh:_} micro per MWh",
                    f"it lies between the floor of {floor:_} and the cap of {cap:_}",
                    "change the knot, the floor or the cap",
                )


def selling_is_never_above_buying(rules: MarketRules, place: str) -> Iterator[Finding]:
    """At no tightness is net export paid more than energy taken costs.

    Otherwise buying with one hand and selling with the other would earn money. Both curves are
    straight between two neighbours among the knots of both, so they keep their order if they do
    at those knots, and so do the prices rounded down.
    """
    for number, layer in enumerate(rules.layers):
        if not (_rises(layer.curve) and _rises(layer.sell_curve)):
            continue
        for tightness_ppm in sorted(
            {knot.tightness_ppm for knot in (*layer.curve, *layer.sell_curve)}
        ):
            buy = price_at(layer.curve, tightness_ppm)
            sell = price_at(layer.sell_curve, tightness_ppm)
            if sell > buy:
                yield Finding(
                    "sell-above-buy",
                    f"{place}: layers[{number}].sell_curve",
                    f"{_shown(sell)} micro per MWh at a tightness of {tightness_ppm:_} ppm",
                    f"it is at most the {_shown(buy)} of the buy curve there, so that buying and "
                    "selling at once earns nothing",
                    "lower the sell curve or raise the buy curve there",
                )


def price_at(curve: Sequence[Knot], tightness_ppm: int) -> Fraction:
    """Return the price on a curve that rises, exactly, in micro per MWh; flat outside its knots."""
    if tightness_ppm <= curve[0].tightness_ppm:
        return Fraction(curve[0].price_micro_per_mwh)
    for left, right in pairwise(curve):
        if tightness_ppm <= right.tightness_ppm:
            rise = right.price_micro_per_mwh - left.price_micro_per_mwh
            slope = Fraction(rise, right.tightness_ppm - left.tightness_ppm)
            return left.price_micro_per_mwh + slope * (tightness_ppm - left.tightness_ppm)
    return Fraction(curve[-1].price_micro_per_mwh)


def _curves(rules: MarketRules, place: str) -> Iterator[tuple[str, Sequence[Knot]]]:
    for number, layer in enumerate(rules.layers):
        yield f"{place}: layers[{number}].curve", layer.curve
        yield f"{place}: layers[{number}].sell_curve", layer.sell_curve


def _rises(curve: Sequence[Knot]) -> bool:
    """Return whether prices can be read from a curve: two knots, tightness rising."""
    return len(curve) >= LEAST_KNOTS and all(
        before.tightness_ppm < after.tightness_ppm for before, after in pairwise(curve)
    )


def _shown(price: Fraction) -> str:
    """Return a price in whole micro, as exactly as a reader needs: rounded down and marked so."""
    whole = price.__floor__()
    return f"{whole:_}" if price == whole else f"{whole:_} and a fraction"


CURVE_CHECKS = (
    sell_curves_are_curves,
    curves_rise,
    curves_within_bounds,
    selling_is_never_above_buying,
)
