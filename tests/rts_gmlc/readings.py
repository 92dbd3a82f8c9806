"""A month of the RTS-GMLC market: recorded load and availability, and least-cost generation.

`.venv/bin/python -m tests.rts_gmlc.readings` writes the files again, from the published data. Its
hours are those of Arizona, whose clocks never change.
"""

import datetime as dt
import io
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rulebook.documents import AllocationPolicy, Document, GridModel, MarketRules, Registration
from rulebook.folders import read_files
from rulebook.resolve import RuleSet
from settlement.datasets.files import Form, make_profile_files
from settlement.datasets.market import market_shape
from settlement.datasets.market_files import days_label
from settlement.datasets.profile import dispatch_profile
from settlement.datasets.recorded import recorded_profile
from settlement.meters.ingest import MeterFile
from settlement.runs.settle import no_progress
from tests.conftest import ROOT
from tests.rts_gmlc.law import DATA, FOLDER, LOAD, MARKET, MICRO, generators

READINGS = ROOT / "scenarios" / "rts-gmlc-readings"
FIRST_DAY, LAST_DAY = dt.date(2020, 7, 1), dt.date(2020, 7, 31)
HOURS_BEHIND_UTC = dt.timedelta(hours=7)
KW_PER_MW = 1_000


def law() -> RuleSet:
    """Return the law of the market as its folder holds it."""
    read, findings = read_files([FOLDER])
    if findings:
        raise ValueError(findings)
    documents: list[Document] = [document for _, document in read]
    (rules,) = (one for one in documents if isinstance(one, MarketRules))
    (grid,) = (one for one in documents if isinstance(one, GridModel))
    (policy,) = (one for one in documents if isinstance(one, AllocationPolicy))
    registrations = tuple(one for one in documents if isinstance(one, Registration))
    return RuleSet(MARKET, FIRST_DAY, (), rules, grid, policy, registrations)


def _hours_of_days(name: str) -> pa.Table:
    table = pq.read_table(DATA / f"{name}.parquet")
    times = table["time"].to_pylist()
    first = times.index(dt.datetime.combine(FIRST_DAY, dt.time()))
    return table.slice(first, 24 * ((LAST_DAY - FIRST_DAY).days + 1))


def _in_rows(table: pa.Table, names: list[str], values: list[np.ndarray]) -> pa.Table:
    """Return a row an hour and place: the start in UTC, a name, and a whole number."""
    starts = [time + HOURS_BEHIND_UTC for time in table["time"].to_pylist()]
    instants = pa.array(starts * len(names), pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    labels = pa.array(np.repeat(names, len(starts)))
    return pa.table({"interval_start": instants, "name": labels, "value": np.concatenate(values)})


def write_recorded(folder: Path) -> None:
    """Write the recorded month as `ingest --data` and `dataset --data` read it."""
    demand = _hours_of_days("demand_bus_hourly_da")
    buses = [name for name in demand.column_names if name.isdigit()]
    wh = [np.rint(demand[bus].to_numpy() * MICRO).astype(np.int64) for bus in buses]
    rows = _in_rows(demand, buses, wh).rename_columns(["interval_start", "node", "wh"])
    rows = rows.append_column("product", pa.array([LOAD] * rows.num_rows))
    pq.write_table(rows, folder / "demand.parquet")
    available = _hours_of_days("availability_hourly_da")
    kw = []
    for unit in generators():
        most = unit["pmax_mw"]
        # A unit without a profile is always available.
        recorded = unit["gen_id"] in available.column_names
        mw = available[unit["gen_id"]].to_numpy() if recorded else np.full(len(available), most)
        kw.append(np.rint(np.minimum(mw, most) * KW_PER_MW).astype(np.int64))
    rows = _in_rows(available, [unit["gen_id"] for unit in generators()], kw)
    rows = rows.rename_columns(["interval_start", "unit", "kw"])
    pq.write_table(rows, folder / "availability.parquet")


def written_files() -> list[MeterFile]:
    """Return the files of readings: load, availability, and generation dispatched at least cost."""
    shape = market_shape(law())
    with tempfile.TemporaryDirectory() as folder:
        write_recorded(Path(folder))
        profile = recorded_profile(shape, Path(folder), FIRST_DAY, LAST_DAY)
    generation = dispatch_profile(shape, profile, no_progress)
    return make_profile_files(
        shape, days_label(FIRST_DAY, LAST_DAY), profile, generation, Form.PARQUET
    )


def as_stream(file: MeterFile) -> io.BytesIO:
    """Return a file as something to read from."""
    return io.BytesIO(file.content)


if __name__ == "__main__":
    for file in written_files():
        (READINGS / file.name).write_bytes(file.content)
