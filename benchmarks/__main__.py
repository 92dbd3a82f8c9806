"""`make bench`: every speed figure, as a ratio against a yardstick taken in the same run.

Figures that have a target are also written to ``benchmarks/results.json``, a list of objects with
name, value, target and met. What could not be measured has no value, and says why.
"""

import json
from collections.abc import Callable
from pathlib import Path

from benchmarks import copying, games, shapley
from benchmarks.figures import Figure, Result

SUITES: dict[str, Callable[[], list[Figure]]] = {
    "engine": shapley.figures,
    "Shapley methods": games.figures,
    "day vectors in and out of PostgreSQL": copying.figures,
}
TARGETS: dict[str, Callable[[], list[Result]]] = {
    "Shapley methods, against their targets": games.results,
}
RESULTS_FILE = Path(__file__).with_name("results.json")


def main() -> None:
    for title, figures in SUITES.items():
        print(title)
        for figure in figures():
            print(f"  {figure}", flush=True)
    found: list[Result] = []
    for title, results in TARGETS.items():
        print(title)
        for result in results():
            print(f"  {result}", flush=True)
            found.append(result)
    RESULTS_FILE.write_text(json.dumps([one.as_dict() for one in found], indent=2) + "\n")


if __name__ == "__main__":
    main()
