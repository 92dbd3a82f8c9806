"""What can be wrong with the shape of a file's days: stamps, resolution, and what is left out."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from common.refusals import Finding
from settlement.core.periods import MINUTES_PER_HOUR
from settlement.meters.cells import NO_INSTANT, tell_once
from settlement.meters.findings import RowFinding, written_instant
from settlement.meters.gathering import Gathered
from settlement.meters.placing import INTERVAL, NOWHERE
from settlement.meters.register import MEASURES, MeterRegister, MeterTerms
from settlement.meters.resolution import (
    distance_minutes,
    hours_of_one_reading,
    is_energy,
    on_a_coarser_grid,
    once_a_day,
)
from settlement.meters.unsettled import list_starts

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

MICROSECONDS_PER_MINUTE = 60_000_000
MINUTES_PER_DAY = 24 * MINUTES_PER_HOUR
LEAST_DAILY = 3
LEAST_BETWEEN = 2
"""One reading between two others is a stray; from two on a day is of a finer resolution."""


class Shapes:
    """What is wrong with the shape of the days of a file.

    A day of another resolution than is stated, or stamped at the ends, is told as that and not as
    the gaps and strays that follow from it. Of a day that may have its readings in rows that could
    not be read or placed, nothing is said that would follow from their absence.

    Attributes:
        misread: bool[R], the readings of days of another resolution: what they say of energy is of
            another time, so that no limit can be held to it.
    """

    def __init__(self, days: Gathered, register: MeterRegister) -> None:
        self._days, self._register = days, register
        spacing, is_doubtful = _spacing_minutes(days), _may_be_elsewhere(days)
        coarser = np.where(is_doubtful, 0, _coarser_minutes(days))
        self._seen_minutes = np.where(_finer(days, spacing), spacing, coarser)
        self._ends = {
            first: last
            for first, last in _stamped_at_ends(days).items()
            if not is_doubtful[[first, last]].any()
        }
        self._elsewhere = np.where(is_doubtful, _unplaced_rows(days), 0)
        self._told = self._seen_minutes != 0
        self.misread = np.zeros(len(days.table.row), dtype=np.bool_)
        self.misread[days.belongs[self._told[days.vector]]] = True
        self._told[[*self._ends, *self._ends.values()]] = True

    def findings(self) -> Iterator[RowFinding]:
        """Yield findings on stamps that begin no interval, on resolutions, repeats and gaps."""
        days, register = self._days, self._register
        terms = [register.terms[int(number)] for number in days.calendar.terms[days.day]]
        yield from _of_another_resolution(days, self._seen_minutes, terms)
        yield from _at_ends(days, self._ends)
        yield from _off_boundary(days, self._told, register)
        yield from _duplicates(days)
        yield from _incomplete(days, self._told, self._elsewhere, terms)


def _has_gaps(days: Gathered) -> Flags:
    inside = np.arange(days.seen.shape[1]) < days.count[:, np.newaxis]
    gaps: Flags = ((days.seen == 0) & inside).any(axis=1)
    return gaps


def _may_be_elsewhere(days: Gathered) -> Flags:
    """Return of which vectors readings may stand in rows that could not be read or placed.

    Those are rows of another number of cells, rows whose instant cannot be read, and rows of a name
    that nothing has; unless that is the name of a whole day, which then is something else's.
    """
    table, placed = days.table, days.placed
    if not table.is_whole:
        return np.ones(len(days.day), dtype=np.bool_)
    entity, measure = table.entity.codes, placed.measure
    unread = table.start_us == NO_INSTANT
    # By entity and name of measure, as of two names either may be the wrong one.
    series = placed.day * len(table.entity.names) + entity
    series = series * len(table.measure.names) + table.measure.codes
    rows = np.flatnonzero(_of_no_name(days))
    _, which, count = np.unique(series[rows], return_inverse=True, return_counts=True)
    rows = rows[count[which] < days.calendar.count[placed.day[rows]]]
    of_series = days.entity * len(MEASURES) + days.measure
    of_day = days.day * len(MEASURES) + days.measure
    of_entity = days.day * len(table.entity.names) + days.entity
    found: Flags = (
        np.isin(of_series, (entity * len(MEASURES) + measure)[unread & (measure != NOWHERE)])
        | np.isin(of_day, (placed.day * len(MEASURES) + measure)[rows[measure[rows] != NOWHERE]])
        | np.isin(of_entity, (placed.day * len(table.entity.names) + entity)[rows])
    )
    return found


def _of_no_name(days: Gathered) -> Flags:
    """Return bool[R], the rows of a day of the market whose entity or measure nothing has."""
    found: Flags = (days.placed.day != NOWHERE) & ~days.placed.reportable
    return found


def _unplaced_rows(days: Gathered) -> int:
    """Return how many rows at most hold readings of other vectors than they seem to."""
    if not days.table.is_whole:  # nobody counted what could not be read: as many as a day has
        return int(days.calendar.count.max(initial=0))
    return int(((days.table.start_us == NO_INSTANT) | _of_no_name(days)).sum())


def _coarser_minutes(days: Gathered) -> Integers:
    """Return int64[V], what the readings of each vector cover that are too far apart; else 0."""
    found = np.zeros(len(days.day), dtype=np.int64)
    stated = days.seen > 0
    gapped = _has_gaps(days)
    for minutes in np.unique(days.minutes[gapped]).tolist():
        of_it = np.flatnonzero(gapped & (days.minutes == minutes))
        found[of_it] = hours_of_one_reading(stated[of_it], minutes)
        for vector in of_it[on_a_coarser_grid(stated[of_it], minutes)].tolist():
            found[vector] = distance_minutes(stated[vector], minutes)
    # One reading a day, day after day: nothing in a day alone would tell it from a gap.
    place = np.where(gapped, once_a_day(stated, days.count), NOWHERE)
    series = days.entity * len(MEASURES) + days.measure
    _, which, count = np.unique(series, return_inverse=True, return_counts=True)
    of_series = np.zeros(len(count), dtype=np.int64)
    of_series[which] = place
    alike = np.bincount(which, weights=place == of_series[which]).astype(np.int64) == count
    # At the first interval two of them tell it; elsewhere they may be a correction of two days.
    enough = count >= np.where(of_series == 0, 2, LEAST_DAILY)
    found[(alike & (of_series != NOWHERE) & enough)[which]] = MINUTES_PER_DAY
    return found


def _off_number(days: Gathered) -> Integers:
    """Return which of the readings that belong to a vector have no number in it."""
    return np.flatnonzero(days.placed.interval[days.belongs] == NOWHERE)


def _spacing_minutes(days: Gathered) -> Integers:
    """Return int64[V], the least distance of two readings with some between numbers; else 0."""
    spacing = np.zeros(len(days.day), dtype=np.int64)
    astray = np.isin(days.vector, days.vector[_off_number(days)])
    rows, vector = days.belongs[astray], days.vector[astray]
    order = np.lexsort((days.table.start_us[rows], vector))
    start_us, vector = days.table.start_us[rows][order], vector[order]
    apart = np.diff(start_us)
    usable = (np.diff(vector) == 0) & (apart > 0)
    least = np.full(len(days.day), np.iinfo(np.int64).max)
    np.minimum.at(least, vector[1:][usable], apart[usable])
    whole = least % MICROSECONDS_PER_MINUTE == 0
    spacing[whole] = least[whole] // MICROSECONDS_PER_MINUTE
    return spacing


def _finer(days: Gathered, spacing_minutes: Integers) -> Flags:
    """Return which vectors have readings nearer to each other than their resolution."""
    between = np.bincount(days.vector[_off_number(days)], minlength=len(days.day))
    nearer = (spacing_minutes > 0) & (spacing_minutes < days.minutes)
    return nearer & (between >= LEAST_BETWEEN)


def _of_another_resolution(
    days: Gathered, seen_minutes: Integers, terms: list[MeterTerms]
) -> Iterator[RowFinding]:
    """Yield a finding for each entity with days of another resolution, at the first of them.

    One for its energy and one for its power: of power no registration states another.
    """
    of_entity: defaultdict[tuple[int, bool], list[int]] = defaultdict(list)
    for vector in np.flatnonzero(seen_minutes).tolist():
        energy = is_energy(MEASURES[days.measure[vector]])
        of_entity[int(days.entity[vector]), energy].append(vector)
    for (_, energy), vectors in of_entity.items():
        vector = min(vectors, key=lambda each: int(days.first_row[each]))
        seen, stated = int(seen_minutes[vector]), int(days.minutes[vector])
        others = len(vectors) - 1
        by_registration = days.resolution[vector] != INTERVAL
        fits = (
            energy
            and MINUTES_PER_HOUR % seen == 0
            and (
                max(seen, int(days.interval_minutes[vector]))
                % min(seen, int(days.interval_minutes[vector]))
                == 0
            )
        )
        remedy = f"send a reading every {stated} minutes"
        if fits:
            remedy += f", or have `resolution_minutes: {seen}` stated in its registration"
        if seen > stated and terms[vector].accepts_gaps:
            remedy += "; where a reading is missing, write its row with quality missing"
        row = int(days.first_row[vector])
        yield (
            row,
            Finding(
                "resolution",
                days.table.place(row),
                f"readings every {seen} minutes of {days.name(vector)}"
                + (f", the first of {others + 1:,} such days" if others else ""),
                f"a reading every {stated} minutes, "
                + ("as its registration states" if by_registration else "the market's interval"),
                remedy,
            ),
        )


def _stamped_at_ends(days: Gathered) -> dict[int, int]:
    """Return the first vector of each series that is stamped at the ends, and its last vector.

    Its first day lacks the first reading and nothing else, and it goes on to the midnight after its
    last day.
    """
    stated = days.seen > 0
    given = stated.sum(axis=1)
    starts_late = ~stated[:, :1].any(axis=1) & (given == days.count - 1)
    ends_early = stated[:, :1].any(axis=1) & (given == 1)
    series = days.entity * len(MEASURES) + days.measure
    order = np.lexsort((days.day, series))
    ordered = series[order]
    begins = np.flatnonzero(np.diff(ordered, prepend=-1))
    firsts, lasts = (
        order[begins],
        order[np.append(begins[1:], len(order)) - 1] if len(order) else order,
    )
    pairs = zip(firsts.tolist(), lasts.tolist(), strict=True)
    return {
        first: last
        for first, last in pairs
        if first != last and starts_late[first] and ends_early[last]
    }


def _at_ends(days: Gathered, ends: dict[int, int]) -> Iterator[RowFinding]:
    """Yield a finding for each entity whose readings are stamped at the ends."""
    told: set[int] = set()
    for first, last in ends.items():
        if int(days.entity[first]) in told:
            continue
        told.add(int(days.entity[first]))
        row = int(days.first_row[first])
        start = days.grid(first).day_starts(int(days.day[first]))[1]
        end = days.grid(last).day_starts(int(days.day[last]))[0]
        yield (
            row,
            Finding(
                "interval-end",
                days.table.place(row),
                f"{days.name(first).rpartition(' ')[0]} from {start:%Y-%m-%dT%H:%MZ} to "
                f"{end:%Y-%m-%dT%H:%MZ}, as if stamped at the ends",
                "the instant at which each interval begins",
                f"stamp each reading {int(days.minutes[first])} minutes earlier",
            ),
        )


def _off_boundary(days: Gathered, told: Flags, register: MeterRegister) -> Iterator[RowFinding]:
    """Yield a finding for each instant at which no interval of its day begins; of many, one."""
    placed, calendar = days.placed, days.calendar
    found: list[RowFinding] = []
    astray = (placed.day != NOWHERE) & (placed.interval == NOWHERE)
    astray[days.belongs[told[days.vector]]] = False
    for row in np.flatnonzero(astray).tolist():
        minutes = int(placed.resolution[row])
        what = "a reading of its resolution" if minutes else "an interval"
        if not minutes:
            minutes = register.terms[int(calendar.terms[placed.day[row]])].interval_minutes
        place, limit = days.table.place(row), f"{what} begins every {minutes} minutes"
        found.append(
            (
                row,
                Finding(
                    "off-boundary",
                    place,
                    written_instant(int(days.table.start_us[row])),
                    f"{limit} from local midnight",
                    "give the instant at which the interval begins",
                ),
            )
        )
    # Stamps that are all late by as much have one cause: then the first row alone has a finding.
    once = tell_once([finding for _, finding in found])
    yield from zip((row for row, _ in found), once, strict=False)


def _duplicates(days: Gathered) -> Iterator[RowFinding]:
    """Yield a finding for each reading of an interval that has one already."""
    table = days.table
    order = np.argsort(days.cell, kind="stable")
    ordered = days.cell[order]
    repeats = np.flatnonzero(ordered[1:] == ordered[:-1]) + 1
    originals = np.searchsorted(ordered, ordered[repeats])
    pairs = zip(
        days.rows[order[repeats]].tolist(), days.rows[order[originals]].tolist(), strict=True
    )
    for row, original in pairs:
        yield (
            row,
            Finding(
                "duplicate",
                table.place(row),
                f"{table.value[row]} for {table.entity.names[table.entity.codes[row]]} "
                f"{MEASURES[days.placed.measure[row]]} {written_instant(int(table.start_us[row]))}",
                f"one reading an interval; row {int(table.row[original])} has "
                f"{table.value[original]}",
                "leave one of them",
            ),
        )


def _incomplete(
    days: Gathered, told: Flags, elsewhere: Integers, terms: list[MeterTerms]
) -> Iterator[RowFinding]:
    """Yield findings on vectors with too few readings, or more than the day has.

    Too few are accepted where the terms accept gaps, but not of an interval that is a sum. Where
    some may stand in rows that could not be placed, more must lack than there are such rows.
    """
    inside = np.arange(days.seen.shape[1]) < days.count[:, np.newaxis]
    missing = (days.seen == 0) & inside
    accepts = np.array([each.accepts_gaps for each in terms], dtype=np.bool_)
    is_sum = days.minutes < days.interval_minutes
    gapped = missing.any(axis=1) & (~accepts | is_sum) & ~told
    gapped &= missing.sum(axis=1) > elsewhere
    for vector in np.flatnonzero(gapped | (days.row_count > days.count) & ~told).tolist():
        row, count = int(days.first_row[vector]), int(days.count[vector])
        place, name = days.table.place(row), days.name(vector)
        limit = f"the local day has {count} intervals, one reading each"
        if days.resolution[vector] != INTERVAL:
            limit = f"the local day has {count} readings of {int(days.minutes[vector])} minutes"
        if days.row_count[vector] > count:
            yield (
                row,
                Finding(
                    "interval-count",
                    place,
                    f"{int(days.row_count[vector])} readings of {name}",
                    limit,
                    "send one reading an interval; mind the days when clocks change",
                ),
            )
        if not gapped[vector]:
            continue
        code, remedy = (
            "missing-intervals",
            "send the whole day, with estimates where the meter failed",
        )
        absent = missing[vector]
        if accepts[vector]:
            absent = _parts_left_out(days, vector, absent)
            code, remedy = "part-of-interval", "send the rest of it, or say that it is missing"
            limit = (
                f"an interval of {int(days.interval_minutes[vector])} minutes is the sum of "
                f"readings of {int(days.minutes[vector])}: all of them or none"
            )
        if absent.any():
            starts = days.grid(vector).day_starts(int(days.day[vector]))
            lacking = list_starts([starts[number] for number in np.flatnonzero(absent)])
            yield row, Finding(code, place, f"{name} lacks {lacking}", limit, remedy)


def _parts_left_out(days: Gathered, vector: int, missing: Flags) -> Flags:
    """Return which readings are missing of an interval that has others."""
    parts = max(int(days.interval_minutes[vector]) // int(days.minutes[vector]), 1)
    together = missing[: int(days.count[vector])].reshape(-1, parts)
    partly: Flags = (together & ~together.all(axis=1, keepdims=True)).ravel()
    return partly
