"""A shadow period: the law of today beside the market in force, in which energy has one price.

Units are paid, and supply points charged, the wholesale price for what was metered; fuel, costs,
capacity and networks of the market in force are in no meter and so in no figure. Beside it stands
what the law of today settled of the same intervals, for what it counts as taken.

An interval without a price has no amount, on either side: it is left out and named. What a party
comes to is exact until its sum, which is rounded once to the nearest micro, halves away from zero;
totals are sums of parties.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Self

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from rulebook.resolve import RulePeriod, RuleSet
from settlement.baselines.comparison import covering_run
from settlement.billing.lines import Side, measures_of_designs
from settlement.core.arrays import Integers
from settlement.core.model import DayReadings
from settlement.core.periods import interval_starts
from settlement.rules.register import register_of
from settlement.runs import store
from settlement.runs.inputs import run_inputs
from settlement.runs.pinned import pinned_periods
from settlement.runs.results import VectorKey
from settlement.runs.run import Run
from settlement.studies.transition_sums import LeftOut, Party, PartySum, Transition
from settlement.studies.wholesale_prices import WholesalePrices

SIDE_BY_MEASURE = {measure: side for side in Side for measure in measures_of_designs(side)}
TAKEN = "taken_wh"


def compare_with_market_in_force(
    session: Session,
    market: str,
    first_day: dt.date,
    last_day: dt.date,
    prices: WholesalePrices,
) -> Transition:
    """Return what every party comes to by the law of today, and at wholesale prices.

    Raises:
        Refused: no run covers the period, its inputs are incomplete, or no interval has a price.
    """
    run = covering_run(session, market, first_day, last_day)
    return compare_run(session, run, first_day, last_day, prices)


def compare_run(
    session: Session, run: Run, first_day: dt.date, last_day: dt.date, prices: WholesalePrices
) -> Transition:
    """Return what every party comes to by a run of the period, and at wholesale prices.

    Raises:
        Refused: inputs of the run are incomplete, no interval has a price, or a price of the period
            begins in the middle of an interval.
    """
    shadow = _Shadow(prices)
    currency = ""
    for first, last, rules in pinned_periods(session, run):
        period = RulePeriod(max(first, first_day), min(last, last_day), rules)
        if period.first_day > period.last_day:
            continue
        currency = rules.market_rules.currency
        inputs = run_inputs(session, run.market, [period], run.known_at)
        model = inputs.contracts.model_on(period.first_day)
        for day in inputs.days:
            settled = _Settled.of(store.stored_values(store.day_vectors(session, run.id, day)))
            shadow.add(rules, inputs.metered(day, model), settled)
    if between := shadow.between_intervals():
        raise Refused([_price_between(prices, between)])
    if shadow.intervals == sum(len(left.starts) for left in shadow.left_out.values()):
        raise Refused([_no_price_at_all(prices, first_day, last_day)])
    return Transition(
        run,
        first_day,
        last_day,
        currency,
        replace(prices, micro_per_mwh=shadow.used),
        shadow.intervals,
        shadow.parties,
        shadow.left_out,
    )


def _price_between(prices: WholesalePrices, found: list[dt.datetime]) -> Finding:
    more = f", the first of {len(found):,} such prices" if len(found) > 1 else ""
    return Finding(
        "price-between-intervals",
        f"{prices.file}: {prices.column}",
        f"a price of {found[0]:%Y-%m-%dT%H:%MZ}{more}",
        "a price of the period begins with an interval of the market",
        "give the price of each interval: of shorter ones their mean",
    )


def _no_price_at_all(prices: WholesalePrices, first_day: dt.date, last_day: dt.date) -> Finding:
    return Finding(
        "no-price-in-period",
        f"{prices.file}: {prices.column}",
        f"{len(prices.micro_per_mwh):,} prices, none from {first_day} to {last_day}",
        "at least one interval of the period has a price",
        "choose days of which the file has prices",
    )


@dataclass(frozen=True, eq=False)
class _Settled:
    """What the settlement of a day says of each entity, shape (T,) each.

    Attributes:
        micro: by side and entity, all measures that a design sets.
        taken_wh: by supply point, what contracts served; empty where the law has no Fair Play.
    """

    micro: Mapping[tuple[Side, str], list[int]]
    taken_wh: Mapping[str, list[int]]

    @classmethod
    def of(cls, results: Mapping[VectorKey, Integers]) -> Self:
        micro: dict[tuple[Side, str], list[int]] = {}
        taken_wh = {}
        for (measure, entity), values in results.items():
            if measure == TAKEN:
                taken_wh[entity] = values.tolist()
            side = SIDE_BY_MEASURE.get(measure)
            if side is not None:
                before = micro.get((side, entity), [0] * len(values))
                more = values.tolist()
                micro[side, entity] = [a + b for a, b in zip(before, more, strict=True)]
        return cls(micro, taken_wh)

    def total_micro(self, side: Side, intervals: Collection[int]) -> int:
        """Return the money of one side, of everybody, in some intervals."""
        return sum(
            values[at]
            for (of_side, _), values in self.micro.items()
            if of_side is side
            for at in intervals
        )


class _Shadow:
    """Sums that grow day by day."""

    def __init__(self, prices: WholesalePrices) -> None:
        self.prices = prices
        self.intervals = 0
        self.begin: set[dt.datetime] = set()
        self.end = dt.datetime.min.replace(tzinfo=dt.UTC)
        self.used: dict[dt.datetime, int] = {}
        self.parties: dict[Party, PartySum] = defaultdict(PartySum)
        self.left_out: dict[dt.date, LeftOut] = {}

    def between_intervals(self) -> list[dt.datetime]:
        """Return when prices of the days begin that no interval of them begins with, in order."""
        first = min(self.begin, default=self.end)
        of_days = (at for at in self.prices.micro_per_mwh if first <= at < self.end)
        return sorted(at for at in of_days if at not in self.begin)

    def add(self, rules: RuleSet, metered: DayReadings, settled: _Settled) -> None:
        """Add a day to every party, and what of it has no price to what is left out."""
        law = rules.market_rules
        starts = [
            start.astimezone(dt.UTC)
            for start in interval_starts(metered.day, law.time_zone, law.interval_minutes)
        ]
        self.begin.update(starts)
        self.end = starts[-1] + dt.timedelta(minutes=law.interval_minutes)
        price = [self.prices.micro_per_mwh.get(start) for start in starts]
        priced = [(at, micro) for at, micro in enumerate(price) if micro is not None]
        unpriced = [at for at, micro in enumerate(price) if micro is None]
        self.intervals += len(starts)
        self.used |= {starts[at]: micro for at, micro in priced}
        if unpriced:
            self.left_out[metered.day] = LeftOut(
                [starts[at] for at in unpriced],
                settled.total_micro(Side.CHARGE, unpriced),
                settled.total_micro(Side.PAYMENT, unpriced),
            )
        for key, entity, metered_wh in _metered(rules, metered):
            side, party = key[0], self.parties[key]
            taken_wh = metered_wh
            if side is Side.CHARGE:
                taken_wh = settled.taken_wh.get(entity, metered_wh)
            micro_of_law = settled.micro.get((side, entity))
            kept = [at for at, _ in priced]
            party.law_wh += sum(taken_wh[at] for at in kept)
            party.in_force_wh += sum(metered_wh[at] for at in kept)
            if micro_of_law is not None:
                party.law_micro += sum(micro_of_law[at] for at in kept)
                party.law_of_days_micro += sum(micro_of_law)
            party.in_force_wh_micro += sum(metered_wh[at] * micro for at, micro in priced)


def _metered(rules: RuleSet, metered: DayReadings) -> Iterator[tuple[Party, str, list[int]]]:
    """Yield the party, the name and the metered energy of each unit and supply point."""
    register = register_of(rules.registrations)
    for row, (name, (owner, unit)) in enumerate(register.units.items()):
        yield (Side.PAYMENT, owner, unit.technology), name, metered.generation_wh[row].tolist()
    for row, (name, (supplier, point)) in enumerate(register.supply_points.items()):
        yield (Side.CHARGE, supplier, point.product), name, metered.demand_wh[row].tolist()
