"""Readings against the rules: the columns of a file in, day vectors and findings out.

Nothing here knows the database or the clock. A check reports every finding of a file; a file with
any finding is refused whole, while a late one is accepted with a notice.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from common.refusals import Finding
from settlement.meters.cells import NO_INSTANT, ReadingTable, tell_once
from settlement.meters.findings import (
    RowFinding,
    find_days_without_rules,
    find_duplicates,
    find_implausible,
    find_incomplete_days,
    find_instants_off_boundary,
    find_unknown_names,
    find_values_outside_limits,
)
from settlement.meters.placing import NOWHERE, Placed, place_readings
from settlement.meters.register import (
    MEASURES,
    MISSING,
    QUALITY_LETTERS,
    Calendar,
    MeterRegister,
    calendar_of,
)

Integers = NDArray[np.int64]

UNSAID = "."
"""Stands in a file's vector for an interval on which it is silent; never stored."""

SMALL_LETTER = 0x20
"""The bit that makes a letter of ASCII a small one."""


@dataclass(frozen=True, eq=False)
class DayVector:
    """What one entity reported of one measure on one settlement day.

    Attributes:
        values: int64[T], one an interval of the day, in the unit that ends the measure's name.
        quality: one letter an interval, as in `QUALITY_LETTERS`; a small one where the reading is
            implausible, and `UNSAID` where the file says nothing.
    """

    settlement_day: dt.date
    measure: str
    entity: str
    values: Integers
    quality: str

    def completed(self, values: Integers | None = None, quality: str = "") -> "DayVector":
        """Return the vector with what was known before where the file says nothing.

        What was known before are values, shape (T,), and their quality; without them, or where
        they are of another number of intervals, a silent interval is missing.
        """
        if UNSAID not in self.quality:
            return self
        if values is None or len(values) != len(self.values):
            values, quality = (
                np.zeros_like(self.values),
                QUALITY_LETTERS[MISSING] * len(self.quality),
            )
        silent = np.array([letter == UNSAID for letter in self.quality])
        pairs = zip(self.quality, quality, strict=True)
        return replace(
            self,
            values=np.where(silent, values, self.values),
            quality="".join(old if new == UNSAID else new for new, old in pairs),
        )


@dataclass(frozen=True, eq=False)
class CheckedFile:
    """A file after its check: vectors in the order of day, measure and entity, or findings.

    Attributes:
        row_count: readings in the file.
        vectors: empty when there is a finding.
        findings: why the file is refused, in the order of its rows.
        notices: what the sender should know although the file is accepted.
        late_day_count: settlement days whose deadline had passed on arrival.
    """

    row_count: int
    vectors: tuple[DayVector, ...]
    findings: tuple[Finding, ...]
    notices: tuple[Finding, ...]
    late_day_count: int


def check_readings(
    table: ReadingTable, register: MeterRegister, received_at: dt.datetime
) -> CheckedFile:
    """Return the day vectors of a file, or every reason why it is refused.

    Args:
        table: the readings. Cells that could not be read have their findings already and raise
            none here, save that an unreadable instant leaves its interval missing.
        register: the rules of each day.
        received_at: when the file arrived; decides what is late.
    """
    calendar = calendar_of(register)
    placed = place_readings(table, register, calendar)
    groups = _Groups(table, placed, calendar)
    found: list[RowFinding] = [
        *find_days_without_rules(table, placed, ZoneInfo(register.time_zone)),
        *find_unknown_names(table, placed, register, calendar),
        *find_instants_off_boundary(table, placed, register, calendar),
        *find_values_outside_limits(table, placed),
        *find_duplicates(table, groups.rows, groups.cell, calendar, placed),
        *find_incomplete_days(
            table,
            groups.first_row,
            groups.row_count,
            groups.seen,
            groups.day,
            calendar,
            register.terms,
        ),
    ]
    found.sort(key=lambda row_finding: row_finding[0])
    late, late_day_count = _lateness(table, placed, register, calendar, received_at)
    return CheckedFile(
        row_count=len(table.row),
        vectors=() if found or not table.is_usable.all() else groups.vectors(),
        findings=tuple(tell_once([finding for _, finding in found])),
        notices=(*late, *groups.gaps(), *find_implausible(table, placed)),
        late_day_count=late_day_count,
    )


