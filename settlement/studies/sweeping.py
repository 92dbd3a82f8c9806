"""A sweep over an interval of a real day: it loads, asks the loop, and stores nothing."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.orm import Session

from common.known_at import refuse_future
from common.refusals import Finding, refuse_any, shown
from rulebook.law import rules_for_period
from rulebook.resolve import RuleSet
from settlement.core.arrays import Integers
from settlement.core.model import MarketModel
from settlement.core.periods import interval_starts
from settlement.rules.compile import compile_rules
from settlement.rules.register import register_of
from settlement.runs.inputs import run_inputs
from settlement.studies.sweep import MOST_CELLS, StandingHour, Sweep, sweep


@dataclass(frozen=True)
class SweepQuestion:
    """What a sweep is asked: which interval, whose response, and over which responses and slopes.

    Attributes:
        time: HH:MM by the market's clock; of a time told twice, the first.
        shock_ppm: demand of the first interval over that of the standing hour.
    """

    day: dt.date
    time: str
    products: tuple[str, ...]
    responses_ppm_per_unit: tuple[int, ...]
    slopes_ppm: tuple[int, ...]
    shock_ppm: int


@dataclass(frozen=True, eq=False)
class SweepOutcome:
    """A sweep of a market, with the interval that stands still."""

    market: str
    currency: str
    start: dt.datetime
    known_at: dt.datetime
    question: SweepQuestion
    supply_points: tuple[str, ...]
    found: Sweep


def sweep_market(
    session: Session,
    market: str,
    question: SweepQuestion,
    *,
    known_at: dt.datetime,
    now: dt.datetime,
) -> SweepOutcome:
    """Return how the loop behaves under the law and the readings of an interval.

    Raises:
        Refused: rules or readings have a gap, `known_at` has not come yet, or the question names
            a product that does not answer, a time that no interval starts at, or too many cells.
    """
    refuse_future(known_at, now)
    periods = rules_for_period(session, market, question.day, question.day, known_at)
    rules = periods[0].rules
    starts = _local_starts(rules, question.day)
    refuse_any([*_products(question, rules), *_times(question, starts), *_cells(question)])
    model = compile_rules(rules)
    readings = run_inputs(session, market, periods, known_at).metered(question.day, model)
    interval = next(at for at, start in enumerate(starts) if f"{start:%H:%M}" == question.time)
    hour = standing_hour(
        rules,
        model,
        question.products,
        readings.available_w[:, interval],
        readings.demand_wh[:, interval],
    )
    return SweepOutcome(
        market,
        rules.market_rules.currency,
        starts[interval],
        known_at,
        question,
        model.supply_points,
        sweep(
            model, hour, question.responses_ppm_per_unit, question.slopes_ppm, question.shock_ppm
        ),
    )


def standing_hour(
    rules: RuleSet,
    model: MarketModel,
    products: Sequence[str],
    available_w: Integers,
    demand_wh: Integers,
) -> StandingHour:
    """Return an interval that is held still: shapes (U,) and (G,), export below nothing."""
    points = [point for _, point in register_of(rules.registrations).supply_points.values()]
    law = rules.market_rules
    window = {each.product: (each.window_minutes or 0) for each in law.products}
    return StandingHour(
        available_w,
        demand_wh,
        np.array([point.product in products for point in points], dtype=np.bool_),
        np.array([window[point.product] // law.interval_minutes for point in points]),
        law.price_floor_micro_per_mwh,
        law.price_cap_micro_per_mwh,
    )


def _local_starts(rules: RuleSet, day: dt.date) -> list[dt.datetime]:
    law = rules.market_rules
    zone = ZoneInfo(law.time_zone)
    starts = interval_starts(day, law.time_zone, law.interval_minutes)
    return [start.astimezone(zone) for start in starts]


def _products(question: SweepQuestion, rules: RuleSet) -> Iterator[Finding]:
    timing = {product.product: product.timing for product in rules.market_rules.products}
    flexible = sorted(name for name, when in timing.items() if when == "flexible")
    for name in question.products:
        if timing.get(name) != "flexible":
            yield Finding(
                "no-flexible-product",
                "--product",
                shown(name),
                f"a flexible product of {rules.market}: {', '.join(flexible) or 'it has none'}",
                "name one whose demand may wait",
            )


def _times(question: SweepQuestion, starts: Sequence[dt.datetime]) -> Iterator[Finding]:
    if question.time not in {f"{start:%H:%M}" for start in starts}:
        yield Finding(
            "no-such-interval",
            "--time",
            shown(question.time),
            f"a time at which an interval of {question.day} starts, HH:MM by the market's clock",
            f"such as {starts[0]:%H:%M} or {starts[-1]:%H:%M}",
        )


def _cells(question: SweepQuestion) -> Iterator[Finding]:
    count = len(question.responses_ppm_per_unit) * len(question.slopes_ppm)
    if count > MOST_CELLS:
        yield Finding(
            "too-many-cells",
            "--steps",
            f"{count:,} cells",
            f"a sweep has at most {MOST_CELLS:,} cells",
            "take fewer steps",
        )
