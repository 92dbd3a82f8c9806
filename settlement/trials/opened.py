"""A figure of a trial, opened: its days, the settlement periods of a day, the lines behind them.

A trial keeps no bulk, so what is opened is made again from what the trial is pinned to: all of its
days, to see what each comes to, or one day, to see its settlement periods. + is received.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from sqlalchemy.orm import Session

from ledger.journal import Account
from settlement.baselines.day import PricedDay
from settlement.billing.lines import KIND_OF_MEASURE, Subject, line_kind
from settlement.billing.posting import line_account
from settlement.core.arrays import Integers
from settlement.explanations.explain import facts_of, line_tree, readings_used
from settlement.explanations.tree import DayFacts, Explanation, ReadingFact
from settlement.meters.register import DEMAND, GENERATION
from settlement.meters.sources import reading_sources
from settlement.runs.computing import compute
from settlement.runs.results import VectorKey, run_result_digest
from settlement.runs.settle import Progress, no_progress
from settlement.studies.inputs import StudyInputs
from settlement.trials.figures import PRICE
from settlement.trials.made import METERED
from settlement.trials.records import Trial
from settlement.trials.replay import stored_day, stored_inputs, stored_law
from settlement.trials.rows import Grouping, ReportRow, grouping_of
from settlement.trials.trial import Transactions, settled_sides

_METERED_OF = {Subject.UNIT: GENERATION, Subject.SUPPLY_POINT: DEMAND}
MADE_WORDS = {
    DEMAND: "made again: what Fair Play and dispatch let it take, not what was metered",
    GENERATION: "made again: what dispatch at least cost has it generate, not what was metered",
}


class PriceRange(NamedTuple):
    """The lowest and the highest price of any node in each interval of a day, micro per MWh."""

    lowest: tuple[int, ...]
    highest: tuple[int, ...]


@dataclass(frozen=True)
class OpenedRows:
    """What rows of a report come to on each day of the trial.

    Attributes:
        days: the settlement days, in order.
        received_micro: of each row, by dimension and name, a day after the other: what is received
            on each side, the law first.
        prices: a day after the other: those of each side.
        other_sides: the sides whose results, made again, are not those that the trial names.
    """

    days: tuple[dt.date, ...]
    received_micro: Mapping[tuple[str, str], Sequence[tuple[int, ...]]]
    prices: tuple[tuple[PriceRange, ...], ...]
    other_sides: tuple[str, ...]


def open_rows(
    transactions: Transactions,
    trial: Trial,
    rows: Iterable[ReportRow],
    *,
    threads: int = 1,
    progress: Progress = no_progress,
) -> OpenedRows:
    """Settle all days of a trial again, and return what rows of its report have of each.

    Raises:
        Refused: what it was computed from is not there as it was.
    """
    with transactions() as session:
        grouping = grouping_of(stored_law(session, trial))
        inputs = stored_inputs(session, trial)
    received: dict[tuple[str, str], list[tuple[int, ...]]] = {row.key: [] for row in rows}
    digests: dict[str, list[bytes]] = {name: [] for name in inputs.sides}
    prices = []
    for done, settled in enumerate(settled_sides(inputs, threads), start=1):
        progress(done, len(inputs.days))
        of_sides = []
        for name, side in settled.items():
            digests[name].append(side.computed.digest)
            of_sides.append(_by_row(side.day.amounts, grouping))
        prices.append(tuple(_price_range(side.day.prices) for side in settled.values()))
        for key, of_days in received.items():
            of_days.append(tuple(side.get(key, 0) for side in of_sides))
    others = [
        side.side
        for side in trial.sides
        if run_result_digest(digests[side.side]) != side.result_digest
    ]
    return OpenedRows(tuple(inputs.days), received, tuple(prices), tuple(others))


def _price_range(priced: PricedDay) -> PriceRange:
    prices = priced.prices_micro_per_mwh
    return PriceRange(tuple(prices.min(axis=0).tolist()), tuple(prices.max(axis=0).tolist()))


def _by_row(amounts: Mapping[Account, int], grouping: Grouping) -> dict[tuple[str, str], int]:
    received: defaultdict[tuple[str, str], int] = defaultdict(int)
    for account, amount in amounts.items():
        for key in grouping.rows_of(account):
            received[key] -= amount
    return received


@dataclass(frozen=True, eq=False)
class OpenedSide:
    """A day of a side: what is known of it, and what each line receives, shape (T,)."""

    facts: DayFacts
    received_micro: Mapping[Account, Integers]

    def node_of(self, line: Account) -> str | None:
        """Return the node of what a line is about; None for a charge, and where nobody has it."""
        register, subject = self.facts.register, line_kind(line.kind).subject
        if subject is Subject.UNIT and line.subject in register.units:
            return register.units[line.subject][1].node
        point = line_kind(line.kind).entity_of(line.subject)
        if subject in (Subject.SUPPLY_POINT, Subject.BOOKING) and point in register.supply_points:
            return register.supply_points[point][1].node
        return None

    def price_micro_per_mwh(self, line: Account) -> Integers | None:
        """Return the price at the node of a line, shape (T,)."""
        node = self.node_of(line)
        return None if node is None else self.facts.results[PRICE, node]

    def metered_wh(self, line: Account) -> Integers | None:
        """Return the energy of the unit or supply point of a line, shape (T,)."""
        measure = _METERED_OF.get(line_kind(line.kind).subject)
        fact = None if measure is None else self.facts.readings.get((measure, line.subject))
        return None if fact is None else fact.values

    def received(self, line: Account) -> Integers:
        """Return what a line receives in each interval; nothing where the side has no such line."""
        nothing = np.zeros(len(self.facts.starts), dtype=np.int64)
        return self.received_micro.get(line, nothing)

    def tree(self, line: Account, interval: int) -> Explanation:
        """Return why a line has its amount, charged or paid, in an interval from 0."""
        if line not in self.received_micro:
            label = f"{line.subject}: {line.participant} has no such line on this side"
            return Explanation(label, 0, "micro")
        kind, owner = line_kind(line.kind), str(line.participant)
        return line_tree(self.facts, kind, line.subject, owner, interval, sign=1)


@dataclass(frozen=True, eq=False)
class OpenedDay:
    """A day of every side of a trial; `grouping` is that of all of its days."""

    sides: Mapping[str, OpenedSide]
    grouping: Grouping

    def lines(self, row: ReportRow) -> list[Account]:
        """Return the lines of a row that have an amount on any side, in order."""
        found = {
            line
            for side in self.sides.values()
            for line, received in side.received_micro.items()
            if received.any() and row.key in self.grouping.rows_of(line)
        }
        return sorted(found, key=lambda line: (str(line.participant), line.kind, line.subject))


def open_day(session: Session, trial: Trial, day: dt.date) -> OpenedDay:
    """Settle one day of a trial again, on every side.

    Raises:
        Refused: what it was computed from is not there as it was.
    """
    law = stored_law(session, trial)
    sources = reading_sources(session, trial.market, day, trial.known_at)
    sides = {}
    for name, inputs in stored_day(session, trial, law, day).items():
        known = inputs.known if isinstance(inputs, StudyInputs) else inputs
        computed = next(compute(inputs, 1, days=[day]))
        results = {(each.measure, each.entity): each.values for each in computed.vectors}
        used = readings_used(day, known, sources)
        facts = facts_of(day, known.periods[-1].rules, results, used, inputs.day_readings)
        sides[name] = opened_side(facts if known is inputs else _made_again(facts))
    return OpenedDay(sides, grouping_of(law))


def opened_side(facts: DayFacts) -> OpenedSide:
    """Return what each line of a settled day receives."""
    received = {}
    for (measure, entity), values in facts.results.items():
        if measure in KIND_OF_MEASURE:
            currency = facts.rules.market_rules.currency
            line = line_account(facts.rules.market, currency, facts.register, measure, entity)
            received[line] = -KIND_OF_MEASURE[measure].sign * values
    return OpenedSide(facts, received)


def _made_again(facts: DayFacts) -> DayFacts:
    """Return the facts of a day with what was made of it in place of what was metered."""
    readings: dict[VectorKey, ReadingFact] = dict(facts.readings)
    for (measure, entity), values in facts.results.items():
        if measure in METERED:
            metered = METERED[measure]
            nothing = np.zeros_like(values)
            readings[metered, entity] = ReadingFact(
                values, nothing, {}, None, made=MADE_WORDS[metered]
            )
    return replace(facts, readings=readings)
