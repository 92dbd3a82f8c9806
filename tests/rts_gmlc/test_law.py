"""The RTS-GMLC market carries the published figures, and its readings the published hours."""

import pyarrow.parquet as pq
import pytest

from rulebook.folders import left_out_of
from tests.rts_gmlc import law, readings

LICENCE = "LICENSE.md"


def test_the_law_is_all_that_its_folder_holds_but_the_notice_of_the_data():
    assert [each.place for each in left_out_of([law.FOLDER])] == [str(law.FOLDER / LICENCE)]


def test_the_notice_goes_along_with_every_copy():
    notices = [(folder / LICENCE).read_bytes() for folder in (law.FOLDER, readings.READINGS)]
    assert notices[0] == notices[1]
    assert notices[0].startswith(b"DATA USE DISCLAIMER AGREEMENT")


def test_its_size_is_that_of_the_published_system():
    rules = readings.law()
    units = [unit for registration in rules.registrations for unit in registration.units]
    points = [point for each in rules.registrations for point in each.supply_points]
    grid = rules.grid_model
    assert (len(grid.nodes), len(grid.lines), len(units), len(points)) == (73, 121, 155, 51)
    assert rules.allocation_policy.fair_play is None


@pytest.mark.real_data
def test_the_notice_is_that_of_the_data():
    assert (law.FOLDER / LICENCE).read_bytes() == (law.DATA / LICENCE).read_bytes()


@pytest.mark.real_data
def test_grid_and_registrations_are_written_from_the_data():
    """`python -m tests.rts_gmlc.law` writes them again."""
    written = law.written_files()
    assert [path.name for path, text in written.items() if path.read_text() != text] == []
    generated = {*law.FOLDER.glob("registration/*.yaml"), law.FOLDER / "grid-model.yaml"}
    assert generated == set(written)


@pytest.mark.real_data
def test_readings_are_those_of_the_data(monkeypatch):
    """`python -m tests.rts_gmlc.readings` writes them again.

    What units generate is not compared, and so not dispatched here: another release of the solver
    may choose among programmes that cost the same.
    """
    available = lambda _shape, profile, _progress: [day.available_w for day in profile]  # noqa: E731
    monkeypatch.setattr(readings, "dispatch_profile", available)
    written = {file.name: file for file in readings.written_files()}
    stored = {path.name: path for path in readings.READINGS.glob("*.parquet")}
    assert stored.keys() == written.keys()
    for name, path in stored.items():
        if "generation" not in name:
            stored_table = pq.read_table(path)
            assert stored_table.equals(pq.read_table(readings.as_stream(written[name]))), name


def test_units_generate_what_the_loads_take():
    """To a Wh: power is rounded to whole Wh unit by unit."""
    sums = {}
    for path in readings.READINGS.glob("*.parquet"):
        table = pq.read_table(path).group_by("interval_start").aggregate([("value", "sum")])
        rows = zip(table["interval_start"].to_pylist(), table["value_sum"].to_pylist(), strict=True)
        sums[path.stem.rpartition("-")[2]] = dict(rows)
    assert sums["generation"].keys() == sums["demand"].keys()
    misses = [sums["generation"][hour] - wh for hour, wh in sums["demand"].items()]
    assert len(misses) == 31 * 24
    assert max(map(abs, misses)) <= 1
