"""What can be wrong with the readings of a file, each with its row, value, limit and remedy."""

import datetime as dt
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from common.refusals import Finding, shown
from settlement.meters.cells import NO_INSTANT, ReadingTable
from settlement.meters.placing import NOWHERE, Placed
from settlement.meters.register import (
    DEMAND,
    LARGEST_DEMAND_WH,
    MEASURES,
    SUPPLY_POINT_MEASURES,
    UNIT_MEASURES,
    Calendar,
    MeterRegister,
    MeterTerms,
)
from settlement.meters.unsettled import list_starts

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
RowFinding = tuple[int, Finding]

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def find_days_without_rules(
    table: ReadingTable, placed: Placed, zone: ZoneInfo
) -> Iterator[RowFinding]:
    """Yield a finding for each local day under no rules, at its first reading."""
    rows = np.flatnonzero((placed.day == NOWHERE) & (table.start_us != NO_INSTANT))
    instants, first, count = np.unique(table.start_us[rows], return_index=True, return_counts=True)
    days: dict[dt.date, tuple[int, int]] = {}
    for us, row, readings in zip(
        instants.tolist(), rows[first].tolist(), count.tolist(), strict=True
    ):
        day = _instant(us).astimezone(zone).date()
        earliest, total = days.get(day, (row, 0))
        days[day] = min(earliest, row), total + readings
    for day, (row, readings) in days.items():
        yield (
            row,
            Finding(
                "no-rules",
                table.place(row),
                f"{day}, {readings} readings",
                "a day on which the market's rules are in force",
                "publish rules for the day, or leave it out",
            ),
        )


def find_unknown_names(
    table: ReadingTable, placed: Placed, register: MeterRegister, calendar: Calendar
) -> Iterator[RowFinding]:
    """Yield findings on names that the rules do not know, once a name."""
    ruled = placed.day != NOWHERE
    for row, count in _first_rows(ruled & ~placed.known, table.entity.codes):
        yield _named(
            table,
            row,
            count,
            "unknown-entity",
            table.entity.names[table.entity.codes[row]],
            f"a unit or supply point registered on {calendar.days[placed.day[row]]}",
            "correct the name, or register it for the day",
        )
    for row, count in _first_rows(placed.measure == NOWHERE, table.measure.codes):
        yield _named(
            table,
            row,
            count,
            "unknown-measure",
            table.measure.names[table.measure.codes[row]],
            f"one of {', '.join(MEASURES)}",
            "correct the name of the measure",
        )
    wrong = placed.known & ~placed.reportable & (placed.measure != NOWHERE)
    pairs = table.entity.codes * len(table.measure.names) + table.measure.codes
    for row, count in _first_rows(wrong, pairs):
        entity = table.entity.names[table.entity.codes[row]]
        measure = table.measure.names[table.measure.codes[row]]
        yield _named(
            table,
            row,
            count,
            "wrong-measure",
            f"{measure} of {entity}",
            f"one of {', '.join(UNIT_MEASURES)} for a unit, one of "
            f"{', '.join(SUPPLY_POINT_MEASURES)} for a supply point",
            "report the measure that the entity has",
        )
    for row, count in _first_rows(ruled & ~placed.accepted, table.quality.codes):
        terms = register.terms[int(calendar.terms[placed.day[row]])]
        words = terms.accepted_words
        yield _named(
            table,
            row,
            count,
            "quality",
            table.quality.names[table.quality.codes[row]],
            f"one of {', '.join(words)}",
            "send readings of an accepted quality",
        )


def find_instants_off_boundary(
    table: ReadingTable, placed: Placed, register: MeterRegister, calendar: Calendar
) -> Iterator[RowFinding]:
    """Yield a finding for each instant at which no interval of its day begins."""
    astray = (placed.day != NOWHERE) & (placed.interval == NOWHERE)
    for row in np.flatnonzero(astray).tolist():
        terms = register.terms[int(calendar.terms[placed.day[row]])]
        yield (
            row,
            Finding(
                "off-boundary",
                table.place(row),
                _written(int(table.start_us[row])),
                f"an interval begins every {terms.interval_minutes} minutes from local midnight",
                "give the instant at which the interval begins",
            ),
        )


def find_values_outside_limits(table: ReadingTable, placed: Placed) -> Iterator[RowFinding]:
    """Yield a finding for each value beyond what its entity can have metered."""
    judged = placed.reportable & table.is_usable
    low, high = table.value < placed.least, table.value > placed.most
    for row in np.flatnonzero(judged & (low | high)).tolist():
        least, most = int(placed.least[row]), int(placed.most[row])
        measure = MEASURES[placed.measure[row]]
        unit = measure.rsplit("_", 1)[1].replace("wh", "Wh").replace("w", "W")
        if high[row] and measure == DEMAND and most < LARGEST_DEMAND_WH:
            code = "above-plausible"
            limit = f"at most {most} {unit}, what its households are believed to draw"
        elif high[row]:
            code, limit = "above-capacity", f"at most {most} {unit}, its capacity"
        elif least < 0:
            code, limit = "below-capacity", f"at least {least} {unit}, its capacity"
        else:
            code, limit = (
                "negative",
                f"at least {least} {unit}: only storage and net export fall below",
            )
        yield (
            row,
            Finding(
                code,
                table.place(row),
                f"{int(table.value[row])} {unit} ({measure} of "
                f"{table.entity.names[table.entity.codes[row]]})",
                limit,
                "check meter and unit, or have the registration changed",
            ),
        )