class _Groups:
    """The readings of a file gathered into V day vectors of at most W intervals."""

    def __init__(self, table: ReadingTable, placed: Placed, calendar: Calendar) -> None:
        self._table, self._calendar, self._believed = table, calendar, placed.believed
        belongs = np.flatnonzero(placed.reportable)
        entities = len(table.entity.names)
        key = (placed.day[belongs] * len(MEASURES) + placed.measure[belongs]) * entities
        distinct, first, vector = np.unique(
            key + table.entity.codes[belongs], return_index=True, return_inverse=True
        )
        self.first_row = belongs[first]
        self.row_count = np.bincount(vector, minlength=len(distinct))
        self.day = distinct // (entities * len(MEASURES)) if entities else distinct
        self._measure = distinct // max(entities, 1) % len(MEASURES)
        self._entity = distinct % max(entities, 1)
        self.width = int(calendar.count.max(initial=0))
        on_boundary = placed.interval[belongs] != NOWHERE
        self.rows = belongs[on_boundary]
        self.cell = vector[on_boundary] * self.width + placed.interval[self.rows]
        self.seen = np.bincount(self.cell, minlength=len(distinct) * self.width).reshape(
            len(distinct), self.width
        )

    def vectors(self) -> tuple[DayVector, ...]:
        """Return the day vectors of a file without findings."""
        letters = np.array(
            [ord(QUALITY_LETTERS.get(name, "?")) for name in self._table.quality.names], np.uint8
        )
        value = np.zeros(self.seen.size, dtype=np.int64)
        quality = np.full(self.seen.size, ord(UNSAID), dtype=np.uint8)
        value[self.cell] = self._table.value[self.rows]
        letter = letters[self._table.quality.codes[self.rows]]
        doubted = ~self._believed[self.rows] & (letter != ord(QUALITY_LETTERS[MISSING]))
        quality[self.cell] = np.where(doubted, letter | SMALL_LETTER, letter)
        value, quality = value.reshape(self.seen.shape), quality.reshape(self.seen.shape)
        names = self._table.entity.names
        made = []
        for number, (day, measure, entity) in enumerate(
            zip(self.day.tolist(), self._measure.tolist(), self._entity.tolist(), strict=True)
        ):
            size = int(self._calendar.count[day])
            made.append(
                DayVector(
                    settlement_day=self._calendar.days[day],
                    measure=MEASURES[measure],
                    entity=names[entity],
                    values=value[number, :size],
                    quality=quality[number, :size].tobytes().decode(),
                )
            )
        made.sort(key=lambda vector: (vector.settlement_day, vector.measure, vector.entity))
        return tuple(made)

    def gaps(self) -> Iterator[Finding]:
        """Yield one notice where the file leaves intervals out, or says that they are missing."""
        table, count = self._table, self._calendar.count[self.day]
        says = np.array([name == MISSING for name in table.quality.names], dtype=bool)
        given = self.cell[~says[table.quality.codes[self.rows]]]
        filled = np.bincount(given // max(self.width, 1), minlength=len(count))
        short = np.flatnonzero(filled < count)
        if len(short):
            yield Finding(
                "incomplete-days",
                table.place(int(self.first_row[short].min())),
                f"{int((count - filled)[short].sum())} intervals without a reading in "
                f"{len(short)} day vectors, here first",
                "a reading an interval, measured or estimated",
                "accepted; what was known before stays, and a later file may fill the rest",
            )


def _lateness(
    table: ReadingTable,
    placed: Placed,
    register: MeterRegister,
    calendar: Calendar,
    received_at: dt.datetime,
) -> tuple[tuple[Finding, ...], int]:
    """Return one notice naming the first late reading, if any day is late, and how many days."""
    present = np.unique(placed.day[placed.day != NOWHERE])
    received_day = received_at.astimezone(ZoneInfo(register.time_zone)).date()
    late = [
        day
        for day in present.tolist()
        if (received_day - calendar.days[day]).days
        > register.terms[int(calendar.terms[day])].late_after_days
    ]
    if not late:
        return (), 0
    terms = register.terms[int(calendar.terms[late[0]])]
    first_row = int(np.flatnonzero(np.isin(placed.day, late))[0])
    notice = Finding(
        "late",
        table.place(first_row),
        f"received {received_at.isoformat()}; {len(late)} late settlement days from "
        f"{calendar.days[late[0]]} to {calendar.days[late[-1]]}",
        f"at most {terms.late_after_days} days after the settlement day",
        "accepted; the next settlement run of these days takes it in",
    )
    return (notice,), len(late)


def local_days(table: ReadingTable, time_zone: str) -> list[dt.date]:
    """Return the local days that a file's readings touch, in order."""
    zone = ZoneInfo(time_zone)
    instants = np.unique(table.start_us[table.start_us != NO_INSTANT])
    return sorted(
        {
            dt.datetime.fromtimestamp(us // 1_000_000, dt.UTC).astimezone(zone).date()
            for us in instants.tolist()
        }
    )
