"""What tables of studies and trials show: how figures are named, explained and written.

Figures are rounded for reading; the stored report, and `manage.py study --json`, hold the exact
ones.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from common.currencies import NO_BREAK_SPACE, currency
from common.names import in_natural_order
from common.quantities import MICRO, MINUS, scaled

SMALL_MICRO = 1_000 * MICRO
SMALL_WH = 10 * MICRO
Write = Callable[[int, str], str]
"""Writes a figure, given the currency."""


@dataclass(frozen=True)
class Figure:
    """How a figure of the report is named, explained and written."""

    name: str
    title: str
    meaning: str
    write: Write


def money(micro: int, code: str) -> str:
    """Return an amount in whole units of the currency, or to the minor one where it is small.

    >>> money(1_234_567_890_000, "GBP"), money(89_807_733, "GBP"), money(-4_999, "GBP")
    ('£1,234,568', '£89.81', '£0.00')
    """
    digits = 0 if abs(micro) >= SMALL_MICRO else currency(code).minor_digits
    unit = MICRO // 10**digits
    rounded = (abs(micro) + unit // 2) // unit
    sign = MINUS if micro < 0 and rounded else ""
    whole, part = divmod(rounded, 10**digits)
    return f"{sign}{currency(code).sign}{whole:,}" + (f".{part:0{digits}d}" if digits else "")


def energy(wh: int, _currency: str = "") -> str:
    """Return energy in whole MWh, or with three decimals where it is small.

    >>> energy(12_345_678_900), energy(1_234_567)
    ('12,346\\xa0MWh', '1.235\\xa0MWh')
    """
    if abs(wh) >= SMALL_WH or not wh:
        return f"{scaled(_rounded(wh, MICRO), 0)}{NO_BREAK_SPACE}MWh"
    return f"{scaled(_rounded(wh, 1_000), 3)}{NO_BREAK_SPACE}MWh"


def tonnes(grams: int, _currency: str = "") -> str:
    """Return grams in whole tonnes.

    >>> tonnes(1_234_567_890_123)
    '1,234,568'
    """
    return scaled(_rounded(grams, MICRO), 0)


def percent(value: int, _currency: str = "") -> str:
    """Return parts per million as a percentage with one decimal.

    >>> percent(123_456), percent(1_032_129)
    ('12.3\\xa0%', '103.2\\xa0%')
    """
    return f"{scaled(_rounded(value, 1_000), 1, at_least=1)}{NO_BREAK_SPACE}%"


def index(value: int, _currency: str = "") -> str:
    """Return parts per million as a number from 0 to 1 with three decimals.

    >>> index(123_456)
    '0.123'
    """
    return scaled(_rounded(value, 1_000), 3, at_least=3)


def count(value: int, _currency: str = "") -> str:
    """Return a whole number."""
    return scaled(value, 0)


def yes_or_no(value: int, _currency: str = "") -> str:
    """Return yes or no."""
    return "yes" if value else "no"


def carbon_not_stated(units: Collection[str]) -> str:
    """Return in words whose carbon no figure has; nothing where that is nobody's.

    >>> carbon_not_stated({"G10", "G2"})
    'No registration states the carbon intensity of G2, G10: what they emit is not counted.'
    """
    if not units:
        return ""
    names = ", ".join(in_natural_order(units))
    return f"No registration states the carbon intensity of {names}: what they emit is not counted."


def _rounded(value: int, unit: int) -> int:
    sign = -1 if value < 0 else 1
    return sign * ((abs(value) + unit // 2) // unit)


SERVED = (
    Figure("served_wh", "Energy served", "What would be delivered of it.", energy),
    Figure(
        "unserved_wh", "Energy not served", "Asked for and not delivered: the shortage.", energy
    ),
    Figure(
        "lowest_delivery_ppm",
        "Worst served supply point",
        "What was delivered there over what was asked for.",
        percent,
    ),
    Figure(
        "jain_ppm",
        "Evenness of service",
        "Jain index of delivered over desired: 1 where every supply point gets the same part.",
        index,
    ),
)
"""Who is served; of reports of earlier releases, the same under every design."""
OPERATION = (
    Figure("desired_wh", "Energy asked for", "By all supply points together.", energy),
    Figure(
        "moved_wh",
        "Energy that waited",
        "Asked for later, within its window, as the price of the interval before was high.",
        energy,
    ),
    Figure(
        "wasted_wh",
        "Could have been served",
        "The most that units, as fast as they ramp, and lines could have delivered beside losses, "
        "less what was served: waste.",
        energy,
    ),
    Figure(
        "curtailed_wh",
        "Free energy left unused",
        "Available at an offer of nothing, such as wind, and not generated.",
        energy,
    ),
    Figure("fuel_micro", "Fuel", "Paid to units for what they generate, as offered.", money),
    Figure(
        "highest_tightness_ppm",
        "Highest tightness",
        "Demand over deliverable supply in the tightest part of the grid; above 100 % not all can "
        "be served there.",
        percent,
    ),
    Figure(
        "short_intervals",
        "Intervals with a shortage",
        "In which somebody got less than asked.",
        count,
    ),
)
SERVICE = (
    *SERVED,
    Figure(
        "not_billed_micro",
        "Not billed, as not served",
        "What was asked for and not served would cost at the marginal prices of the design; a dash "
        "where it has none.",
        money,
    ),
    Figure(
        "carbon_g",
        "Carbon dioxide, t",
        "Equivalent, of what units generate, by the intensity that their registrations state.",
        tonnes,
    ),
)
PRICES = (
    Figure("highest_micro_per_mwh", "Highest price", "At any node in any interval, a MWh.", money),
    Figure("lowest_micro_per_mwh", "Lowest price", "At any node in any interval, a MWh.", money),
    Figure("mean_micro_per_mwh", "Mean price", "Over all nodes and intervals, a MWh.", money),
    Figure(
        "volatility_ppm", "Volatility", "Standard deviation of prices over their mean.", percent
    ),
    Figure(
        "largest_step_micro_per_mwh",
        "Largest step",
        "Most that a price moves from one interval to the next.",
        money,
    ),
    Figure(
        "intervals_at_cap", "Intervals at the cap", "In which at least one node is there.", count
    ),
    Figure(
        "intervals_at_floor",
        "Intervals at the floor",
        "In which at least one node is there.",
        count,
    ),
    Figure(
        "within_bounds",
        "Within floor and cap",
        "Whether every price kept the bounds of the law.",
        yes_or_no,
    ),
)
COST = (
    Figure("charges_micro", "Charges", "What supply points pay.", money),
    Figure("payments_micro", "Payments", "What units are paid.", money),
    Figure(
        "movement_micro",
        "Charges less payments",
        "Into the equalisation account; under marginal prices, what the network earns.",
        money,
    ),
    Figure("charges_micro_per_mwh", "Charges a MWh served", "Charges over energy served.", money),
)
HOUSEHOLDS = (
    Figure(
        "gini_ppm",
        "Gini index of charges",
        "0 where every household bears the same, 1 where one bears all; above 1 where some are "
        "compensated by more than they are charged.",
        index,
    ),
    Figure("lowest_micro", "Lowest charge a household", "On average at one supply point.", money),
    Figure("highest_micro", "Highest charge a household", "On average at one supply point.", money),
)
