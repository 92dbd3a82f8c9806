"""What counting every line twice changes in money: a year of the published twelve-node case.

    python -m benchmarks.thesis_lines FOLDER

FOLDER holds the recorded demand and availability. The location game is played with the ratings as
published and with twice them, as the published cluster script does in effect; the same pot is then
shared over the year by each. Nothing else of a settlement depends on the location game here.
"""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from rulebook.documents import Document
from rulebook.folders import read_files
from settlement.core.engine import DayReadings, MarketModel, settle_day
from settlement.datasets.market import market_shape
from settlement.datasets.recorded import recorded_profile
from settlement.rules.compile import compile_market

SCENARIO = Path(__file__).resolve().parent.parent / "scenarios" / "gb12-published"
MICRO_PER_MILLION = 10**12


def main() -> None:
    documents = [document for _, document in read_files([SCENARIO])[0]]
    rules = _rules(documents)
    once = compile_market(
        rules.market_rules, rules.grid_model, rules.allocation_policy, rules.registrations
    )
    twice = replace(
        once,
        grid=replace(
            once.grid,
            rating_w=2 * once.grid.rating_w,
            reverse_rating_w=2 * once.grid.reverse_rating_w,
        ),
    )
    profile = recorded_profile(market_shape(rules), Path(sys.argv[1]))
    days = [
        DayReadings(day.day, np.zeros_like(day.available_w), day.available_w, day.demand_wh)
        for day in profile
    ]
    paid = [_location_year(model, days) for model in (once, twice)]
    print(f"{len(days)} days; location pot, millions of pounds a year")
    print(f"{'unit':<6}{'node':<6}{'as published':>14}{'twice':>14}{'change':>14}")
    for number, unit in enumerate(once.units):
        if paid[0][0][number] or paid[1][0][number]:
            published, doubled = (int(values[number]) / MICRO_PER_MILLION for values, _ in paid)
            node = once.grid.nodes[int(once.unit_node[number])]
            print(
                f"{unit:<6}{node:<6}{published:>14.2f}{doubled:>14.2f}{doubled - published:>14.2f}"
            )
    moved = sum(abs(int(b) - int(a)) for a, b in zip(paid[0][0], paid[1][0], strict=True)) // 2
    print(
        f"in all {sum(map(int, paid[0][0])) / MICRO_PER_MILLION:.2f}; "
        f"moved between units {moved / MICRO_PER_MILLION:.2f}"
    )
    for label, (_, served) in zip(("as published", "twice"), paid, strict=True):
        print(f"{label}: demand that could be served {served:.4%}")


def _rules(documents: list[Document]) -> Any:
    by_kind = {document.kind: document for document in documents}
    return SimpleNamespace(
        market="gb12-published",
        market_rules=by_kind["market-rules"],
        grid_model=by_kind["grid-model"],
        allocation_policy=by_kind["allocation-policy"],
        registrations=tuple(document for document in documents if document.kind == "registration"),
    )


def _location_year(model: MarketModel, days: list[DayReadings]) -> tuple[np.ndarray, float]:
    """Return each unit's location payments of the days, and the share of demand served."""
    paid = np.zeros(len(model.units), dtype=np.int64)
    served = demanded = 0
    for readings in days:
        result = settle_day(model, readings)
        paid += result.values("payment.location_micro").sum(axis=1)
        served += int(result.values("value_location_kw").sum())
        demanded += int(result.values("demand_kw").sum())
    return paid, served / demanded


if __name__ == "__main__":
    main()
