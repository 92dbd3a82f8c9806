"""How good the number is that a run used: codes of result vectors, and words for people.

A run stores `quality.<measure>` for each entity with an interval that was not plainly measured, and
`estimated.<measure>`, the value used where it was estimated and 0 elsewhere, for each with one that
was. The codes of `quality.<measure>`:

    0        measured
    1        estimated by the meter operator
    2        missing; only while a run is prepared, which then estimates or refuses
    3        measured and flagged as implausible, settled as it is
    4        estimated by the meter operator and flagged as implausible, settled as it is
    5        its part of a measured reading of a coarser meter, which all parts sum to
    6        the same, of a reading flagged as implausible
    10 + n   estimated by step n of the rule, counted from 1
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from settlement.core.engine import ResultTable
from settlement.meters.readings import rows_of
from settlement.meters.register import QUALITY_LETTERS, SPREAD_LETTER

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

MEASURED, ESTIMATED_BY_OPERATOR, MISSING, FLAGGED, FLAGGED_ESTIMATE, SPREAD, FLAGGED_SPREAD = range(
    7
)
BY_RULE = 10
QUALITY = "quality."
ESTIMATED = "estimated."

_CODE_OF_WORD = {
    "measured": MEASURED,
    "estimated": ESTIMATED_BY_OPERATOR,
    "missing": MISSING,
}
_CODE_OF_LETTER = np.full(128, MISSING, dtype=np.int64)
for _word, _letter in QUALITY_LETTERS.items():
    _CODE_OF_LETTER[ord(_letter)] = _CODE_OF_WORD[_word]
_CODE_OF_LETTER[ord(QUALITY_LETTERS["measured"].lower())] = FLAGGED
_CODE_OF_LETTER[ord(QUALITY_LETTERS["estimated"].lower())] = FLAGGED_ESTIMATE
_CODE_OF_LETTER[ord(SPREAD_LETTER)] = SPREAD
_CODE_OF_LETTER[ord(SPREAD_LETTER.lower())] = FLAGGED_SPREAD

WORDS = {
    MEASURED: "measured",
    ESTIMATED_BY_OPERATOR: "estimated by the meter operator",
    MISSING: "missing",
    FLAGGED: "measured, implausible",
    FLAGGED_ESTIMATE: "estimated by the meter operator, implausible",
    SPREAD: "measured over a longer time, spread",
    FLAGGED_SPREAD: "measured over a longer time, spread, implausible",
}


def codes_of(quality: Sequence[str]) -> Integers:
    """Return int64[E, T], the code of every stored letter, of E vectors of T intervals.

    >>> codes_of(["MEX", "mem"]).tolist()
    [[0, 1, 2], [3, 4, 3]]
    """
    letters = np.frombuffer("".join(quality).encode("ascii"), dtype=np.uint8)
    return _CODE_OF_LETTER[letters].reshape(len(quality), -1)


def is_flagged(codes: Integers) -> Flags:
    """Return where a reading is implausible."""
    # Compared one by one: for a day, `np.isin` takes several times as long.
    flagged: Flags = (codes == FLAGGED) | (codes == FLAGGED_ESTIMATE) | (codes == FLAGGED_SPREAD)
    return flagged


def is_metered(codes: Integers) -> Flags:
    """Return where an estimate may rest on a reading: measured, or its part of what was measured.

    A day that was spread sums to what was measured, and so do its hours.
    """
    metered: Flags = (codes == MEASURED) | (codes == SPREAD)
    return metered


def is_estimated(codes: Integers) -> Flags:
    """Return where the value used is an estimate, of the meter operator or of the rule."""
    by_operator = (codes == ESTIMATED_BY_OPERATOR) | (codes == FLAGGED_ESTIMATE)
    estimated: Flags = by_operator | (codes > BY_RULE)
    return estimated


def quality_words(code: int, methods: Sequence[str]) -> str:
    """Return what a code says; `methods` are those of the rule's steps, in order.

    >>> quality_words(12, ["interpolate", "like-day"])
    'estimated by rule: like-day'
    """
    if code > BY_RULE:
        return f"estimated by rule: {methods[code - BY_RULE - 1]}"
    return WORDS[code]


@dataclass(frozen=True, eq=False)
class UsedReadings:
    """One measure of one settlement day as a run uses it: E entities, T intervals.

    Attributes:
        values: int64[E, T], measured or estimated.
        codes: int64[E, T], the quality of each.
    """

    entities: tuple[str, ...]
    values: Integers
    codes: Integers

    def values_of(self, entities: Sequence[str]) -> Integers:
        """Return int64[len(entities), T] in the order asked for.

        Raises:
            KeyError: an entity has no reading.
        """
        return rows_of(self.entities, self.values, entities)


def estimated_energy_wh(used: UsedReadings) -> tuple[int, int]:
    """Return how much of a day's metered energy is estimated, and all of it, magnitudes in Wh."""
    # Magnitudes: net export of some must not hide how much of the others was estimated.
    magnitude = np.abs(used.values)
    return int(magnitude[is_estimated(used.codes)].sum()), int(magnitude.sum())


def quality_tables(measure: str, used: UsedReadings) -> list[ResultTable]:
    """Return what a run stores of the quality of a measure.

    Entities that were plainly measured all day have no row, and a table without rows is left out.
    """
    estimated = is_estimated(used.codes)
    tables = []
    for name, is_stored, values in (
        (QUALITY, used.codes != MEASURED, used.codes),
        (ESTIMATED, estimated, np.where(estimated, used.values, 0)),
    ):
        rows = np.flatnonzero(is_stored.any(axis=1)).tolist()
        if rows:
            entities = tuple(used.entities[row] for row in rows)
            tables.append(ResultTable(name + measure, entities, values[rows]))
    return tables
