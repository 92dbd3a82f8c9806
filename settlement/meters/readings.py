"""Readings of a market as they were known at an instant: day vectors stacked by day and measure."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rulebook.findings import Finding
from settlement.meters.register import MeterRegister


@dataclass(frozen=True, eq=False)
class MeasuredDay:
    """One measure of one settlement day: E entities in the order of their names, T intervals.

    Attributes:
        entities: names, sorted.
        values: int64[E, T], in the unit that ends the measure's name.
        quality: per entity, one letter an interval.
        revisions: per entity, the number of the revision.
        digests: per entity, the digest of the stored reading.
    """

    entities: tuple[str, ...]
    values: NDArray[np.int64]
    quality: tuple[str, ...]
    revisions: tuple[int, ...]
    digests: tuple[bytes, ...]

    def values_of(self, entities: Sequence[str]) -> NDArray[np.int64]:
        """Return int64[len(entities), T] in the order asked for.

        Raises:
            KeyError: an entity has no reading.
        """
        place = {entity: number for number, entity in enumerate(self.entities)}
        return self.values[[place[entity] for entity in entities]]


@dataclass(frozen=True, eq=False)
class Readings:
    """Every day vector of a market that was known at an instant, in its latest revision then.

    `days[day][measure]` holds what there is; a day or measure without any reading is absent.
    """

    market: str
    known: dt.datetime
    days: Mapping[dt.date, Mapping[str, MeasuredDay]]


def missing_readings(readings: Readings, register: MeterRegister) -> Iterator[Finding]:
    """Yield a finding for each day vector that the register expects and that is not known."""
    for terms in register.terms:
        for offset in range((terms.last_day - terms.first_day).days + 1):
            day = terms.first_day + dt.timedelta(days=offset)
            measured = readings.days.get(day, {})
            known = {
                (entity, measure) for measure, one in measured.items() for entity in one.entities
            }
            for name, entity in sorted(terms.entities.items()):
                for measure in entity.limits.keys() - entity.optional:
                    if (name, measure) not in known:
                        yield Finding(
                            "no-reading",
                            f"{readings.market} {day}",
                            f"no {measure} of {name} known at {readings.known.isoformat()}",
                            "every registered unit and supply point has its readings",
                            "ingest the file that holds them",
                        )
