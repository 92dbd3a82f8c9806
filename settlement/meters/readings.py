"""Readings of a market as they were known at an instant: day vectors stacked by day and measure."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from settlement.meters.register import MISSING, QUALITY_LETTERS

VectorKey = tuple[dt.date, str, str]
"""Settlement day, measure, entity."""


@dataclass(frozen=True)
class ReadingSource:
    """Where a day vector of readings came from."""

    revision: int
    received_at: dt.datetime
    file: str


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

    @property
    def without_gaps(self) -> set[str]:
        """The entities that have a reading in every interval."""
        gap = QUALITY_LETTERS[MISSING]
        pairs = zip(self.entities, self.quality, strict=True)
        return {entity for entity, letters in pairs if gap not in letters}

    def values_of(self, entities: Sequence[str]) -> NDArray[np.int64]:
        """Return int64[len(entities), T] in the order asked for.

        Raises:
            KeyError: an entity has no reading.
        """
        return rows_of(self.entities, self.values, entities)


def rows_of(
    entities: Sequence[str], values: NDArray[np.int64], wanted: Sequence[str]
) -> NDArray[np.int64]:
    """Return the rows of values, shape (E, T), that belong to the wanted of E entities.

    Raises:
        KeyError: an entity has no row.
    """
    place = {entity: number for number, entity in enumerate(entities)}
    return values[[place[entity] for entity in wanted]]


def rows_or_zero(
    entities: Sequence[str], values: NDArray[np.int64], wanted: Sequence[str]
) -> NDArray[np.int64]:
    """Return the rows of values, shape (E, T), of the wanted; 0 for one that is not there."""
    rows = np.zeros((len(wanted), values.shape[1]), dtype=np.int64)
    place = {entity: number for number, entity in enumerate(entities)}
    there = [number for number, entity in enumerate(wanted) if entity in place]
    rows[there] = values[[place[wanted[number]] for number in there]]
    return rows


@dataclass(frozen=True, eq=False)
class Readings:
    """Every day vector of a market that was known at an instant, in its latest revision then.

    `days[day][measure]` holds what there is; a day or measure without any reading is absent.
    """

    market: str
    known: dt.datetime
    days: Mapping[dt.date, Mapping[str, MeasuredDay]]
