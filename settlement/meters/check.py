"""Readings against the rules: the columns of a file in, day vectors and findings out.

Nothing here knows the database or the clock. A check reports every finding of a file; a file with
any finding is refused whole, while a late one is accepted with a notice.
"""

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from common.quantities import plural
from common.refusals import Finding
from settlement.meters.cells import NO_INSTANT, ReadingTable
from settlement.meters.findings import (
    RowFinding,
    find_days_without_rules,
    find_implausible,
    find_unknown_names,
    find_values_outside_limits,
)
from settlement.meters.gathering import DayVector, Gathered
from settlement.meters.placing import NOWHERE, Placed, place_readings
from settlement.meters.register import Calendar, MeterRegister, calendar_of
from settlement.meters.shapes import Shapes


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
            none here, nor does what would follow from them.
        register: the rules of each day.
        received_at: when the file arrived; decides what is late.
    """
    calendar = calendar_of(register)
    placed = place_readings(table, register, calendar)
    gathered = Gathered(table, placed, register, calendar)
    shapes = Shapes(gathered, register)
    found: list[RowFinding] = [
        *find_days_without_rules(table, placed, ZoneInfo(register.time_zone)),
        *find_unknown_names(table, placed, register, calendar),
        *find_values_outside_limits(table, placed, shapes.misread),
        *shapes.findings(),
    ]
    found.sort(key=lambda row_finding: row_finding[0])
    is_read = table.is_whole and table.is_usable.all() and (table.start_us != NO_INSTANT).all()
    late, late_day_count = _lateness(table, placed, register, calendar, received_at)
    return CheckedFile(
        row_count=len(table.row),
        vectors=gathered.vectors() if is_read and not found else (),
        findings=tuple(finding for _, finding in found),
        notices=(*late, *gathered.gaps(), *find_implausible(table, placed)),
        late_day_count=late_day_count,
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
        f"received {received_at.isoformat()}; {plural(len(late), 'late settlement day')} from "
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
