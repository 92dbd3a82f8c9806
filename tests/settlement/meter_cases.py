"""A small market's register, and files of readings for it, for the tests of meter data."""

import datetime as dt
import io

import pyarrow as pa
import pyarrow.parquet as pq

from settlement.core.periods import interval_starts
from settlement.meters.cells import read_readings
from settlement.meters.check import CheckedFile, check_readings
from settlement.meters.register import (
    AVAILABLE,
    DEMAND,
    GENERATION,
    MeterRegister,
    MeterTerms,
    metered_supply_point,
    metered_unit,
)

ZONE = "Europe/London"
DAY = dt.date(2024, 1, 15)
RECEIVED = dt.datetime(2024, 1, 17, 9, 0, tzinfo=dt.UTC)
HEADER = "interval_start,entity,measure,value,quality"


def terms(first_day=dt.date(2024, 1, 1), last_day=dt.date(2024, 12, 31), **changes) -> MeterTerms:
    entities = (
        metered_unit(
            "G1", capacity_w=1_000_000, stores=False, can_reserve=False, interval_minutes=30
        ),
        metered_unit(
            "B1", capacity_w=1_000_000, stores=True, can_reserve=True, interval_minutes=30
        ),
        metered_supply_point("S1", household_count=9),
        metered_supply_point("S2", household_count=0),
    )
    made = {
        "first_day": first_day,
        "last_day": last_day,
        "interval_minutes": 30,
        "accepted_quality": frozenset({"measured", "estimated"}),
        "late_after_days": 5,
        "entities": {entity.entity: entity for entity in entities},
    }
    return MeterTerms(**(made | changes))


def register(*pieces: MeterTerms) -> MeterRegister:
    return MeterRegister("small", ZONE, pieces or (terms(),))


def day_rows(entity="S1", measure=DEMAND, day=DAY, value=1000, quality="measured"):
    """One reading an interval of the local day; the values count up from `value`."""
    return [
        (start.isoformat(), entity, measure, value + number, quality)
        for number, start in enumerate(interval_starts(day, ZONE, 30))
    ]


def complete_rows(day=DAY):
    """A day of every entity and measure."""
    return [
        *day_rows("G1", GENERATION, day, 400_000),
        *day_rows("G1", AVAILABLE, day, 900_000),
        *day_rows("B1", GENERATION, day, -400_000),
        *day_rows("B1", AVAILABLE, day, 900_000),
        *day_rows("S1", DEMAND, day, 1000),
        *day_rows("S2", DEMAND, day, -5),
    ]


def csv(rows) -> bytes:
    return "\n".join([HEADER, *(",".join(map(str, row)) for row in rows)]).encode()


def parquet(rows, value_type=None) -> bytes:
    instants = [dt.datetime.fromisoformat(row[0]) for row in rows]
    table = pa.table(
        {
            "interval_start": pa.array(instants, pa.timestamp("us", tz="UTC")),
            "entity": pa.array([row[1] for row in rows]).dictionary_encode(),
            "measure": pa.array([row[2] for row in rows]).dictionary_encode(),
            "value": pa.array([row[3] for row in rows], value_type or pa.int64()),
            "quality": pa.array([row[4] for row in rows]).dictionary_encode(),
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def checked(content: bytes, made: MeterRegister | None = None, received=RECEIVED) -> CheckedFile:
    """The check of a file as the service puts it together: cells first, then rules."""
    table, findings = read_readings("day.csv", content)
    if table is None:
        return CheckedFile(0, (), tuple(findings), (), 0)
    result = check_readings(table, made or register(), received)
    return CheckedFile(
        result.row_count,
        result.vectors,
        (*findings, *result.findings),
        result.notices,
        result.late_day_count,
    )


def codes(result: CheckedFile) -> list[str]:
    return [finding.code for finding in result.findings]
