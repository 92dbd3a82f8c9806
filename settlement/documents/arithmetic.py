"""What a line multiplies, and how lines come to pence: the arithmetic that every format shows.

**Price.** A line states a price for which `quantity × price`, rounded to pence, is the line's own
amount. Where one price with up to six decimals gives the exact amount, that is the price. Anything
else is an average: a line of half-hourly prices has the average that its quantities weigh. It is
stated with as many decimals as the product needs to round to the amount, two at least:

    17.523001 MWh for 1,072.000061 pounds:   61.17673565... a MWh
    with two decimals    17.523001 × 61.18   = 1,072.057201  -> 1,072.06, which is not the amount
    with three decimals  17.523001 × 61.177  = 1,072.004632  -> 1,072.00, which is

**Pence.** A document is rounded once for each tax, on the running total of the participant's lines
of the month that bear it (`ledger.invoice`). Its lines are rounded on the same running totals: a
line is the rounded total up to and with it, less what the document and those before it stated
already. So lines sum to the bases of their taxes, these to the net, and a line strays by a penny or
two at most from its own amount. The difference is stated as `carried`:

    exact amounts     0.4 p     0.4 p     0.4 p     sum 1.2 p
    running total     0.4       0.8       1.2
    rounded             0         1         1
    lines               0         1         0       sum 1 p, the net
    own amounts         0         0         0
    carried             0        +1         0
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ledger.invoice import Tax, round_half_away

MICRO = 1_000_000
WH_PER_MWH = 1_000_000
EXACT_DECIMALS = 6
LEAST_DECIMALS = 2
RATE_DECIMALS = 4
PRICED = {"Wh": ("MWh", WH_PER_MWH), "days": ("day", 1), "pieces": ("piece", 1)}
"""By the unit of a quantity: the unit that a price is for, and how much of the quantity that is."""


@dataclass(frozen=True)
class Price:
    """A price: `value` in 10^-`decimals` of the currency for one `unit`.

    Args:
        value, decimals: 61,177 with three decimals is 61.177.
        unit: MWh, day or piece.
        is_exact: whether quantity × price is the exact amount of the line.
    """

    value: int
    decimals: int
    unit: str
    is_exact: bool


class RoundedLine(NamedTuple):
    """A line in pence: what the document states, and how much of it was carried to the line."""

    amount_minor: int
    carried_minor: int


def price_of(
    quantity: int | None, quantity_unit: str | None, amount_micro: int, minor_unit_micro: int
) -> Price | None:
    """Return the price of a line; None where it counts nothing, or nothing on balance.

    >>> price_of(17_523_001, "Wh", 1_072_000_061, 10_000)
    Price(value=61177, decimals=3, unit='MWh', is_exact=False)
    >>> price_of(3, "pieces", 525_000_003, 10_000)
    Price(value=175000001, decimals=6, unit='piece', is_exact=True)
    >>> price_of(0, "Wh", 5, 10_000) is None
    True
    """
    if not quantity or quantity_unit not in PRICED:
        return None
    unit, divisor = PRICED[quantity_unit]
    # The price in micro, as a ratio with a positive denominator.
    sign = 1 if quantity > 0 else -1
    numerator, denominator = sign * amount_micro * divisor, abs(quantity)
    for decimals in range(LEAST_DECIMALS, EXACT_DECIMALS + 1):
        value, rest = divmod(numerator * 10**decimals, denominator * MICRO)
        if not rest:
            return Price(value, decimals, unit, True)
    own_minor = round_half_away(amount_micro, minor_unit_micro)
    decimals = LEAST_DECIMALS
    while True:
        scaled, whole = numerator * 10**decimals, denominator * MICRO
        away = -(-abs(scaled) // whole) * (1 if scaled > 0 else -1)
        for value in (round_half_away(scaled, whole), away):
            product = quantity * value * MICRO
            if round_half_away(product, divisor * 10**decimals * minor_unit_micro) == own_minor:
                is_exact = product == amount_micro * divisor * 10**decimals
                return Price(value, decimals, unit, is_exact)
        decimals += 1


def rounded_lines(
    lines: Iterable[tuple[Tax, int]], billed_micro: Mapping[Tax, int], minor_unit_micro: int
) -> list[RoundedLine]:
    """Return each line in pence, in the order given; those of a tax sum to its base.

    Args:
        lines: the tax of each, and its exact amount in micro.
        billed_micro: what the lines of the participant's earlier documents of the month come to.
        minor_unit_micro: micro in a penny.

    >>> exempt = Tax("E", 0)
    >>> [line.amount_minor for line in rounded_lines([(exempt, 4_000)] * 3, {}, 10_000)]
    [0, 1, 0]
    """
    totals_micro = dict(billed_micro)
    found = []
    for tax, amount_micro in lines:
        before_micro = totals_micro.get(tax, 0)
        totals_micro[tax] = before_micro + amount_micro
        stated, before = (
            round_half_away(total_micro, minor_unit_micro)
            for total_micro in (totals_micro[tax], before_micro)
        )
        own = round_half_away(amount_micro, minor_unit_micro)
        found.append(RoundedLine(stated - before, stated - before - own))
    return found


def decimal_text(value: int, decimals: int, *, thousands: str = "") -> str:
    """Write an integer in 10^-`decimals` as a decimal number, with all its decimals.

    >>> decimal_text(-1234567, 2, thousands=","), decimal_text(5, 3), decimal_text(7, 0)
    ('-12,345.67', '0.005', '7')
    """
    whole, rest = divmod(abs(value), 10**decimals)
    digits = f"{whole:,}".replace(",", thousands)
    sign = "-" if value < 0 else ""
    return f"{sign}{digits}.{rest:0{decimals}d}" if decimals else f"{sign}{digits}"


def rate_text(rate_ppm: int) -> str:
    """Write a rate in percent, without needless decimals.

    >>> rate_text(190_000), rate_text(175_500), rate_text(0)
    ('19', '17.55', '0')
    """
    return decimal_text(rate_ppm, RATE_DECIMALS).rstrip("0").rstrip(".")
