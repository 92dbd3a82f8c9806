"""`make bench`: every speed figure, as a ratio against a yardstick taken in the same run.

Figures that have a target are also written to ``benchmarks/results.json``, a list of objects with
name, value, target and met. What could not be measured has no value, and says why. The year of
settlement takes minutes; ``make bench ARGS=--quick`` leaves it out.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    bulk,
    documents,
    games,
    invoicing,
    law_of_day,
    ledger,
    log,
    online,
    settling,
    shapley,
)
from benchmarks.figures import Figure, Result

SUITES: dict[str, Callable[[], list[Figure]]] = {
    "engine": shapley.figures,
    "Shapley methods": games.figures,
    "day vectors in and out of PostgreSQL": bulk.figures,
    "proofs from the transparency log": log.figures,
}
TARGETS: dict[str, Callable[[], list[Result]]] = {
    "Shapley methods, against their targets": games.results,
    "the ledger, against its targets": ledger.results,
    "invoicing, against its target": invoicing.results,
    "the transparency log, against its targets": log.results,
    "a market online, against its targets": online.results,
    "the law of a day, against its target": law_of_day.results,
    "documents, against their targets": documents.results,
    "a month of settlement, against its target": settling.month_results,
    "a year of settlement, against its targets": settling.year_results,
}
RESULTS_FILE = Path(__file__).with_name("results.json")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure every speed figure.")
    parser.add_argument("--quick", action="store_true", help="leave out the year of settlement")
    is_quick = parser.parse_args().quick
    for title, figures in SUITES.items():
        print(title, flush=True)
        for figure in figures():
            print(f"  {figure}", flush=True)
    found: list[Result] = []
    for title, results in TARGETS.items():
        print(title, flush=True)
        measured = settling.year_left_out if is_quick and "year" in title else results
        for result in measured():
            print(f"  {result}", flush=True)
            found.append(result)
            # Written as they come, so that what was measured is there if a later one fails.
            RESULTS_FILE.write_text(
                json.dumps([result.as_dict() for result in found], indent=2) + "\n"
            )


if __name__ == "__main__":
    main()
