"""The files of readings are the table of their README, written out, and nothing else."""

import re

from tests.two_region.readings import (
    FIRST_DAY,
    FOLDER,
    HOURS,
    LAST_DAY,
    TIGHT_HOURS,
    is_tight,
    written_files,
)
from tests.two_region.world import Month


def test_the_files_hold_what_their_table_says():
    """`python -m tests.two_region.readings` writes them again."""
    written = written_files()
    assert sorted(FOLDER.glob("*.csv")) == sorted(written)
    assert [path.name for path, text in written.items() if path.read_text() != text] == []


def test_the_readme_counts_the_hours_right(month: Month):
    days = list(month.days)
    assert (days[0], days[-1], len(days)) == (FIRST_DAY, LAST_DAY, 28)
    tight = sum(is_tight(day, hour) for day in days for hour in HOURS)
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    stated = re.search(r"(\d+) of them; the other (\d+) are", readme)
    assert stated is not None
    assert [int(each) for each in stated.groups()] == [tight, len(days) * len(HOURS) - tight]
    assert f"from {TIGHT_HOURS.start}:00 to" in readme
    assert (len(month.tight), len(month.calm), len(month.at_rest)) == (80, 400, 192)


def test_units_generate_what_the_market_takes(month: Month):
    """What is metered is possible: no energy is missing, and the line carries what it must."""
    readings, model = month.facts.day_readings(), month.facts.model
    south = model.grid.nodes.index("south")
    taken, generated = readings.demand_wh, readings.generation_wh
    assert (taken.sum(axis=0) == generated.sum(axis=0)).all()
    assert (generated <= readings.available_w).all()
    assert (generated + readings.reserve_w <= readings.available_w).all()
    over_the_line = (
        taken[model.supply_point_node == south].sum(axis=0)
        - generated[model.unit_node == south].sum(axis=0)
    ).tolist()
    (rating_w,) = model.grid.rating_w.tolist()
    assert [load == rating_w for load in over_the_line] == [hour in TIGHT_HOURS for hour in HOURS]
    assert max(over_the_line) == rating_w
