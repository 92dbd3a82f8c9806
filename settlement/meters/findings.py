"""What can be wrong with names and values in a file of readings: row, value, limit and remedy."""

import datetime as dt
from collections.abc import Iterator
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
    SUB_METER_MEASURES,
    SUPPLY_POINT_MEASURES,
    UNIT_MEASURES,
    Calendar,
    MeterRegister,
)

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
            f"a unit, supply point or sub-meter registered on {calendar.days[placed.day[row]]}",
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
            f"{', '.join(SUPPLY_POINT_MEASURES)} for a supply point, "
            f"{', '.join(SUB_METER_MEASURES)} for a sub-meter",
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


def find_values_outside_limits(
    table: ReadingTable, placed: Placed, misread: Flags
) -> Iterator[RowFinding]:
    """Yield a finding for each value beyond what its entity can have metered.

    `misread`, shape (R,), are readings of another resolution than is stated, which are not judged.
    """
    judged = placed.reportable & table.is_usable & ~misread
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


def written_instant(us: int) -> str:
    """Return an instant, in microseconds since 1970, as findings write it."""
    return _instant(us).isoformat().replace("+00:00", "Z")
