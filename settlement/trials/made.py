"""What was made of the days of a trial: vectors of float solvers, kept so that it can be replayed.

Of a trial whose days are made again, least-cost dispatch says what units generate and what is left
unserved. Solvers compute in floats, so another machine may find another optimum of the same cost: a
replay reads what was found, and computes all else from it exactly. Pure.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from settlement.meters.register import DEMAND, GENERATION
from settlement.runs.computing import ComputedDay
from settlement.runs.day_totals import DayTotal
from settlement.runs.results import ResultVector, VectorKey, day_digest, run_result_digest
from settlement.studies import measures

Made = Mapping[dt.date, Mapping[VectorKey, ResultVector]]
"""What was made of each day of a side, by measure and entity."""


class MadeVector(NamedTuple):
    """A vector that was made of a day of a side."""

    side: str
    vector: ResultVector


METERED = {measures.DELIVERED: DEMAND, measures.GENERATION: GENERATION}
"""What is taken for metered energy, by the measure that was made."""


def made_vectors(computed: ComputedDay) -> list[ResultVector]:
    """Return what was made of a settled day, in order of measure and entity."""
    return [vector for vector in computed.vectors if vector.measure in measures.MADE]


def made_totals(computed: ComputedDay) -> list[DayTotal]:
    """Return the energy of a made day, as if it had been metered."""
    return [
        DayTotal(computed.day, METERED[vector.measure], vector.entity, sum(vector.values.tolist()))
        for vector in computed.vectors
        if vector.measure in METERED
    ]


def made_digest(vectors: Iterable[ResultVector]) -> bytes:
    """Return the digest over all that was made of a side's days, in order of day, as results."""
    by_day: dict[dt.date, list[ResultVector]] = {}
    for vector in vectors:
        by_day.setdefault(vector.day, []).append(vector)
    return run_result_digest(
        [day_digest(vector.digest for vector in _in_order(by_day[day])) for day in sorted(by_day)]
    )


def _in_order(vectors: Sequence[ResultVector]) -> list[ResultVector]:
    return sorted(vectors, key=lambda vector: (vector.measure, vector.entity))


def made_by_side(
    made: Iterable[MadeVector], sides: Iterable[str], days: Sequence[dt.date]
) -> Mapping[str, Made]:
    """Return what was made, by side, day, measure and entity; of each of the sides and days."""
    found: dict[str, dict[dt.date, dict[tuple[str, str], ResultVector]]] = {
        side: {day: {} for day in days} for side in sides
    }
    for side, vector in made:
        of_day = found.setdefault(side, {}).setdefault(vector.day, {})
        of_day[vector.measure, vector.entity] = vector
    return found
