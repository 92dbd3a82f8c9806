"""The energy of areas as runs stored it: summed, and by interval."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from settlement.core.arrays import Integers
from settlement.core.energy_accounts import MEASURES
from settlement.runs.results import ResultVector, VectorKey
from settlement.runs.store import series

SUMS = """
SELECT entity, measure, sum((SELECT sum(value) FROM unnest(values) AS value))::int8
  FROM settlement.result
 WHERE run_id = :run_id AND measure = ANY(:measures)
 GROUP BY entity, measure
"""


TAKEN = "taken_wh"


@dataclass(frozen=True)
class AreaEnergy:
    """Energy of an area in Wh; generation = demand + losses + imbalance."""

    area: str
    generation_wh: int
    demand_wh: int
    losses_wh: int
    imbalance_wh: int


def energy_by_area(session: Session, run_id: uuid.UUID) -> list[AreaEnergy]:
    """Return the energy of each area over a run, by name; empty where no rule asked for it."""
    sums: defaultdict[str, dict[str, int]] = defaultdict(dict)
    parameters = {"run_id": run_id, "measures": list(MEASURES)}
    for area, measure, total in session.execute(text(SUMS), parameters):
        sums[area][measure] = total
    return [
        AreaEnergy(area, *(of_area.get(measure, 0) for measure in MEASURES))
        for area, of_area in sorted(sums.items())
    ]


def energy_by_interval(
    session: Session, run_id: uuid.UUID
) -> Iterator[tuple[dt.date, int, AreaEnergy]]:
    """Yield day, interval (from 1) and energy of each area of a run, in that order."""
    for day, areas in sorted(vectors_by_day(session, run_id).items()):
        vectors = {
            area: [of_area[measure].values.tolist() for measure in MEASURES]
            for area, of_area in sorted(areas.items())
        }
        for interval in range(max(len(rows[0]) for rows in vectors.values())):
            for area, rows in vectors.items():
                yield day, interval + 1, AreaEnergy(area, *(row[interval] for row in rows))


def vectors_by_day(
    session: Session, run_id: uuid.UUID
) -> dict[dt.date, dict[str, dict[str, ResultVector]]]:
    """Return the energy vectors of a run by day, area and measure."""
    days: dict[dt.date, dict[str, dict[str, ResultVector]]] = {}
    for vector in series(session, run_id, MEASURES):
        days.setdefault(vector.day, {}).setdefault(vector.entity, {})[vector.measure] = vector
    return days


def taken_wh(
    values: Mapping[VectorKey, Integers], points: Sequence[str], metered_wh: Integers
) -> Integers:
    """Return shape (G, T), what supply points take as it settles; negative is net export.

    Args:
        values: the results of a day, by measure and entity.
        points: the G supply points.
        metered_wh: shape (G, T); without Fair Play it is what settles.
    """
    if not any(measure == TAKEN for measure, _ in values):
        return metered_wh
    return np.array([values[TAKEN, point] for point in points], dtype=np.int64)
