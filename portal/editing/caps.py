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
_CURVES = {"curve": "", "sell_curve": " (sell curve)"}


@dataclass(frozen=True)
class CapNote:
    """What the form says beside the cap.

    Attributes:
        points: each point that stands at it, in words.
    """

    points: tuple[str, ...]


def moves_with_cap(kind: str) -> bool:
    """Return whether documents of a kind have a cap, and curves that end at it."""
    return kind == "market-rules"


def cap_note(body: Mapping[str, Any], base: Mapping[str, Any] | None) -> CapNote:
    """Return which points stand at the cap.

    Args:
        base: the document that it was drawn from; its cap stands for one that is no number yet.
    """
    cap = _cap(body, base)
    return CapNote(tuple(_words(body, path) for path in _points_at(body, cap)))


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
    for each in (body, base or {}):
        cap = each.get(CAP)
        if isinstance(cap, int) and not isinstance(cap, bool):
            return cap
    return None


def _points_at(body: Mapping[str, Any], cap: int | None) -> Iterator[Path]:
    layers = body.get("layers")
    for number, layer in enumerate(layers if isinstance(layers, list) else []):
        for curve in _CURVES:
            knots = value_at(layer, (curve,))
            for position, knot in enumerate(knots if isinstance(knots, list) else []):
                price = value_at(knot, (_PRICE,))
                if _is_whole(price) and price == cap:
                    yield ("layers", number, curve, position, _PRICE)


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
