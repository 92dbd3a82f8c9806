"""`make bench`: every speed figure, as a ratio against a yardstick taken in the same run."""

from collections.abc import Callable

from benchmarks import copying, shapley
from benchmarks.shapley import Figure

SUITES: dict[str, Callable[[], list[Figure]]] = {
    "engine": shapley.figures,
    "day vectors in and out of PostgreSQL": copying.figures,
}


def main() -> None:
    for title, figures in SUITES.items():
        print(title)
        for figure in figures():
            print(f"  {figure}")


if __name__ == "__main__":
    main()
