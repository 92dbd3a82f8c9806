"""Who is served under other designs, read again from the vectors that a study stored. Pure."""

from collections.abc import Callable, Sequence

from settlement.baselines.serving import DesignsDay, Served
from settlement.baselines.tariffs import SolvedDay
from settlement.core.arrays import Integers
from settlement.studies.measures import (
    DESIGNS,
    DESIRED,
    MARKET,
    NODAL_PRICE,
    UNIFORM_PRICE,
    UNIFORM_SCHEDULED,
)

Rows = Callable[[str, Sequence[str]], Integers]
"""Returns one measure of some entities, int64[E, T]; how it tells that one is lost is its own."""


def stored_designs(rows: Rows, units: Sequence[str], points: Sequence[str]) -> DesignsDay:
    """Return what each design delivers, and generates for it."""
    served = {
        design: Served(rows(delivered, points), rows(generation, units))
        for design, (delivered, generation) in DESIGNS.items()
    }
    return DesignsDay(scheduled_wh=rows(UNIFORM_SCHEDULED, units), **served)


def stored_solution(
    rows: Rows, units: Sequence[str], points: Sequence[str], nodes: Sequence[str]
) -> SolvedDay:
    """Return all that solvers left of a day for other designs."""
    return SolvedDay(
        rows(DESIRED, points),
        stored_designs(rows, units, points),
        rows(NODAL_PRICE, nodes),
        rows(UNIFORM_PRICE, MARKET),
    )
