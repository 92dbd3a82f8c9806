"""What a market remembers of the promises of its bookings, and whose turn it is by that.

Memory is of a *group*, a product at a node: energy that was booked, as far as it was promised, less
what was delivered of it, in the calendar month by the market's clock. It is an exact whole number
and saturates nowhere: a ratio would forget (compare arXiv 2606.17217, whose shortage memory is an
integrator held in [0, 1]). Nobody comes to have a deficit by asking: only what was booked counts.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from market.core.online import OnlineMarket
from settlement.core.periods import settlement_day
from settlement.core.tightness import PPM

WITHOUT_CONTRACT = "flexible"
"""The product of what is asked for where the law has no contracts."""
Group = tuple[str, str]
"""Node and product."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MINUTE, _LAST_MINUTE = 0, 2**32 - 2**31 // 6
"""Minutes since 1970 whose local day can be told: until the year 9455."""


def month_of(minute: int, zone: str) -> tuple[int, int]:
    """Return the local year and month of a moment in minutes since 1970.

    A moment before 1970 or beyond the year 9455 counts as the first or last that can be told.
    """
    told = min(max(minute, _FIRST_MINUTE), _LAST_MINUTE)
    day = settlement_day(_EPOCH + timedelta(minutes=told), zone)
    return day.year, day.month


@dataclass(frozen=True, slots=True)
class Terms:
    """What the law promises a group: parts per million delivered, and the weight of its tier."""

    promise_ppm: int = PPM
    tier_ppm: int = PPM


@dataclass
class Promises:
    """Memory of the month in which the market's clock stands.

    Attributes:
        month: year and month; None before there is a clock.
        promised: in millionths of Wh, by the promise of the law when it was told.
        delivered: in Wh.
    """

    month: tuple[int, int] | None = None
    promised: dict[Group, int] = field(default_factory=dict)
    delivered: dict[Group, int] = field(default_factory=dict)

    def reach(self, month: tuple[int, int]) -> bool:
        """Move on to a month, of which nothing is remembered; return whether it is a later one.

        By law that counts as begun what was handed in, and then by none, it may seem to go back.
        """
        if self.month is not None and month <= self.month:
            return False
        self.month, self.promised, self.delivered = month, {}, {}
        return True

    def is_past(self, minute: int, zone: str) -> bool:
        """Whether a moment is of a month before the one that was over when this one began."""
        year, month = self.month or (0, 0)
        return month_of(minute, zone) < ((year, month - 1) if month > 1 else (year - 1, 12))

    def tell(self, group: Group, promise_ppm: int, booked_wh: int, delivered_wh: int) -> None:
        """Remember what was booked of an interval, and delivered; either may be corrected by it."""
        self.promised[group] = self.promised.get(group, 0) + promise_ppm * booked_wh
        self.delivered[group] = self.delivered.get(group, 0) + delivered_wh

    def deficit(self, group: Group) -> int:
        """Return what a group lacks of what it was promised, in millionths of Wh; + is lacking.

        Example: 1,000 Wh were booked under a promise of 990,000 ppm and 900 delivered: 90 lack.
        """
        return self.promised.get(group, 0) - PPM * self.delivered.get(group, 0)


def terms_of(market: OnlineMarket) -> dict[Group, Terms]:
    """Return what the law promises each group; of others all is promised, at a weight of one."""
    fair_play = market.model.fair_play
    if fair_play is None:
        return {}
    contracts = fair_play.contracts
    return {
        group: Terms(promise, tier)
        for group, promise, tier in zip(
            contracts.groups,
            contracts.promise_ppm.tolist(),
            contracts.tier_ppm.tolist(),
            strict=True,
        )
    }


def product_of(market: OnlineMarket, row: int) -> str:
    """Return the product under which a supply point asks, by its row: that of its contract."""
    fair_play = market.model.fair_play
    if fair_play is None:
        return WITHOUT_CONTRACT
    contracts = fair_play.contracts
    return contracts.groups[int(contracts.point_group[row])][1]
