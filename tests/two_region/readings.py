"""The month of readings, written from the table of its README.

`.venv/bin/python -m tests.two_region.readings` writes the files again.
"""

import datetime as dt
from collections import defaultdict
from pathlib import Path

from tests.conftest import ROOT

FOLDER = ROOT / "scenarios" / "two-region-readings"
FIRST_DAY, LAST_DAY = dt.date(2025, 2, 1), dt.date(2025, 2, 28)
TIGHT_HOURS = range(17, 21)
HOURS = range(24)
SATURDAY = 5
HEADER = "interval_start,entity,measure,value,quality"
FILE_OF_MEASURE = {
    "metered_generation_wh": "generation",
    "available_w": "availability",
    "reserve_w": "reserve",
    "metered_demand_wh": "demand",
}
MEGA = 1_000_000
Pattern = dict[str, list[tuple[str, int, int]]]
"""By measure: an entity, and what it reads in a calm hour and in a tight one, in Wh or W."""


def is_tight(day: dt.date, hour: int) -> bool:
    """Return whether an hour of a day is one of those in which supply is scarce."""
    return day.weekday() < SATURDAY and hour in TIGHT_HOURS


def stated_pattern() -> Pattern:
    """Return the table of the README, whose meters report several measures each."""
    pattern: Pattern = defaultdict(list)
    for line in (FOLDER / "README.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[1] in FILE_OF_MEASURE:
            entity, measure, calm, tight = cells
            pattern[measure].append((entity, _in_units(calm), _in_units(tight)))
    return dict(pattern)


def _in_units(cell: str) -> int:
    """Return a whole number of MW or MWh in W or Wh.

    >>> _in_units("−20 MWh")
    -20000000
    """
    return int(cell.split(maxsplit=1)[0].replace("\N{MINUS SIGN}", "-")) * MEGA


def written_files() -> dict[Path, str]:
    """Return what each file holds: a row an hour and meter, in the order of the days.

    Dublin keeps Greenwich time in February, so an hour of the day is that of UTC.
    """
    days = [FIRST_DAY + dt.timedelta(days=n) for n in range((LAST_DAY - FIRST_DAY).days + 1)]
    files = {}
    for measure, meters in stated_pattern().items():
        rows = [
            f"{day}T{hour:02}:00Z,{entity},{measure},{value},measured"
            for day in days
            for entity, calm, tight in meters
            for hour in HOURS
            for value in [tight if is_tight(day, hour) else calm]
        ]
        name = f"two-region-2025-02-{FILE_OF_MEASURE[measure]}.csv"
        files[FOLDER / name] = "\n".join([HEADER, *rows]) + "\n"
    return files


if __name__ == "__main__":
    for path, text in written_files().items():
        path.write_text(text, encoding="utf-8", newline="\n")
