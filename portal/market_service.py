"""Who is served when not all can be: what was short in the last interval, and in whose turn."""

from collections.abc import Sequence
from dataclasses import dataclass

from common.quantities import ppm, scaled
from portal.market_view import MarketNow, Part
from portal.queries.market_now import OnlineLaw, Published

MOST_SHORT = 12
PPM_DIGITS = 6


@dataclass(frozen=True)
class Promise:
    """What a product promises, which says in which turn it is served, and with which weight."""

    title: str
    promise: str
    window: str
    weight: str


@dataclass(frozen=True)
class Service:
    """Who is served, and what was short when an interval ended last.

    Attributes:
        ended: the end of the last interval; None where none was published of this law.
        short: parts that wanted more than could be delivered to them then, the shortest first.
        promises: of each product, what is promised most first; empty where no rule serves in turns.
    """

    ended: Published | None
    short: tuple[Part, ...]
    promises: tuple[Promise, ...]


def service(law: OnlineLaw, ends: Sequence[Published]) -> Service:
    """Return who is served by a law.

    Args:
        ends: what was published at the ends of intervals, in their order.
    """
    ended = next((each for each in reversed(ends) if each.law == law.digest), None)
    short = MarketNow(law, [ended]).short[:MOST_SHORT] if ended else ()
    if law.policy is None or law.policy.fair_play is None:
        return Service(ended, short, ())
    products = sorted(
        law.rules.products, key=lambda each: (-each.reliability_ppm, -(each.tier_weight_ppm or 0))
    )
    promises = tuple(
        Promise(
            each.title,
            ppm(each.reliability_ppm),
            f"within {each.window_minutes:,} minutes" if each.window_minutes else "at once",
            scaled(each.tier_weight_ppm or 10**PPM_DIGITS, PPM_DIGITS),
        )
        for each in products
    )
    return Service(ended, short, promises)
