"""What a benchmark answers: figures as ratios, and results held against their targets."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter_ns
from typing import Any, NamedTuple


class Figure(NamedTuple):
    """One measured figure: nanoseconds of one piece of work, and of the yardstick."""

    name: str
    work_ns: int
    yardstick_ns: int

    def __str__(self) -> str:
        ratio = self.work_ns / self.yardstick_ns
        return f"{self.name:<45} {self.work_ns / 1e6:9.2f} ms {ratio:9.2f} x yardstick"


@dataclass(frozen=True)
class Result:
    """A figure with a target; without a value where it could not be measured, and why."""

    name: str
    value: float | None
    target: float
    at_most: bool
    reason: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where nothing was measured."""
        if self.value is None:
            return None
        return self.value <= self.target if self.at_most else self.value >= self.target

    def __str__(self) -> str:
        limit = f"{'at most' if self.at_most else 'at least'} {self.target:,.6g}"
        if self.value is None:
            return f"{self.name:<72} not measured: {self.reason}"
        return (
            f"{self.name:<72} {self.value:>12,.6g}  {limit:<18} {'met' if self.met else 'MISSED'}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the result as it stands in `results.json`."""
        found = {"name": self.name, "value": self.value, "target": self.target, "met": self.met}
        return found | ({"reason": self.reason} if self.reason else {})


def median_ns(work: Callable[[], object], runs: int = 9) -> int:
    """Return the median time of several runs, after one to compile and warm up."""
    work()
    times = []
    for _ in range(runs):
        start = perf_counter_ns()
        work()
        times.append(perf_counter_ns() - start)
    return int(median(times))
