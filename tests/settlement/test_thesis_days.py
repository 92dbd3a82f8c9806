"""Fuel and nodal payments of days: the script's by an oracle, and all between it and the product.

The days are chosen by a rule: the nine that were tried first, and the 20th of every month.
"""

import dataclasses
import itertools
import re

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.oracles.real_markets import Intervals
from tests.settlement.thesis_days import (
    INTERVALS,
    ScriptDay,
    paid,
    paid_by_product,
    script_days,
    units,
    utc_day,
)
from tests.settlement.thesis_dispatch import Operation, Terms, ThesisDay

pytestmark = pytest.mark.real_data

WITHIN = 0.002
POUND = 1
FUEL, NODAL = 0, 1
OF_PRODUCT = {
    "lost load": {"lost_load": None},
    "reserve": {"reserve_part": 0, "reserve_price": 0},
    "wear": {"wear": 0},
    "efficiency": {"efficiency": None},
    "export": {"export_price": 0},
}
"""Terms of the script that the product's replace, one after the other."""
MOVES = (
    ("gas off", "nuclear off", "efficiency", "ramp", "minimum"),
    ("gas off", "nuclear off", *OF_PRODUCT, "ramp", "minimum"),
)
"""What moves fuel, and what moves nodal payments."""
PAGE = ROOT / "docs" / "thesis-script.md"
DAYS = {str(day.date): day for day in script_days()}


def operated(day: Intervals, terms: Terms, is_on: np.ndarray) -> Operation:
    may_hold = np.array([unit.can_reserve for unit in units()])
    return ThesisDay(day.model, day.available_w, day.demand_wh, terms, may_hold, is_on).operation()


def by_oracle(day: Intervals, terms: Terms, is_on: np.ndarray) -> np.ndarray:
    found = operated(day, terms, is_on)
    return paid(day, found.gives, found.takes, found.price)


def with_model(day: Intervals, **changes) -> Intervals:
    return dataclasses.replace(day, model=dataclasses.replace(day.model, **changes))


def steps(script: ScriptDay) -> dict[str, np.ndarray]:
    """What is paid from the script's terms to the product, each a step further."""
    day, terms = utc_day(script.date), Terms()
    on = np.array(
        [[(unit.unit, each) not in script.off for each in range(INTERVALS)] for unit in units()]
    )
    nuclear = np.array([[unit.technology == "nuclear"] for unit in units()])
    found = {
        "script": by_oracle(day, terms, on),
        "gas off": by_oracle(day, terms, on | ~nuclear),
    }
    on[:] = True
    found["nuclear off"] = by_oracle(day, terms, on)
    for term, change in OF_PRODUCT.items():
        terms = dataclasses.replace(terms, **change)
        found[term] = by_oracle(day, terms, on)
    none = np.zeros_like(day.model.minimum_w)
    found["product, free"] = paid_by_product(
        with_model(day, minimum_w=none, ramp_w_per_h=none + 10**15)
    )
    found["ramp"] = paid_by_product(with_model(day, minimum_w=none))
    found["minimum"] = paid_by_product(day)
    return found


def apart(found: dict[str, np.ndarray]) -> np.ndarray:
    """How far the product is from the script, as a part of the script's payment."""
    return found["minimum"] / found["script"] - 1


def row(script: ScriptDay, found: dict[str, np.ndarray], which: int) -> str:
    """The day's line of a table in docs/thesis-script.md; what each step moves, in thousands."""
    day = f"{script.date.day} {script.date:%B}"
    part = apart(found)[which]
    percent = f"{100 * part:+.2f} %"
    if abs(part) > WITHIN:
        percent = f"**{percent}**"
    steps_in_order = [each for each in found if each != "product, free"]
    moved = {
        step: (found[step] - found[before])[which] / 1000
        for before, step in itertools.pairwise(steps_in_order)
    }
    assert sum(moved[step] for step in MOVES[which]) == pytest.approx(
        (found["minimum"] - found["script"])[which] / 1000, abs=POUND / 1000
    ), "another step moves it too"
    cells = [
        day,
        f"{(script.fuel, script.nodal)[which]:,}",
        f"{found['minimum'][which]:,.0f}",
        percent,
        *(f"{moved[step]:+,.1f}" for step in MOVES[which]),
    ]
    line = f"| {' | '.join(cells)} |".replace("-", "−")
    return re.sub(r"(?<= )[+−](0\.00 %|0)(\.0)?(?= )", r"\1", line)


def test_days_are_those_tried_first_and_the_20th_of_every_month():
    months = [day.date.month for day in DAYS.values() if day.date.day == 20]
    assert months == list(range(1, 13))
    assert len(DAYS) == 9 + 12
    bold = {line.split("|")[1].strip() for line in PAGE.read_text().splitlines() if "| **" in line}
    assert bold == {"3 January", "20 January", "5 March", "20 March", "20 August", "20 November"}


@pytest.mark.parametrize("date", DAYS)
def test_all_between_script_and_product_is_found_on_every_day(date):
    """The oracle gives the script's payments to the pound; each step is in the table."""
    script = DAYS[date]
    found = steps(script)
    assert found["script"] == pytest.approx((script.fuel, script.nodal, script.uncapped), abs=POUND)
    assert found["export"] == pytest.approx(found["product, free"], abs=POUND)
    text = PAGE.read_text()
    for which in (FUEL, NODAL):
        line = row(script, found, which)
        print(line)
        assert line in text


def test_with_a_gap_a_hundredth_as_wide_3_january_is_that_of_the_script():
    """Who is on is chosen within half a per cent of what energy costs: there that is all of it."""
    script = DAYS["2024-01-03"]
    day = utc_day(script.date)
    none = np.zeros_like(day.model.minimum_w)
    near = paid_by_product(with_model(day, gap_ppm=day.model.gap_ppm // 100))
    assert near == pytest.approx(paid_by_product(with_model(day, minimum_w=none)), abs=POUND)
    assert near[FUEL] == pytest.approx(script.fuel, abs=POUND)
    assert near[NODAL] == pytest.approx(script.nodal, rel=WITHIN)


def test_storage_of_5_march_is_filled_at_a_price_above_the_cap_or_below_it():
    """Where demand is lost, and storage fills that is to end half full: at lost load less loss."""
    day = utc_day(DAYS["2024-03-05"].date)
    on = np.ones_like(day.available_w, dtype=bool)
    node = day.model.unit_node[[unit.unit for unit in units()].index("G17")]
    prices = [
        operated(day, terms, on).price[node, -1] for terms in (Terms(), Terms(lost_load=None))
    ]
    assert np.rint(prices).tolist() == [8_950, 5_341]
