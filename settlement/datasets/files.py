"""Readings into files of the ingest format, Parquet or CSV; equal readings give equal bytes."""

import datetime as dt
import enum
import io
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from settlement.datasets.market import MarketShape, Resolutions
from settlement.datasets.profile import Integers, ProfileDay
from settlement.datasets.reserve import reserve_of_day_w
from settlement.meters.ingest import MeterFile
from settlement.meters.register import AVAILABLE, DEMAND, GENERATION, RESERVE, SUB_METERED
from settlement.meters.resolution import is_energy, spread_wh, sum_wh

INSTANT = pa.timestamp("us", tz="UTC")


class Form(enum.Enum):
    """How a file of readings is written."""

    PARQUET = "parquet"
    CSV = "csv"


def readings_table(
    entities: Sequence[str],
    measure: str,
    starts: Sequence[Sequence[dt.datetime]],
    values: Sequence[Integers],
) -> pa.Table:
    """Return readings as rows, by day, entity and interval.

    Args:
        entities: E names.
        measure: what they report.
        starts: of each day, the starts of its T intervals.
        values: of each day, int64[E, T].
    """
    instants = [np.tile(_microseconds(day), len(entities)) for day in starts]
    codes = [np.repeat(np.arange(len(entities), dtype=np.int32), len(day)) for day in starts]
    value = np.concatenate([day_values.ravel() for day_values in values])
    return pa.table(
        {
            "interval_start": pa.array(np.concatenate(instants)).cast(INSTANT),
            "entity": pa.DictionaryArray.from_arrays(
                pa.array(np.concatenate(codes)), pa.array(list(entities))
            ),
            "measure": pa.DictionaryArray.from_arrays(
                pa.array(np.zeros(len(value), dtype=np.int32)), pa.array([measure])
            ),
            "value": pa.array(value),
            "quality": pa.DictionaryArray.from_arrays(
                pa.array(np.zeros(len(value), dtype=np.int32)), pa.array(["measured"])
            ),
        }
    )


def metered_table(
    entities: Sequence[str],
    measure: str,
    starts: Sequence[Sequence[dt.datetime]],
    values: Sequence[Integers],
    resolutions: Resolutions,
) -> pa.Table:
    """Return `readings_table` with a row for each reading of the entities' own resolutions."""
    interval = resolutions.interval_minutes
    stated = resolutions.of_entity if is_energy(measure) else {}
    of_each = [stated.get(entity, interval) for entity in entities]
    tables = []
    for minutes in sorted(set(of_each), key=lambda each: (each != interval, each)):
        rows = [row for row, each in enumerate(of_each) if each == minutes]
        tables.append(
            readings_table(
                [entities[row] for row in rows],
                measure,
                [_starts_every(minutes, interval, day) for day in starts],
                [_energy_every(minutes, interval, day[rows]) for day in values],
            )
        )
    return pa.concat_tables(tables).unify_dictionaries() if len(tables) > 1 else tables[0]


def _starts_every(
    minutes: int, interval: int, starts: Sequence[dt.datetime]
) -> Sequence[dt.datetime]:
    if minutes >= interval:
        return starts[:: minutes // interval]
    parts = range(interval // minutes)
    return [start + part * dt.timedelta(minutes=minutes) for start in starts for part in parts]


def _energy_every(minutes: int, interval: int, energy_wh: Integers) -> Integers:
    if minutes == interval:
        return energy_wh
    if minutes > interval:
        return np.array([sum_wh(row, minutes // interval) for row in energy_wh])
    return np.array([spread_wh(row, interval // minutes) for row in energy_wh])


def encode_table(table: pa.Table, form: Form) -> bytes:
    """Return the bytes of a file that holds the table."""
    sink = io.BytesIO()
    if form is Form.PARQUET:
        pa.parquet.write_table(table, sink, write_page_checksum=True)
        return sink.getvalue()
    text = pc.strftime(table["interval_start"].cast(pa.timestamp("s", tz="UTC")), "%Y-%m-%dT%H:%MZ")
    place = table.schema.get_field_index("interval_start")
    options = pa.csv.WriteOptions(quoting_style="none", quoting_header="none")
    pa.csv.write_csv(table.set_column(place, "interval_start", text), sink, options)
    return sink.getvalue()


def make_profile_files(
    shape: MarketShape,
    label: str,
    profile: Sequence[ProfileDay],
    generation: Sequence[Integers],
    form: Form,
) -> list[MeterFile]:
    """Return demand, availability and generation of a market as three files to ingest.

    They are named <market>-<label>-demand, -availability and -generation. Where the market buys
    reserve, what units hold of it is another, -reserve; where the profile knows the sub-meters of
    the market, they have one, too, -sub-meters.
    """
    starts = [day.starts for day in profile]
    contents = {
        "demand": (shape.supply_points, DEMAND, [day.demand_wh for day in profile]),
        "availability": (shape.units, AVAILABLE, [day.available_w for day in profile]),
        "generation": (shape.units, GENERATION, generation),
    }
    if shape.holds_reserve.any():
        holders = np.flatnonzero(shape.holds_reserve)
        held = [
            reserve_of_day_w(shape, day, generated)[holders]
            for day, generated in zip(profile, generation, strict=True)
        ]
        contents["reserve"] = (tuple(shape.units[unit] for unit in holders), RESERVE, held)
    sub_metered = [day.sub_metered_wh for day in profile if day.sub_metered_wh is not None]
    if shape.sub_meters and sub_metered:
        contents["sub-meters"] = (shape.sub_meters, SUB_METERED, sub_metered)
    return [
        MeterFile(
            f"{shape.market}-{label}-{name}.{form.value}",
            encode_table(metered_table(entities, measure, starts, values, shape.resolutions), form),
        )
        for name, (entities, measure, values) in contents.items()
    ]


def _microseconds(starts: Sequence[dt.datetime]) -> Integers:
    return np.array([round(start.timestamp()) * 1_000_000 for start in starts], dtype=np.int64)
