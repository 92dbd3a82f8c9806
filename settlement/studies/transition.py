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
from dataclasses import replace

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from rulebook.resolve import RulePeriod, RuleSet
from settlement.baselines.comparison import covering_run
from settlement.billing.lines import Side, measures_of_designs
from settlement.core.model import DayReadings
from settlement.core.periods import interval_starts
from settlement.rules.compile import compile_rules
from settlement.rules.register import register_of
from settlement.runs import store
from settlement.runs.inputs import run_inputs
from settlement.runs.pinned import pinned_periods
from settlement.runs.results import VectorKey
from settlement.runs.run import Run
from settlement.studies.transition_sums import LeftOut, Party, PartySum, Transition
from settlement.studies.wholesale_prices import WholesalePrices


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
        Refused: inputs of the run are incomplete, or no interval has a price.
    """
    shadow = _Shadow(prices)
    currency = ""
    for first, last, rules in pinned_periods(session, run):
        period = RulePeriod(max(first, first_day), min(last, last_day), rules)
        if period.first_day > period.last_day:
            continue
        currency = rules.market_rules.currency
        inputs, model = (
            run_inputs(session, run.market, [period], run.known_at),
            compile_rules(rules),
        )
        for day in inputs.days:
            vectors = store.stored_values(store.day_vectors(session, run.id, day))
            settled = {key: values.tolist() for key, values in vectors.items()}
            shadow.add(rules, inputs.metered(day, model), settled)
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


def _no_price_at_all(prices: WholesalePrices, first_day: dt.date, last_day: dt.date) -> Finding:
    return Finding(
        "no-price-in-period",
        f"{prices.file}: {prices.column}",
        f"{len(prices.micro_per_mwh):,} prices, none from {first_day} to {last_day}",
        "at least one interval of the period has a price",
        "choose days of which the file has prices",
    )


class _Shadow:
    """Sums that grow day by day."""

    def __init__(self, prices: WholesalePrices) -> None:
        self.prices = prices
        self.intervals = 0
        self.used: dict[dt.datetime, int] = {}
        self.parties: dict[Party, PartySum] = defaultdict(PartySum)
        self.left_out: dict[dt.date, LeftOut] = {}

    def add(
        self, rules: RuleSet, metered: DayReadings, settled: Mapping[VectorKey, list[int]]
    ) -> None:
        """Add a day to every party, and what of it has no price to what is left out."""
        law = rules.market_rules
        starts = [
            start.astimezone(dt.UTC)
            for start in interval_starts(metered.day, law.time_zone, law.interval_minutes)
        ]
        price = [self.prices.micro_per_mwh.get(start) for start in starts]
        priced = [(at, micro) for at, micro in enumerate(price) if micro is not None]
        unpriced = [at for at, micro in enumerate(price) if micro is None]
        self.intervals += len(starts)
        self.used |= {starts[at]: micro for at, micro in priced}
        if unpriced:
            self.left_out[metered.day] = LeftOut(
                [starts[at] for at in unpriced],
                _money(settled, Side.CHARGE, None, unpriced),
                _money(settled, Side.PAYMENT, None, unpriced),
            )
        for key, entity, metered_wh in _metered(rules, metered):
            side, party = key[0], self.parties[key]
            taken_wh = metered_wh
            if side is Side.CHARGE:  # what contracts served, where the law has Fair Play
                taken_wh = settled.get(("taken_wh", entity), metered_wh)
            kept = [at for at, _ in priced]
            party.law_wh += sum(taken_wh[at] for at in kept)
            party.in_force_wh += sum(metered_wh[at] for at in kept)
            party.law_micro += _money(settled, side, entity, kept)
            party.in_force_wh_micro += sum(metered_wh[at] * micro for at, micro in priced)


def _metered(rules: RuleSet, metered: DayReadings) -> Iterator[tuple[Party, str, list[int]]]:
    """Yield the party, the name and the metered energy of each unit and supply point."""
    register = register_of(rules.registrations)
    for row, (name, (owner, unit)) in enumerate(register.units.items()):
        yield (Side.PAYMENT, owner, unit.technology), name, metered.generation_wh[row].tolist()
    for row, (name, (supplier, point)) in enumerate(register.supply_points.items()):
        yield (Side.CHARGE, supplier, point.product), name, metered.demand_wh[row].tolist()


def _money(
    settled: Mapping[VectorKey, list[int]],
    side: Side,
    entity: str | None,
    intervals: Collection[int],
) -> int:
    """Return the money of one side in some intervals, of one entity or of all."""
    measures = measures_of_designs(side)
    return sum(
        sum(values[at] for at in intervals)
        for (measure, of_entity), values in settled.items()
        if measure in measures and entity in (None, of_entity)
    )
