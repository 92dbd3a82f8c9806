"""The readings of a file gathered into day vectors, each a day of one entity and measure."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from common.refusals import Finding
from settlement.meters.cells import ReadingTable
from settlement.meters.placing import INTERVAL, NOWHERE, Placed
from settlement.meters.register import (
    MEASURES,
    MISSING,
    QUALITY_LETTERS,
    SPREAD_LETTER,
    Calendar,
    MeterRegister,
)
from settlement.meters.resolution import spread_wh, sum_wh

Integers = NDArray[np.int64]
Letters = NDArray[np.uint8]

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


class Gathered:
    """The readings of a file gathered into V day vectors of at most W readings.

    What a vector has numbers for is what readings of its own resolution cover; `vectors` brings it
    to the intervals of the market.

    Attributes:
        first_row: int64[V], index of the first reading of each vector.
        row_count: int64[V], readings of the vector, those at no number too.
        day, measure, entity: int64[V], index of each.
        resolution: int64[V], as in `Placed`.
        minutes: int64[V], what one reading covers.
        count: int64[V], how many readings the day has.
        vector: int64[B], of each reading that belongs to one, its vector; `belongs` their indices.
        rows: the readings that have a number, and `cell` the number of each among V x W.
        seen: int64[V, W], readings of each number.
    """

    def __init__(
        self, table: ReadingTable, placed: Placed, register: MeterRegister, calendar: Calendar
    ) -> None:
        self.table, self.placed, self.calendar = table, placed, calendar
        self.belongs = belongs = np.flatnonzero(placed.reportable)
        entities = max(len(table.entity.names), 1)
        key = (placed.day[belongs] * len(MEASURES) + placed.measure[belongs]) * entities
        distinct, first, vector = np.unique(
            key + table.entity.codes[belongs], return_index=True, return_inverse=True
        )
        self.vector, self.first_row = vector, belongs[first]
        self.row_count = np.bincount(vector, minlength=len(distinct))
        self.day = distinct // (entities * len(MEASURES))
        self.measure = distinct // entities % len(MEASURES)
        self.entity = distinct % entities
        self.resolution = placed.resolution[self.first_row]
        intervals = np.array([terms.interval_minutes for terms in register.terms], np.int64)
        self.interval_minutes = intervals[calendar.terms[self.day]]
        own = self.resolution != INTERVAL
        self.minutes = np.where(own, self.resolution, self.interval_minutes)
        self.count = np.zeros(len(distinct), dtype=np.int64)
        for minutes, grid in placed.grids.items():
            of_it = self.resolution == minutes
            self.count[of_it] = grid.count[self.day[of_it]]
        width = int(self.count.max(initial=0))
        has_number = placed.interval[belongs] != NOWHERE
        self.rows = belongs[has_number]
        self.cell = vector[has_number] * width + placed.interval[self.rows]
        self.seen = np.bincount(self.cell, minlength=len(distinct) * width).reshape(
            len(distinct), width
        )

    def grid(self, vector: int) -> Calendar:
        """Return what the readings of a vector cover."""
        return self.placed.grids[int(self.resolution[vector])]

    def name(self, vector: int) -> str:
        """Return a vector as findings name it."""
        entity = self.table.entity.names[self.entity[vector]]
        measure = MEASURES[self.measure[vector]]
        return f"{entity} {measure} {self.calendar.days[self.day[vector]]}"

    def vectors(self) -> tuple[DayVector, ...]:
        """Return the day vectors of a file without findings."""
        table, believed = self.table, self.placed.believed
        letters = np.array(
            [ord(QUALITY_LETTERS.get(name, "?")) for name in table.quality.names], np.uint8
        )
        value = np.zeros(self.seen.size, dtype=np.int64)
        quality = np.full(self.seen.size, ord(UNSAID), dtype=np.uint8)
        value[self.cell] = table.value[self.rows]
        letter = letters[table.quality.codes[self.rows]]
        doubted = ~believed[self.rows] & (letter != ord(QUALITY_LETTERS[MISSING]))
        quality[self.cell] = np.where(doubted, letter | SMALL_LETTER, letter)
        value, quality = value.reshape(self.seen.shape), quality.reshape(self.seen.shape)
        made = []
        for number, (day, measure, entity, size) in enumerate(
            zip(
                self.day.tolist(),
                self.measure.tolist(),
                self.entity.tolist(),
                self.count.tolist(),
                strict=True,
            )
        ):
            values, signs = value[number, :size], quality[number, :size]
            if self.resolution[number] != INTERVAL:
                values, signs = self._in_intervals(number, values, signs)
            made.append(
                DayVector(
                    settlement_day=self.calendar.days[day],
                    measure=MEASURES[measure],
                    entity=table.entity.names[entity],
                    values=values,
                    quality=signs.tobytes().decode(),
                )
            )
        made.sort(key=lambda vector: (vector.settlement_day, vector.measure, vector.entity))
        return tuple(made)

    def _in_intervals(
        self, vector: int, values: Integers, signs: Letters
    ) -> tuple[Integers, Letters]:
        """Return the values and letters of a vector by the intervals of the market."""
        minutes, interval = int(self.minutes[vector]), int(self.interval_minutes[vector])
        if minutes < interval:
            parts = interval // minutes
            letters = _letters_of_sums(signs, parts)
            sums = sum_wh(values, parts)
            return np.where(letters == ord(QUALITY_LETTERS[MISSING]), 0, sums), letters
        parts = minutes // interval
        whole, letters = spread_wh(values, parts), _letters_of_parts(signs, parts)
        # Where clocks change by a part of a reading, what is left of the day has none.
        left = int(self.calendar.count[self.day[vector]]) - len(whole)
        return np.pad(whole, (0, left)), np.pad(letters, (0, left), constant_values=ord(UNSAID))

    def gaps(self) -> Iterator[Finding]:
        """Yield one notice where the file leaves readings out, or says that they are missing."""
        table = self.table
        says = np.array([name == MISSING for name in table.quality.names], dtype=bool)
        given = self.cell[~says[table.quality.codes[self.rows]]]
        filled = np.bincount(given // max(self.seen.shape[1], 1), minlength=len(self.count))
        short = np.flatnonzero(filled < self.count)
        if len(short):
            yield Finding(
                "incomplete-days",
                table.place(int(self.first_row[short].min())),
                f"{int((self.count - filled)[short].sum())} intervals without a reading in "
                f"{len(short)} day vectors, here first",
                "a reading an interval, measured or estimated",
                "accepted; what was known before stays, and a later file may fill the rest",
            )


def _letters_of_parts(signs: Letters, parts: int) -> Letters:
    """Return the letters of the intervals that each reading is spread over."""
    measured = ord(QUALITY_LETTERS["measured"])
    spread_letter = ord(SPREAD_LETTER)
    repeated = np.repeat(signs, parts)
    small = repeated & SMALL_LETTER
    is_measured = (repeated & ~np.uint8(SMALL_LETTER)) == measured
    return np.where(is_measured, spread_letter | small, repeated).astype(np.uint8)


def _letters_of_sums(signs: Letters, parts: int) -> Letters:
    """Return the letters of intervals that readings are summed to: as good as the worst of them.

    An interval of which a reading is missing is missing; of one, a file says all or nothing.
    """
    together = signs.reshape(-1, parts)
    large = together & ~np.uint8(SMALL_LETTER)
    letters = np.where(
        (large == ord(QUALITY_LETTERS["estimated"])).any(axis=1),
        ord(QUALITY_LETTERS["estimated"]),
        ord(QUALITY_LETTERS["measured"]),
    )
    is_doubted = ((together & SMALL_LETTER) != 0).any(axis=1) & (together != ord(UNSAID)).all(
        axis=1
    )
    letters = np.where(is_doubted, letters | SMALL_LETTER, letters)
    letters[(together == ord(QUALITY_LETTERS[MISSING])).any(axis=1)] = ord(QUALITY_LETTERS[MISSING])
    letters[(together == ord(UNSAID)).any(axis=1)] = ord(UNSAID)
    return letters.astype(np.uint8)
