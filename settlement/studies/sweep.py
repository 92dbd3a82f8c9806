"""How a closed loop behaves by response and slope: settled, oscillating, or bounded and neither.

One interval of a real day is held still, as a *standing hour*: the same availability and the same
new demand again and again, at whose price nobody waits. In the first interval of a run all demand
is larger by the shock. Then flexible demand answers the price of the interval before, for
`INTERVALS` of them, once for every cell of response x slope. The slope of the law is multiplied
around the standing price p* of each node, and kept within floor and cap::

    price = min(cap, max(floor, p* + (price of the law - p*) x slope // 1,000,000))

A cell is judged by its last `TAIL` intervals:

settled
    no price is further from p* than a hundredth of the largest distance in the first interval.
oscillating
    not settled, and at the supply point that moves most nine tenths of the steps or more turn
    back on the step before.
bounded
    neither: it moves, within floor and cap as every price does.

Around one node with a straight curve this is known by hand. With x_t what waits after interval t,
new demand F of which all is flexible, response r and slope m, and g = F r m the loop gain::

    x_t = max(0, g (x_{t-2} - x_{t-1}))        so 1, 0, g, 0, g^2, 0 ...

A shock dies out exactly where g < 1; slowly near 1, where a sweep may end before it has.
Where the standing price lies above the reference, so that a part s of demand waits at rest, what is
moved counts both when it leaves and when it returns, and the bound is g < (1 - s^2) / 2.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from settlement.core.arrays import Flags, Integers, require_int64
from settlement.core.model import MarketModel, node_available_w, node_demand_w
from settlement.core.scarcity import price_layers
from settlement.core.tightness import Curve
from settlement.studies.closed_loop import price_at_points
from settlement.studies.price_response import (
    PPM,
    Answering,
    answer_price,
    nothing_waits,
)

INTERVALS, TAIL = 960, 48
SETTLED_PART, TURNS_PPM = 100, 900_000
MOST_CELLS = 2_500


class Mark(StrEnum):
    """What a loop comes to."""

    SETTLED = "settled"
    OSCILLATING = "oscillating"
    BOUNDED = "bounded"


@dataclass(frozen=True, eq=False)
class StandingHour:
    """An interval that is held still.

    Attributes:
        available_w: shape (U,).
        demand_wh: shape (G,), new in each interval; negative is net export.
        answers: shape (G,), who answers a price.
        window: shape (G,), intervals that what arises may wait.
        floor_micro_per_mwh, cap_micro_per_mwh: of the law.
    """

    available_w: Integers
    demand_wh: Integers
    answers: Flags
    window: Integers
    floor_micro_per_mwh: int
    cap_micro_per_mwh: int


@dataclass(frozen=True)
class Cell:
    """What the loop comes to at one response and slope.

    Attributes:
        response_ppm_per_unit: part of demand that waits for each currency unit above the reference.
        slope_ppm: of the law's slope.
        standing_gain_ppm: loop gain at the slope where the standing hour is, largest of any holon.
        steepest_gain_ppm: loop gain at the steepest slope of the curves; the rulebook's bound.
        first_micro_per_mwh: furthest from the standing price in the interval of the shock.
        last_micro_per_mwh: furthest from it in the last `TAIL` intervals.
        turns_ppm: steps there that turn back on the step before, where the price moves most.
    """

    response_ppm_per_unit: int
    slope_ppm: int
    standing_gain_ppm: int
    steepest_gain_ppm: int
    first_micro_per_mwh: int
    last_micro_per_mwh: int
    turns_ppm: int

    @property
    def mark(self) -> Mark:
        """What the loop comes to, as the module states it."""
        if self.last_micro_per_mwh * SETTLED_PART <= self.first_micro_per_mwh:
            return Mark.SETTLED
        return Mark.OSCILLATING if self.turns_ppm >= TURNS_PPM else Mark.BOUNDED

    def as_json(self) -> dict[str, Any]:
        """Return the cell as plain values, its mark first."""
        return {"mark": self.mark.value, **asdict(self)}


def cell_of(stored: Mapping[str, Any]) -> Cell:
    """Return a cell from what `as_json` made of it."""
    return Cell(**{each.name: stored[each.name] for each in fields(Cell)})


class Gains(NamedTuple):
    """Loop gains in ppm for a response of one ppm a unit, at the law's slope, exactly."""

    standing: Fraction
    steepest: Fraction