def find_implausible(table: ReadingTable, placed: Placed) -> Iterator[Finding]:
    """Yield one notice where readings are accepted that nobody believes."""
    rows = np.flatnonzero(placed.reportable & table.is_usable & ~placed.believed)
    if not len(rows):
        return
    entities = np.unique(table.entity.codes[rows])
    yield Finding(
        "implausible",
        table.place(int(rows[0])),
        f"{len(rows)} readings of {len(entities)} supply points, the first "
        f"{int(table.value[rows[0]])} Wh of {table.entity.names[table.entity.codes[rows[0]]]}",
        "what the households of a supply point are believed to draw",
        "accepted and flagged; have the meters looked at",
    )


def find_duplicates(
    table: ReadingTable, rows: Integers, cell: Integers, calendar: Calendar, placed: Placed
) -> Iterator[RowFinding]:
    """Yield a finding for each reading of an interval that has one already.

    `rows` are the readings that belong to a day vector, `cell` the interval each one fills.
    """
    order = np.argsort(cell, kind="stable")
    ordered = cell[order]
    repeats = np.flatnonzero(ordered[1:] == ordered[:-1]) + 1
    originals = np.searchsorted(ordered, ordered[repeats])
    pairs = zip(rows[order[repeats]].tolist(), rows[order[originals]].tolist(), strict=True)
    for row, original in pairs:
        yield (
            row,
            Finding(
                "duplicate",
                table.place(row),
                f"{table.value[row]} for {table.entity.names[table.entity.codes[row]]} "
                f"{MEASURES[placed.measure[row]]} {_written(int(table.start_us[row]))}",
                f"one reading an interval; row {int(table.row[original])} has "
                f"{table.value[original]}",
                "leave one of them",
            ),
        )


def find_incomplete_days(
    table: ReadingTable,
    first_row: Integers,
    row_count: Integers,
    seen: Integers,
    day: Integers,
    calendar: Calendar,
    terms: Sequence[MeterTerms],
) -> Iterator[RowFinding]:
    """Yield findings on day vectors with too few intervals, or more readings than intervals.

    Too few are accepted where the terms accept gaps.

    Args:
        first_row: int64[V], index of the first reading of each vector.
        row_count: int64[V], readings of the vector, off the boundary too.
        seen: int64[V, W], readings of each interval.
        day: int64[V], index of the day.
    """
    expected = calendar.count[day]
    inside = np.arange(seen.shape[1]) < expected[:, None]
    missing = (seen == 0) & inside
    for vector in np.flatnonzero((row_count > expected) | missing.any(axis=1)).tolist():
        row, count = int(first_row[vector]), int(expected[vector])
        name = (
            f"{table.entity.names[table.entity.codes[row]]} "
            f"{table.measure.names[table.measure.codes[row]]} {calendar.days[day[vector]]}"
        )
        limit = f"the local day has {count} intervals, one reading each"
        if row_count[vector] > count:
            yield (
                row,
                Finding(
                    "interval-count",
                    table.place(row),
                    f"{int(row_count[vector])} readings of {name}",
                    limit,
                    "send one reading an interval; mind the days when clocks change",
                ),
            )
        accepts_gaps = terms[int(calendar.terms[day[vector]])].accepts_gaps
        absent = [] if accepts_gaps else np.flatnonzero(missing[vector]).tolist()
        if absent:
            starts = calendar.day_starts(int(day[vector]))
            yield (
                row,
                Finding(
                    "missing-intervals",
                    table.place(row),
                    f"{name} lacks {list_starts([starts[number] for number in absent])}",
                    limit,
                    "send the whole day, with estimates where the meter failed",
                ),
            )


def _first_rows(wrong: Flags, codes: Integers) -> Iterator[tuple[int, int]]:
    """Yield the first wrong row of each code, and how many rows share its fault."""
    rows = np.flatnonzero(wrong)
    _, first, count = np.unique(codes[rows], return_index=True, return_counts=True)
    yield from zip(rows[first].tolist(), count.tolist(), strict=True)


def _named(
    table: ReadingTable, row: int, count: int, code: str, name: str, limit: str, remedy: str
) -> RowFinding:
    value = shown(name) + (f" in {count} rows, here first" if count > 1 else "")
    return row, Finding(code, table.place(row), value, limit, remedy)


def _instant(us: int) -> dt.datetime:
    return _EPOCH + dt.timedelta(microseconds=us)


def _written(us: int) -> str:
    return _instant(us).isoformat().replace("+00:00", "Z")
