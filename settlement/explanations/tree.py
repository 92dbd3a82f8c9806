"""What an explanation is, and the facts of a day that it is made from."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rulebook.clause_text import FilledText
from rulebook.resolve import RuleSet
from settlement.core.booked import OnlineDay
from settlement.core.charges import excess_wh
from settlement.core.engine import DayReadings, MarketModel
from settlement.core.fair_play_market import DayShares, fair_play_outcome, shares_of_day
from settlement.meters.estimation import Estimate
from settlement.meters.readings import ReadingSource
from settlement.rules.register import Register
from settlement.runs.results import VectorKey


@dataclass(frozen=True)
class CitedClause:
    """A clause in the version that a run or a document obeyed, its names filled in."""

    anchor: str
    text: FilledText
    instrument: str
    digest: bytes


@dataclass(frozen=True)
class Explanation:
    """A number, what it is, and what it came from.

    Attributes:
        label: what the number is.
        value: the number, an integer in `unit`.
        unit: micro (of the currency), Wh, W, kW, ppm, micro/MWh, the last per percentage point of
            tightness, or empty.
        formula: how it came about, with the numbers filled in.
        source: for a reading: revision, quality, when it came and in which file.
        clauses: the law that it rests on.
        children: the numbers that it was made from.
        is_missing: there is no figure: people see a dash, and `formula` says why; `value` is then
            what counts in its place.
        owner: the participant whose affairs the number tells of; empty where it is everyone's.
        day, interval: set where the number is of a day, or of an interval of it.
    """

    label: str
    value: int
    unit: str
    formula: str = ""
    source: str = ""
    clauses: tuple[CitedClause, ...] = ()
    children: tuple["Explanation", ...] = ()
    owner: str = ""
    is_missing: bool = False
    day: dt.date | None = None
    interval: int | None = None


def cited_clauses(tree: Explanation) -> Iterator[CitedClause]:
    """Yield every clause that an explanation rests on, as often as it does."""
    yield from tree.clauses
    for child in tree.children:
        yield from cited_clauses(child)


@dataclass(frozen=True, eq=False)
class ReadingFact:
    """One day vector of readings as a run used it, and where it came from.

    Attributes:
        values: shape (T,), measured or estimated.
        codes: shape (T,), the quality of each, as in `settlement.meters.quality`.
        estimates: what was estimated by rule, by interval.
        source: None where nothing was received and all is estimated.
        made: how it was made, where it was not metered; else empty.
    """

    values: np.ndarray
    codes: np.ndarray
    estimates: Mapping[int, Estimate]
    source: ReadingSource | None
    made: str = ""


@dataclass(frozen=True, eq=False)
class DayFacts:
    """All that one run knows of one day.

    Attributes:
        results: the stored result vectors by measure and entity.
        readings: the readings that the run used, by measure and entity.
        day_readings: returns the day as the engine was given it.
        online: what a market online had handed over of the day, whether it counts or not.
    """

    day: dt.date
    starts: Sequence[dt.datetime]
    rules: RuleSet
    model: MarketModel
    register: Register
    results: Mapping[VectorKey, np.ndarray]
    readings: Mapping[VectorKey, ReadingFact]
    day_readings: Callable[[], DayReadings]
    online: OnlineDay | None = None

    @cached_property
    def settled(self) -> DayReadings:
        """The day as it settles: of supply points, what their contracts let them take."""
        return fair_play_outcome(self.model, self.day_readings()).readings

    @cached_property
    def covered_wh(self) -> np.ndarray:
        """What supply points take within the blocks of their contracts, shape (G, T)."""
        blocks, requests = self.model.charging.blocks, self.settled.requests
        if blocks is None or requests is None:
            return self.settled.demand_wh
        taken_before = requests.state.taken_wh
        return self.settled.demand_wh - excess_wh(blocks, taken_before, self.settled.demand_wh)

    @cached_property
    def fair_play_shares(self) -> DayShares:
        """What Fair Play gave on the day; LookupError where no rule applied it."""
        if self.model.fair_play is None:
            raise LookupError(f"no rule applies Fair Play on {self.day}")
        return shares_of_day(self.model, self.model.fair_play, self.day_readings())

    def result(self, measure: str, entity: str, interval: int) -> int:
        """Return one result; 0 where the run has none for the entity."""
        values = self.results.get((measure, entity))
        return 0 if values is None else int(values[interval])

    def total(self, measure: str, interval: int) -> int:
        """Return the sum of a measure over all entities in one interval."""
        return sum(
            int(values[interval]) for (name, _), values in self.results.items() if name == measure
        )

    def day_total(self, measure: str) -> int:
        """Return the sum of a measure over all entities and intervals."""
        return sum(
            int(values.sum()) for (name, _), values in self.results.items() if name == measure
        )
