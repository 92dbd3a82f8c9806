"""Readings of a scenario: short rows over intervals, written out in the format that is ingested."""

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path

from settlement.core.periods import interval_starts
from tests.scenarios.law import BASE, Bodies
from tests.scenarios.tables import Row, ScenarioError, read_table

COLUMNS = ("day", "intervals", "entity", "measure", "value", "quality")
HEADER = "interval_start,entity,measure,value,quality"

Vector = tuple[dt.date, str, str]
"""Day, entity and measure."""


class Meters:
    """What the meters of a scenario say, vector by vector, as files change it."""

    def __init__(self, laws: Sequence[tuple[dt.date, Bodies]], days: Sequence[dt.date]) -> None:
        """Tell the base readings of some days, of what the law in force on each has registered.

        Args:
            laws: the law from each day on, earliest first.
            days: the days, in order.
        """
        rules = laws[-1][1]["market-rules"]
        zone, minutes = rules["time_zone"], rules["interval_minutes"]
        self._starts = {day: interval_starts(day, zone, minutes) for day in days}
        self._values: dict[Vector, list[tuple[int, str] | None]] = {}
        self._untold: set[Vector] = set()
        base = read_table(BASE / "readings.csv", COLUMNS)
        for day in days:
            in_force = [law for valid_from, law in laws if valid_from <= day]
            registered = _registered(in_force[-1]) if in_force else set()
            on_day = [row for row in base if row.text("entity") in registered]
            self._untold |= self._take(on_day, [day])

    def content(self, path: Path | None) -> bytes:
        """Return a file to ingest: what the rows change, and the base as far as it is not told.

        A file that is written in the format of ingestion is taken as it is.
        """
        if path is None:
            changed = set()
        else:
            text = path.read_text(encoding="utf-8")
            if text.startswith("interval_start"):
                return text.encode()
            changed = self._take(read_table(path, COLUMNS), list(self._starts))
        told, self._untold = self._untold | changed, set()
        return self._written(told)

    def _take(self, rows: Iterable[Row], days: Sequence[dt.date]) -> set[Vector]:
        """Take rows in, of their day or of all of `days`, and return the vectors they touch."""
        touched = set()
        for row in rows:
            day = row.text("day")
            for of_day in [dt.date.fromisoformat(day)] if day else days:
                if of_day not in self._starts:
                    raise ScenarioError(f"{row.place}: {day} is not among the days settled")
                vector = (of_day, row.text("entity"), row.text("measure"))
                count = len(self._starts[of_day])
                values = self._values.setdefault(vector, [None] * count)
                for interval in row.span(count):
                    is_missing = row.text("value") == "missing"
                    reading = (0, "") if is_missing else (row.number("value"), row.text("quality"))
                    values[interval] = None if is_missing else reading
                touched.add(vector)
        return touched

    def _written(self, vectors: Iterable[Vector]) -> bytes:
        rows = [HEADER]
        for day, entity, measure in sorted(vectors):
            values = self._values[day, entity, measure]
            for start, reading in zip(self._starts[day], values, strict=True):
                if reading is not None:
                    value, quality = reading
                    rows.append(f"{start:%Y-%m-%dT%H:%M:%SZ},{entity},{measure},{value},{quality}")
        return ("\n".join(rows) + "\n").encode()


def _registered(law: Bodies) -> set[str]:
    """Return the names of the units and supply points of a law."""
    return {
        member.get("unit") or member["supply_point"]
        for body in law.values()
        for member in (*body.get("units", ()), *body.get("supply_points", ()))
    }
