"""Where each reading of a file belongs: its day, interval, limits and day vector."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from settlement.meters.cells import ReadingTable
from settlement.meters.register import MEASURES, Calendar, MeterRegister, calendar_of
from settlement.meters.resolution import is_energy

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
NOWHERE = -1
INTERVAL = 0
"""In the place of minutes: the interval of the market, which may be another on each day."""


@dataclass(frozen=True, eq=False)
class Placed:
    """The R readings of a file, placed among D days, E entity names and their measures.

    Attributes:
        day: int64[R], index of the settlement day, or -1 where no rules are in force.
        resolution: int64[R], minutes that a reading of energy of the entity covers; `INTERVAL`
            where they are the interval of the market, and for power.
        interval: int64[R], number of the interval, or of what readings of its resolution cover; -1
            where none begins.
        measure: int64[R], index into `MEASURES`, or -1 if unknown.
        known: bool[R], whether the entity is registered on the day.
        reportable: bool[R], whether it may report the measure.
        accepted: bool[R], whether the quality is one that a file may hold.
        least, most: int64[R], limits of the value, where reportable.
        believed: bool[R], whether the value is plausible.
        grids: by resolution, what readings of it cover on each day.
    """

    day: Integers
    resolution: Integers
    interval: Integers
    measure: Integers
    known: Flags
    reportable: Flags
    accepted: Flags
    least: Integers
    most: Integers
    believed: Flags
    grids: Mapping[int, Calendar]


def place_readings(table: ReadingTable, register: MeterRegister, calendar: Calendar) -> Placed:
    """Return where each reading belongs under the register's terms."""
    day, interval = _moments(table.start_us, calendar)
    measures = np.array(
        [MEASURES.index(name) if name in MEASURES else NOWHERE for name in table.measure.names],
        dtype=np.int64,
    )
    measure = measures[table.measure.codes]
    known, reportable, least, most, low, high = _entity_tables(table, register)
    accepted = np.array(
        [
            [name in terms.accepted_words for name in table.quality.names]
            for terms in register.terms
        ],
        dtype=bool,
    ).reshape(len(register.terms), len(table.quality.names))
    ruled = np.flatnonzero(day != NOWHERE)
    terms = calendar.terms[day[ruled]]
    entity = table.entity.codes[ruled]
    counts_energy = np.array([is_energy(name) for name in table.measure.names], dtype=bool)
    resolution = _spread(_resolutions(table, register)[terms, entity], ruled, len(day))
    resolution = np.where(counts_energy[table.measure.codes], resolution, INTERVAL)
    grids = {INTERVAL: calendar}
    for minutes in np.unique(resolution).tolist():
        if minutes != INTERVAL:
            grids[minutes] = calendar_of(register, minutes)
            own = resolution == minutes
            interval[own] = _moments(table.start_us[own], grids[minutes])[1]
    # An unknown measure takes the limits of the last; `reportable` is cleared for it below.
    cell = (terms, entity, measure[ruled])
    value = table.value[ruled]
    return Placed(
        day=day,
        resolution=resolution,
        interval=interval,
        measure=measure,
        known=_spread(known[terms, entity], ruled, len(day)),
        reportable=_spread(reportable[cell] & (measure[ruled] != NOWHERE), ruled, len(day)),
        accepted=_spread(accepted[terms, table.quality.codes[ruled]], ruled, len(day)),
        least=_spread(least[cell], ruled, len(day)),
        most=_spread(most[cell], ruled, len(day)),
        believed=_spread((low[cell] <= value) & (value <= high[cell]), ruled, len(day)),
        grids=grids,
    )


def _moments(start_us: Integers, calendar: Calendar) -> tuple[Integers, Integers]:
    """Return the day and the interval of each instant."""
    nowhere = np.full(len(start_us), NOWHERE, dtype=np.int64)
    if not len(calendar.start_us):
        return nowhere, nowhere
    at = np.searchsorted(calendar.start_us, start_us, side="right") - 1
    day = calendar.day[np.maximum(at, 0)]
    within = (at >= 0) & (start_us < calendar.end_us[day])
    exact = within & (calendar.start_us[np.maximum(at, 0)] == start_us)
    return np.where(within, day, nowhere), np.where(exact, calendar.number[at], nowhere)


def _entity_tables(
    table: ReadingTable, register: MeterRegister
) -> tuple[Flags, Flags, Integers, Integers, Integers, Integers]:
    """Return known[P, E] and, each [P, E, measure], what is reportable and the limits of a value.

    Over P pieces of terms. The limits: least and most that are accepted, then least and most that
    are plausible; the same where the rules refuse what is not plausible.
    """
    shape = (len(register.terms), len(table.entity.names), len(MEASURES))
    known = np.zeros(shape[:2], dtype=bool)
    reportable = np.zeros(shape, dtype=bool)
    least = np.zeros(shape, dtype=np.int64)
    most = np.zeros(shape, dtype=np.int64)
    low, high = least.copy(), most.copy()
    for piece, terms in enumerate(register.terms):
        for number, name in enumerate(table.entity.names):
            entity = terms.entities.get(name)
            if entity is None:
                continue
            known[piece, number] = True
            entity = entity.as_read or entity
            for measure, limits in entity.limits.items():
                cell = piece, number, MEASURES.index(measure)
                believed = entity.believed(measure)
                reportable[cell] = True
                least[cell], most[cell] = believed if terms.refuses_implausible else limits
                low[cell], high[cell] = believed
    return known, reportable, least, most, low, high


def _resolutions(table: ReadingTable, register: MeterRegister) -> Integers:
    """Return int64[P, E], the resolution of each entity under each of P pieces of terms."""
    return np.array(
        [
            [
                (terms.entities[name].resolution_minutes or INTERVAL)
                if name in terms.entities
                else INTERVAL
                for name in table.entity.names
            ]
            for terms in register.terms
        ],
        dtype=np.int64,
    ).reshape(len(register.terms), len(table.entity.names))


def _spread(values: NDArray[Any], places: Integers, size: int) -> NDArray[Any]:
    whole = np.zeros(size, dtype=values.dtype)
    whole[places] = values
    return whole