class Sweep(NamedTuple):
    """Cells by response within slope, and the standing price of each supply point, shape (G,)."""

    cells: tuple[Cell, ...]
    price_micro_per_mwh: Integers


def sweep(
    model: MarketModel,
    hour: StandingHour,
    responses_ppm_per_unit: Sequence[int],
    slopes_ppm: Sequence[int],
    shock_ppm: int,
) -> Sweep:
    """Return what the loop comes to in every cell.

    Args:
        shock_ppm: demand of the first interval over that of the standing hour.

    Raises:
        ValueError: more than `MOST_CELLS` cells.
        OverflowError: quantities so large that exact int64 results are not certain.
    """
    responses = np.tile(np.array(responses_ppm_per_unit, dtype=np.int64), len(slopes_ppm))
    slopes = np.repeat(np.array(slopes_ppm, dtype=np.int64), len(responses_ppm_per_unit))
    if not 0 < len(slopes) <= MOST_CELLS:
        raise ValueError(f"{len(slopes)} cells; a sweep has 1 to {MOST_CELLS}")
    largest = 2 * max(abs(hour.floor_micro_per_mwh), abs(hour.cap_micro_per_mwh))
    require_int64(largest * int(slopes.max()), "price x slope")
    standing = price_at_points(
        model, hour.available_w[:, np.newaxis], hour.demand_wh[:, np.newaxis]
    )
    tracks = _run(model, hour, standing, responses, slopes, shock_ppm)
    gains = _gains(model, hour)
    cells = tuple(
        _judged(tracks[:, :, number] - standing[:, 0], gains, int(response), int(slope))
        for number, (response, slope) in enumerate(zip(responses, slopes, strict=True))
    )
    return Sweep(cells, standing[:, 0])


def _run(
    model: MarketModel,
    hour: StandingHour,
    standing: Integers,
    responses: Integers,
    slopes: Integers,
    shock_ppm: int,
) -> Integers:
    """Return prices, shape (INTERVALS, G, C), of every cell at once."""
    shape = (len(hour.demand_wh), len(slopes))
    answering = Answering(
        np.where(hour.answers[:, np.newaxis], responses, 0),
        np.broadcast_to(standing, shape),
        np.full(shape, PPM, dtype=np.int64),
        hour.window,
    )
    available_w = np.repeat(hour.available_w[:, np.newaxis], shape[1], axis=1)
    new_wh = np.repeat(np.maximum(hour.demand_wh, 0)[:, np.newaxis], shape[1], axis=1)
    export_wh = np.minimum(hour.demand_wh, 0)[:, np.newaxis]
    shocked_wh = new_wh // PPM * shock_ppm + new_wh % PPM * shock_ppm // PPM
    waiting = nothing_waits(int(hour.window.max(initial=0)), *shape)
    price = np.broadcast_to(standing, shape)
    prices = np.empty((INTERVALS, *shape), dtype=np.int64)
    for interval in range(INTERVALS):
        answer = answer_price(answering, waiting, new_wh if interval else shocked_wh, price)
        waiting = answer.waiting_wh
        law = price_at_points(model, available_w, answer.asked_wh + export_wh)
        price = np.clip(
            standing + (law - standing) * slopes // PPM,
            hour.floor_micro_per_mwh,
            hour.cap_micro_per_mwh,
        )
        prices[interval] = price
    return prices


