"""What one side of a trial comes to, day by day: what `post` would move, and the prices. Pure.

A side is the law as it was, or a draft laid over it. Everything is summed by account of the ledger,
so a trial and two runs that are settled and posted by themselves move the same to the micro.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ledger.journal import Account, is_money
from rulebook.resolve import RuleSet
from settlement.baselines.day import PricedDay
from settlement.billing.held import moving_totals
from settlement.billing.posting import settled_day
from settlement.fairness.facts import DayLaw, FairDay, values_of_report
from settlement.fairness.sums import Sums
from settlement.meters.quality import UsedReadings, is_estimated
from settlement.meters.register import DEMAND, GENERATION
from settlement.rules.places import Places, places_of
from settlement.rules.register import Register, register_of
from settlement.runs.computing import ComputedDay
from settlement.runs.day_totals import DayTotal
from settlement.trials.groups import shared_places

PRICE, TIGHTNESS = "node_price_micro_per_mwh", "tightness_ppm"
TRIED = "trial"
"""In the place of a run: a trial has none."""


@dataclass(frozen=True, eq=False)
class SideDay:
    """One day of one side.

    Attributes:
        digest: over the day's results.
        amounts: what a journal of the day would hold, by account, if nothing were posted of it.
        highest_tightness_ppm: of any part of the grid in any interval.
        fair: what the figures of fairness are made of.
    """

    day: dt.date
    digest: bytes
    amounts: dict[Account, int]
    prices: PricedDay
    highest_tightness_ppm: int
    fair: FairDay


def side_day(
    market: str, rules: RuleSet, law: DayLaw, computed: ComputedDay, totals: list[DayTotal]
) -> SideDay:
    """Return what a settled day comes to under its rules.

    Args:
        law: what fairness needs of the rules.
        totals: the metered energy that the day used.
    """
    moved = moving_totals(computed.vectors)
    moved |= {(each.measure, each.entity): each.total_wh for each in totals}
    register = register_of(rules.registrations, rules.charge_lists)
    currency = rules.market_rules.currency
    settled = settled_day(market, currency, register, moved, computed.day, computed.digest)
    prices = {
        vector.entity: vector.values for vector in computed.vectors if vector.measure == PRICE
    }
    tightness = [
        int(vector.values.max()) for vector in computed.vectors if vector.measure == TIGHTNESS
    ]
    return SideDay(
        computed.day,
        computed.digest,
        dict(settled.amounts),
        PricedDay(
            tuple(prices),
            np.array(list(prices.values()), dtype=np.int64),
            rules.market_rules.price_floor_micro_per_mwh,
            rules.market_rules.price_cap_micro_per_mwh,
        ),
        max(tightness),
        FairDay(
            computed.day,
            TRIED,
            law,
            values_of_report(computed.vectors),
            {(each.measure, each.entity): each.total_wh for each in totals},
        ),
    )


@dataclass(eq=False)
class SideFigures:
    """The sums of a side, which grow day by day.

    Attributes:
        amounts: what all journals of its days would hold, by account.
        by_month: the money of each participant, by the first day of the month.
        register: all units, supply points and charges that it met.
        places: where all nodes lie that it met, by layer, as the last day has them.
        fairness: what its figures of fairness are made of.
    """

    amounts: dict[Account, int] = field(default_factory=lambda: defaultdict(int))
    by_month: dict[dt.date, dict[str, int]] = field(default_factory=dict)
    prices: dict[dt.date, list[PricedDay]] = field(default_factory=lambda: defaultdict(list))
    tightness_ppm: dict[dt.date, int] = field(default_factory=lambda: defaultdict(int))
    day_digests: list[bytes] = field(default_factory=list)
    register: Register = field(default_factory=lambda: Register({}, {}))
    places: Places = field(default_factory=dict)
    fairness: Sums = field(default_factory=Sums)
    _met: RuleSet | None = None

    def add(self, day: SideDay, rules: RuleSet) -> None:
        """Add a day, settled under its rules."""
        month = day.day.replace(day=1)
        received = self.by_month.setdefault(month, defaultdict(int))
        for account, amount in day.amounts.items():
            self.amounts[account] += amount
            if account.participant is not None and is_money(account.commodity):
                received[account.participant] -= amount
        self.prices[month].append(day.prices)
        self.tightness_ppm[month] = max(self.tightness_ppm[month], day.highest_tightness_ppm)
        self.day_digests.append(day.digest)
        self.fairness.add(day.fair)
        self.meet(rules)

    def meet(self, rules: RuleSet) -> None:
        """Take in who and what stands in the rules of a day."""
        if self._met is rules:  # the days of a period share their rules
            return
        self._met = rules
        self.places = shared_places([places_of(rules.grid_model), self.places])
        met = register_of(rules.registrations, rules.charge_lists)
        self.register = Register(
            self.register.units | met.units,
            self.register.supply_points | met.supply_points,
            self.register.charges | met.charges,
        )


@dataclass
class ReadingQuality:
    """How many intervals of metered energy the days rest on, and how many were estimated."""

    intervals: int = 0
    estimated: int = 0

    def add(self, used: Mapping[str, UsedReadings]) -> None:
        """Add the readings of a day, by measure."""
        for measure in (DEMAND, GENERATION):
            codes = used[measure].codes
            self.intervals += int(codes.size)
            self.estimated += int(is_estimated(codes).sum())
