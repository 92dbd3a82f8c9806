"""The example markets under every policy that the engine knows."""

from dataclasses import replace
from itertools import product

import numpy as np
from hypothesis import strategies as st

from settlement.core.charges import BASES, RETURNED_TO, Charging
from settlement.core.engine import DayReadings, MarketModel
from settlement.core.fair_play_rules import PAID_BY, metered_requests
from settlement.core.pots import COST_RECOVERY, GAMES, RULES, Flexibility, Pot, Target
from settlement.core.rounding import apportion
from settlement.core.shapley_rule import METHODS, ShapleyRule
from settlement.core.tightness import PPM
from tests.settlement.core import examples
from tests.settlement.core.reference import as_numbers


@st.composite
def any_policies(draw, methods=METHODS) -> tuple[MarketModel, DayReadings]:
    """A small market and a day: any pots, target, mode and method, reserve held and its price."""
    model, readings = draw(examples.markets())
    weights = draw(st.lists(st.integers(0, 5), min_size=4, max_size=4).filter(any))
    timing = st.sampled_from(["flat", "tightness", "served"])
    units = len(model.units)
    ramp_w_per_h = draw(st.lists(st.integers(0, 40_000), min_size=units, max_size=units))
    rule = draw(st.sampled_from(RULES))
    benchmark_micro = draw(st.integers(0, 10**13)) if rule == "equalisation" else 0
    return (
        replace(
            model,
            pots=tuple(
                Pot(game, weight_ppm, draw(timing))
                for game, weight_ppm in zip(GAMES, apportion(PPM, weights), strict=True)
            ),
            target=Target(rule, benchmark_micro),
            availability_price_micro_per_mw_h=draw(st.integers(0, 50_000_000)),
            flexibility=Flexibility(
                as_numbers(ramp_w_per_h), draw(st.integers(1, 90)), draw(st.integers(0, PPM))
            ),
            shapley=ShapleyRule(
                draw(st.sampled_from(methods)),
                trunk_nodes=(0,),
                hop_limit=draw(st.integers(0, 2)),
                rating_multiplier=draw(st.integers(1, 2)),
                seed=draw(st.integers(0, 99)),
                most_orders=8,
            ),
        ),
        replace(
            readings,
            reserve_w=draw(examples.matrix(*readings.available_w.shape, st.integers(0, 900))),
        ),
    )


@st.composite
def fair_policies(draw) -> tuple[MarketModel, DayReadings]:
    """Any policy with Fair Play, some requests known beside the meter."""
    model, readings = draw(any_policies())
    points, intervals = readings.demand_wh.shape
    rules = examples.fair_play(
        model, paid_by=draw(st.sampled_from(PAID_BY)), moves_money=draw(st.booleans())
    )
    requests = replace(
        metered_requests(readings.demand_wh),
        desired_wh=draw(examples.matrix(points, intervals, st.integers(0, 9_000))),
        is_known=np.array(draw(st.lists(st.booleans(), min_size=points, max_size=points))),
    )
    return replace(model, fair_play=rules), replace(readings, requests=requests)


def policies() -> list[MarketModel]:
    """The tiny market under policies that take every turn of the engine at least once."""
    market = examples.tiny_market()
    measured = Flexibility(as_numbers([4_000, 2_000, 9_000]), 30, 400_000)
    made = []
    for number, (returned_to, basis, timing, target) in enumerate(
        product(
            RETURNED_TO,
            BASES,
            ("flat", "tightness", "served"),
            (COST_RECOVERY, Target("equalisation", 900_000_000_000)),
        )
    ):
        part = (0, 250_000, 900_000)[number % 3]
        made.append(
            replace(
                market,
                charging=Charging(
                    as_numbers([0, 1_000_000, part]),
                    as_numbers([1_000_000, 1_000_000, 3_000_000]),
                    basis,
                    returned_to,
                ),
                pots=tuple(Pot(game, 250_000, timing) for game in GAMES),
                target=target,
                availability_price_micro_per_mw_h=7_000_000 * (number % 2),
                flexibility=measured,
                shapley=ShapleyRule(
                    METHODS[number % len(METHODS)], trunk_nodes=(1,), hop_limit=1, most_orders=16
                ),
            )
        )
    return made


def day_with_reserve(intervals: int = 12) -> DayReadings:
    """A tiny day on which every unit holds some reserve, and plant exports in every fifth."""
    day = examples.tiny_day(intervals)
    demand_wh = day.demand_wh.copy()
    demand_wh[1, ::5] *= -1
    return replace(day, demand_wh=demand_wh, reserve_w=day.generation_wh // 3)