def _judged(away: Integers, gains: Gains, response: int, slope: int) -> Cell:
    """Return a cell from how far its prices lie from the standing ones, shape (INTERVALS, G)."""
    tail = away[-TAIL:]
    furthest = np.abs(tail).max(axis=0)
    steps = np.diff(tail[:, int(furthest.argmax())])
    turns = int((np.sign(steps[1:]) * np.sign(steps[:-1]) < 0).sum())
    standing, steepest = (int(-(-gain * response * slope // PPM)) for gain in gains)
    return Cell(
        response_ppm_per_unit=response,
        slope_ppm=slope,
        standing_gain_ppm=standing,
        steepest_gain_ppm=steepest,
        first_micro_per_mwh=int(np.abs(away[0]).max()),
        last_micro_per_mwh=int(furthest.max()),
        turns_ppm=turns * PPM // (TAIL - 2),
    )


def _gains(model: MarketModel, hour: StandingHour) -> Gains:
    """Return the largest gain of any holon of a layer in use.

    A price that is 1 micro higher moves ``flexible x response / 10**12`` of demand, which over the
    deliverable supply is so much tightness, at the slope of the curve the gain in micro: in ppm
    ``slope x response x flexible / deliverable``. Where imports are all that is left outside, what
    is taken outside is missing inside: ``tightness x flexible outside`` counts beside it. At the
    steepest slope it always does, as a shock may use up what was left.

    Example: 32 of 90 MW deliverable are flexible, the curve rises by 1,000 micro a ppm, and 2,250
    ppm wait for each pound: 1,000 x 2,250 x 32 / 90 = 800,000 ppm, a gain of 0.8.
    """
    flexible_w = _flexible_w(model, hour)
    available_w = node_available_w(model, hour.available_w[:, np.newaxis])
    demand_w = node_demand_w(model, hour.demand_wh[:, np.newaxis])
    layers = price_layers(model, available_w, demand_w)
    standing, steepest = [Fraction(0)], [Fraction(0)]
    for layer, curve, is_used, found in zip(
        model.grid.layers, model.curves, model.layers_in_use, layers, strict=True
    ):
        deliverable_w = found.deliverable_w[:, 0]
        is_left_over = deliverable_w - found.available_w[:, 0] < model.grid.boundary_w(layer)
        for holon, inside in enumerate(layer.sums(flexible_w)[:, 0].tolist()):
            supply, tightness = int(deliverable_w[holon]), int(found.tightness_ppm[holon, 0])
            if not is_used or not supply:
                continue
            outside = Fraction((int(flexible_w.sum()) - inside) * tightness, PPM)
            pressing = inside + (outside if is_left_over[holon] else 0)
            standing.append(slope_at(curve, tightness) * Fraction(pressing, supply))
            steepest.append(
                curve.steepest_micro_per_mwh_per_ppm * Fraction(inside + outside, supply)
            )
    return Gains(max(standing), max(steepest))


def _flexible_w(model: MarketModel, hour: StandingHour) -> Integers:
    """Return the new demand at each node that answers a price, shape (N, 1)."""
    answers = hour.answers & (hour.window > 0)
    taken_wh = np.where(answers, np.maximum(hour.demand_wh, 0), 0)
    flexible_w = np.zeros((len(model.grid.nodes), 1), dtype=np.int64)
    np.add.at(flexible_w[:, 0], model.supply_point_node, taken_wh * (60 // model.interval_minutes))
    return flexible_w


def slope_at(curve: Curve, tightness_ppm: int) -> Fraction:
    """Return how much a price rises with tightness from here on, in micro per MWh a ppm.

    Example: knots (0, 10) and (3, 20): 10/3 at 0, 1 and 2, and 0 from 3 on, where it is flat.
    """
    knots, prices = curve.tightness_ppm.tolist(), curve.price_micro_per_mwh.tolist()
    for left, right, low, high in zip(knots[:-1], knots[1:], prices[:-1], prices[1:], strict=True):
        if left <= tightness_ppm < right:
            return Fraction(high - low, right - left)
    return Fraction(0)
