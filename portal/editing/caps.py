"""A price cap in one place: the points of curves that stand at the cap move with it.

Market rules state the cap and, apart from it, the price of every point. Law is written so that a
curve ends at the cap, and nothing in a document says that this is no chance; so whoever changes the
cap is shown which points stand at it, and chooses whether they follow.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portal.editing.bodies import value_at, with_value
from portal.editing.fields import Path
from portal.editing.measures import measure_of, number_text

CAP = "price_cap_micro_per_mwh"
_PRICE, _TIGHTNESS = "price_micro_per_mwh", "tightness_ppm"
_PRICE_DIGITS = 6
"""Decimals of a price as it is typed: documents hold micro of the currency."""
_CURVES = {"curve": "", "sell_curve": " (sell curve)"}


@dataclass(frozen=True)
class CapNote:
    """What the form says beside the cap.

    Attributes:
        points: each point that stands at it, in words.
        highest: the highest point of any curve in the unit of the form, where it lies below the
            cap, which then never binds; else empty.
    """

    points: tuple[str, ...]
    highest: str = ""


def moves_with_cap(kind: str) -> bool:
    """Return whether documents of a kind have a cap, and curves that end at it."""
    return kind == "market-rules"


def cap_note(body: Mapping[str, Any], base: Mapping[str, Any] | None) -> CapNote:
    """Return which points stand at the cap, and whether every point lies below it.

    Args:
        base: the document that it was drawn from.
    """
    cap, top = _cap(body, base), _highest(body)
    points = tuple(_words(body, path) for path in _points_at(body, cap))
    if top is None or not _is_whole(body.get(CAP)) or top >= body[CAP]:
        return CapNote(points)
    return CapNote(points, number_text(top, _PRICE_DIGITS))


def with_points_at_cap(
    before: Mapping[str, Any], after: Any, base: Mapping[str, Any] | None
) -> Any:
    """Return a body in which the points that stood at the cap before stand at it again."""
    was, is_now = _cap(before, base), after.get(CAP)
    if was is None or not _is_whole(is_now) or was == is_now:
        return after
    for path in _points_at(after, was):
        after = with_value(after, path, is_now)
    return after


def _cap(body: Mapping[str, Any], base: Mapping[str, Any] | None) -> int | None:
    """Return the cap; of one that is no number, the last that was one.

    A copy does not keep what stood in a field before. Where the curves of the law reach its cap,
    those of the copy reached its own, so their highest point still says which it was.
    """
    if _is_whole(body.get(CAP)):
        return int(body[CAP])
    if base is None or not _is_whole(base.get(CAP)):
        return None
    if _highest(base) != base[CAP]:
        return int(base[CAP])
    return _highest(body)


def _highest(body: Mapping[str, Any]) -> int | None:
    return max((price for _, price in _prices(body)), default=None)


def _points_at(body: Mapping[str, Any], cap: int | None) -> Iterator[Path]:
    return (path for path, price in _prices(body) if price == cap)


def _prices(body: Mapping[str, Any]) -> Iterator[tuple[Path, int]]:
    layers = body.get("layers")
    for number, layer in enumerate(layers if isinstance(layers, list) else []):
        for curve in _CURVES:
            knots = value_at(layer, (curve,))
            for position, knot in enumerate(knots if isinstance(knots, list) else []):
                price = value_at(knot, (_PRICE,))
                if _is_whole(price):
                    yield ("layers", number, curve, position, _PRICE), int(price)


def _words(body: Mapping[str, Any], path: Path) -> str:
    _, number, curve, _, _ = path
    layer = value_at(body, ("layers", number, "layer"))
    name = layer if isinstance(layer, str) else f"layer {int(number) + 1}"
    tightness = value_at(body, (*path[:-1], _TIGHTNESS))
    if not _is_whole(tightness):
        return f"{name}{_CURVES[str(curve)]}"
    measure = measure_of("ppm", "")
    at = f"{number_text(tightness, measure.digits)}\N{NO-BREAK SPACE}{measure.label}"
    return f"{name}{_CURVES[str(curve)]} at {at}"


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
