"""Recorded profiles into availability and demand: the days that a folder of them covers.

A folder holds two Parquet files, each with a row an interval and place, in UTC:

    demand.parquet        interval_start, node, product, wh
    availability.parquet  interval_start, unit, kw

Demand of a product at a node belongs to the one supply point registered for both. Only local days
that every unit and every supply point covers whole are used; the others are left out.
"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from numpy.typing import NDArray

from common.refusals import Finding, Refused, shown
from settlement.core.periods import interval_starts
from settlement.datasets.market import MarketShape
from settlement.datasets.profile import Integers, ProfileDay

W_PER_KW = 1000
LARGEST_VALUE = 10**13
"""In Wh or kW; beyond any place, and a thousand times it fits int64."""
US_PER_SECOND = 1_000_000
SHOWN_NAMES = 5


def recorded_profile(
    shape: MarketShape,
    folder: Path,
    first_day: dt.date | None = None,
    last_day: dt.date | None = None,
) -> list[ProfileDay]:
    """Return the local days between the two, both included, that the folder covers whole.

    Raises:
        Refused: a file is absent or unreadable, has other columns, blanks or repeats, lacks a unit
            or a supply point, or covers no day whole.
    """
    demand, available = _both_series(shape, folder)
    days = _days(shape, demand[0], available[0], first_day, last_day)
    profile = []
    for day in days:
        starts = interval_starts(day, shape.time_zone, shape.interval_minutes)
        start_us = np.array([int(start.timestamp()) for start in starts]) * US_PER_SECOND
        demand_at, available_at = _rows_of(demand[0], start_us), _rows_of(available[0], start_us)
        if demand_at is None or available_at is None:
            continue
        profile.append(
            ProfileDay(
                day, starts, available[1][:, available_at] * W_PER_KW, demand[1][:, demand_at]
            )
        )
    if not profile:
        raise Refused(
            [
                Finding(
                    "no-whole-day",
                    str(folder),
                    f"no local day between {first_day or 'the first'} and {last_day or 'the last'}",
                    "a local day with every interval of every unit and supply point",
                    "choose other days, or a folder that covers them",
                )
            ]
        )
    return profile


def first_instant(folder: Path) -> dt.datetime:
    """Return when the recorded demand of a folder begins.

    Raises:
        Refused: the file is absent or unreadable, or holds nothing.
    """
    path = folder / "demand.parquet"
    table = _read(path, ("wh",))
    if not table.num_rows:
        raise _refused(path, "no rows", "a row an interval and supply point")
    first = pc.min(table["interval_start"].cast(pa.timestamp("s", tz="UTC"), safe=False))
    return dt.datetime.fromtimestamp(first.cast(pa.int64()).as_py(), dt.UTC)


def _both_series(
    shape: MarketShape, folder: Path
) -> tuple[tuple[Integers, Integers], tuple[Integers, Integers]]:
    points = [f"{node}/{product}" for node, product in _places(shape)]
    wanted = (
        ("demand.parquet", ("node", "product"), "wh", points),
        ("availability.parquet", ("unit",), "kw", shape.units),
    )
    series: list[tuple[Integers, Integers]] = []
    findings: list[Finding] = []
    for name, keys, value, names in wanted:
        try:
            series.append(_series(folder / name, keys, value, names))
        except Refused as refused:
            findings.extend(refused.findings)
    if findings:
        raise Refused(findings)
    return series[0], series[1]


def _places(shape: MarketShape) -> list[tuple[str, str]]:
    places = list(zip(shape.node, shape.product, strict=True))
    shared = sorted({place for place in places if places.count(place) > 1})
    if shared:
        raise Refused(
            Finding(
                "ambiguous-supply-point",
                f"{shape.market} registrations",
                f"more than one supply point for {product} at {node}",
                "recorded demand belongs to one supply point of its node and product",
                "register one, or ingest files of readings instead",
            )
            for node, product in shared
        )
    return places


def _series(
    path: Path, keys: Sequence[str], value: str, names: Sequence[str]
) -> tuple[Integers, Integers]:
    """Return the instants int64[K] a file holds for every name, and its values int64[E, K]."""
    table = _read(path, (*keys, value))
    label = table[keys[0]].cast(pa.string())
    for key in keys[1:]:
        label = pc.binary_join_element_wise(label, table[key].cast(pa.string()), "/")
    encoded = label.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.unify_dictionaries().combine_chunks()
    present = encoded.dictionary.to_pylist()
    _same_names(path, present, names)
    number = {name: place for place, name in enumerate(names)}
    entity = np.array([number[name] for name in present], dtype=np.int64)
    entity = entity[encoded.indices.to_numpy()]
    us = table["interval_start"].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy()
    instants, moment = np.unique(us, return_inverse=True)
    cell = entity * len(instants) + moment
    count = np.bincount(cell, minlength=len(names) * len(instants)).reshape(len(names), -1)
    if (count > 1).any():
        row = int(np.flatnonzero(count.ravel()[cell] > 1)[1])
        raise _refused(path, f"row {row + 1} repeats an interval of {label[row]}", "no repeats")
    recorded = table[value].to_numpy()
    beyond = np.flatnonzero((recorded > LARGEST_VALUE) | (recorded < -LARGEST_VALUE))
    if len(beyond):
        found = f"row {beyond[0] + 1} has {recorded[beyond[0]]} {value}"
        raise _refused(path, found, f"at most {LARGEST_VALUE} either way")
    values = np.zeros(count.size, dtype=np.int64)
    values[cell] = recorded
    whole = count.all(axis=0)
    return instants[whole], values.reshape(count.shape)[:, whole]


def _read(path: Path, columns: Sequence[str]) -> pa.Table:
    wanted = ["interval_start", *columns]
    if not path.is_file():
        raise _refused(path, "no such file", "a Parquet file")
    try:
        table = pa.parquet.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise _refused(path, shown(str(error)), "a complete Parquet file") from error
    missing = [name for name in wanted if name not in table.column_names]
    if missing:
        raise _refused(path, f"no column {', '.join(missing)}", f"columns {', '.join(wanted)}")
    instants = table.schema.field("interval_start").type
    if not pa.types.is_timestamp(instants) or instants.tz is None:
        raise _refused(path, f"interval_start is {instants}", "instants with their time zone")
    if not pa.types.is_integer(table.schema.field(columns[-1]).type):
        kind = table.schema.field(columns[-1]).type
        raise _refused(path, f"{columns[-1]} is {kind}", "integers")
    for name in wanted:
        if table[name].null_count:
            row = int(pc.index(table[name].is_null(), True).as_py()) + 1
            raise _refused(path, f"row {row} has no {name}", "every cell filled")
    return table


def _same_names(path: Path, present: Sequence[str], names: Sequence[str]) -> None:
    unknown, absent = sorted(set(present) - set(names)), sorted(set(names) - set(present))
    if unknown:
        raise _refused(path, f"{_some(unknown)}, not registered", "what the market has registered")
    if absent:
        raise _refused(path, f"nothing for {_some(absent)}", "every unit and supply point")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(names[:SHOWN_NAMES]) + more


def _refused(path: Path, value: str, limit: str) -> Refused:
    remedy = "see the format in the help of `manage.py dataset`"
    return Refused([Finding("recorded-profile", str(path), value, limit, remedy)])


def _days(
    shape: MarketShape,
    demand_us: Integers,
    available_us: Integers,
    first_day: dt.date | None,
    last_day: dt.date | None,
) -> list[dt.date]:
    if not len(demand_us) or not len(available_us):
        return []
    zone = ZoneInfo(shape.time_zone)
    first, last = (
        dt.datetime.fromtimestamp(us // US_PER_SECOND, dt.UTC).astimezone(zone).date()
        for us in (
            max(int(demand_us[0]), int(available_us[0])),
            min(int(demand_us[-1]), int(available_us[-1])),
        )
    )
    first, last = max(first, first_day or first), min(last, last_day or last)
    return [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]


def _rows_of(instants: Integers, wanted: Integers) -> NDArray[np.int64] | None:
    """Return where the wanted instants stand, or None unless all are there."""
    at = np.searchsorted(instants, wanted)
    if at[-1] >= len(instants) or (instants[at] != wanted).any():
        return None
    return at
