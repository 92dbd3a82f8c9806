"""What a period beside the market in force comes to: sums by party, and what is left out. Pure."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from common.refusals import Finding
from settlement.billing.lines import Side
from settlement.core.rounding import WH_PER_MWH
from settlement.runs.run import Run
from settlement.studies.wholesale_prices import WholesalePrices

Party = tuple[Side, str, str]
"""Side, participant, and product of supply points or technology of units."""


@dataclass
class PartySum:
    """What a party comes to under both, over the intervals that have a price.

    Attributes:
        law_wh, in_force_wh: taken or generated; net export and what storage takes in below nothing.
        law_micro: charged or paid by the law of today.
        law_of_days_micro: that, and of the intervals without a price; fairness reports sum it.
        in_force_wh_micro: energy x price, in Wh x micro per MWh, exactly.
    """

    law_wh: int = 0
    in_force_wh: int = 0
    law_micro: int = 0
    law_of_days_micro: int = 0
    in_force_wh_micro: int = 0

    @property
    def in_force_micro(self) -> int:
        """What it is charged or paid in the market in force, rounded once."""
        amount = self.in_force_wh_micro
        rounded = (2 * abs(amount) + WH_PER_MWH) // (2 * WH_PER_MWH)
        return -rounded if amount < 0 else rounded

    def gain_micro(self, side: Side) -> int:
        """Return what the party gains by the law of today; a loss is below nothing."""
        more = self.law_micro - self.in_force_micro
        return more if side is Side.PAYMENT else -more


@dataclass
class LeftOut:
    """Intervals of a day that have no price: their starts, and the law's money that is left out."""

    starts: list[dt.datetime] = field(default_factory=list)
    law_charges_micro: int = 0
    law_payments_micro: int = 0


@dataclass(frozen=True, eq=False)
class Transition:
    """The law of today beside the market in force.

    Attributes:
        run: which settled the period, and whose readings both use.
        prices: those of the period alone, of what the file has.
        intervals: of the period, with a price and without.
        left_out: by day, where an interval has no price.
    """

    run: Run
    first_day: dt.date
    last_day: dt.date
    currency: str
    prices: WholesalePrices
    intervals: int
    parties: Mapping[Party, PartySum]
    left_out: Mapping[dt.date, LeftOut]

    @property
    def findings(self) -> Iterator[Finding]:
        """Yield a finding for each day on which a price is missing."""
        for day, left in self.left_out.items():
            first, last = left.starts[0], left.starts[-1]
            yield Finding(
                "price-missing",
                f"{self.prices.file}: {self.prices.column}",
                f"no price in {len(left.starts)} intervals of {day}, "
                f"{first:%Y-%m-%dT%H:%MZ} to {last:%Y-%m-%dT%H:%MZ}",
                "an interval has a price, or no amount on either side",
                "add the prices, or read the figures without these intervals",
            )

    def total_micro(self, side: Side) -> tuple[int, int]:
        """Return all charges or payments, by the law of today and in the market in force."""
        chosen = [party for (of_side, _, _), party in self.parties.items() if of_side is side]
        return sum(each.law_micro for each in chosen), sum(each.in_force_micro for each in chosen)
