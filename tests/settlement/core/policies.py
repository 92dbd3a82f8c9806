"""The example markets under every policy that the engine knows."""

from dataclasses import replace
from itertools import product

from settlement.core.charges import BASES, RETURNED_TO, Charging
from settlement.core.engine import DayReadings, MarketModel
from settlement.core.fair_play_rules import PAID_BY
from settlement.core.pots import COST_RECOVERY, GAMES, RULES, Flexibility, Pot, Target
from settlement.core.rounding import apportion
from settlement.core.shapley_rule import METHODS, ShapleyRule
from settlement.core.tightness import PPM
from tests.settlement.core import examples
from tests.settlement.core.draws import Words, any_of, examples_of
from tests.settlement.core.reference import as_numbers

RAMPS_W_PER_H = any_of(range(40_001))
BENCHMARKS_MICRO = any_of(range(10**13 + 1))
PRICES_MICRO_PER_MW_H = any_of(range(50_000_001))
RESERVE_W = any_of(range(901))
DESIRED_WH = any_of(range(9_001))


def read_policy(words: Words, methods=METHODS) -> tuple[MarketModel, DayReadings]:
    model, readings = examples.read_market(words)
    weights = words.below(6, 4).tolist()
    rule = words.one_of(RULES)
    return (
        replace(
            model,
            pots=tuple(
                Pot(game, weight_ppm, words.one_of(examples.TIMINGS))
                for game, weight_ppm in zip(
                    GAMES, apportion(PPM, weights if any(weights) else [1, 0, 0, 0]), strict=True
                )
            ),
            target=Target(rule, words.number(BENCHMARKS_MICRO) if rule == "equalisation" else 0),
            availability_price_micro_per_mw_h=words.number(PRICES_MICRO_PER_MW_H),
            flexibility=Flexibility(
                words.of(RAMPS_W_PER_H, len(model.units)),
                words.count(1, 90),
                words.number(examples.SHARES_PPM),
            ),
            shapley=ShapleyRule(
                words.one_of(methods),
                trunk_nodes=(0,),
                hop_limit=words.count(0, 2),
                rating_multiplier=words.count(1, 2),
                seed=words.count(0, 99),
                most_orders=8,
            ),
        ),
        replace(readings, reserve_w=words.of(RESERVE_W, *readings.available_w.shape)),
    )


def any_policies(methods=METHODS):
    """A small market and a day: any pots, target, mode and method, reserve held and its price."""
    return examples_of(read_policy, methods, words=250)


def read_fair_policy(words: Words) -> tuple[MarketModel, DayReadings]:
    model, readings = read_policy(words)
    rules = examples.fair_play(
        model, paid_by=words.one_of(PAID_BY), moves_money=words.one_of((False, True))
    )
    model = replace(model, fair_play=rules)
    requests = examples.requests(
        model,
        readings.demand_wh.shape[1],
        day=readings.day,
        desired_wh=words.of(DESIRED_WH, *readings.demand_wh.shape),
        is_known=words.flags(len(model.supply_points)),
    )
    return model, replace(readings, requests=requests)


def fair_policies():
    """Any policy with Fair Play, some requests known beside the meter."""
    return examples_of(read_fair_policy, words=280)


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
