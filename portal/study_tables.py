"""The report of a study as tables to read: one column a market design, one row a figure.

A cell holds the figure under the shock, the same without it, and which way it went. Figures are
rounded for reading; the stored report, and `manage.py study --json`, hold the exact ones.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.currencies import NO_BREAK_SPACE, currency
from common.quantities import MICRO, MINUS, scaled

UNKNOWN = "–"
SMALL_MICRO = 1_000 * MICRO
SMALL_WH = 10 * MICRO
DESIGNS = {
    "settled": "Market maker",
    "nodal": "Nodal price",
    "uniform": "Uniform price",
    "flat": "Flat tariff",
}
"""What people call the designs, in the order of the columns."""

Write = Callable[[int, str], str]
"""Writes a figure, given the currency."""


@dataclass(frozen=True)
class Cell:
    """A figure under the shock and without it; `direction` is up, down or same."""

    after: str
    before: str
    direction: str


@dataclass(frozen=True)
class Row:
    """One figure: its name, what it means, and a cell a column."""

    title: str
    meaning: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """Figures of one sort; `key` names it in addresses."""

    key: str
    title: str
    lead: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


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


def _rounded(value: int, unit: int) -> int:
    sign = -1 if value < 0 else 1
    return sign * ((abs(value) + unit // 2) // unit)


OPERATION = (
    Figure("desired_wh", "Energy asked for", "By all supply points together.", energy),
    Figure("served_wh", "Energy served", "What of it would have been delivered.", energy),
    Figure(
        "unserved_wh", "Energy not served", "Asked for and not delivered: the shortage.", energy
    ),
    Figure(
        "wasted_wh",
        "Could have been served",
        "The most that units and lines could have delivered, less what was served: waste.",
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


def tables(report: Mapping[str, Any]) -> list[Table]:
    """Return every table of a report."""
    return [
        _operation_table(report),
        _design_table(
            report, "prices", "Prices", "How far prices move, and whether bounds hold.", PRICES
        ),
        _design_table(
            report,
            "cost",
            "Cost",
            "The flat tariff recovers what the market maker pays units, at one price.",
            COST,
        ),
        _design_table(
            report,
            "households",
            "Households",
            "How charges are spread over households; what they take differs too.",
            HOUSEHOLDS,
            _lorenz_rows(report),
        ),
        Table(
            "places",
            "The same product at different places",
            "Highest less lowest charge a MWh over supply points of one product, over its mean.",
            tuple(DESIGNS.values()),
            tuple(_place_rows(report)),
        ),
        Table(
            "charges",
            "Charges by participant and product",
            "What a supplier pays for a MWh served.",
            tuple(DESIGNS.values()),
            tuple(_party_rows(report, "charge")),
        ),
        Table(
            "payments",
            "Payments by participant and technology",
            "What an owner is paid, in all.",
            tuple(DESIGNS.values()),
            tuple(_party_rows(report, "payment")),
        ),
    ]


def _operation_table(report: Mapping[str, Any]) -> Table:
    return Table(
        "operation",
        "Service and waste",
        "What runs and who is served is the same under every design; they differ in money.",
        ("All designs",),
        tuple(
            Row(
                figure.title,
                figure.meaning,
                (_cell(report["operation"], figure, report["currency"]),),
            )
            for figure in OPERATION
        ),
    )


def _design_table(
    report: Mapping[str, Any],
    key: str,
    title: str,
    lead: str,
    figures: tuple[Figure, ...],
    more: tuple[Row, ...] = (),
) -> Table:
    rows = tuple(
        Row(
            figure.title,
            figure.meaning,
            tuple(
                _cell(
                    {side: report["designs"][design][side][key] for side in ("before", "after")},
                    figure,
                    report["currency"],
                )
                for design in DESIGNS
            ),
        )
        for figure in figures
    )
    return Table(key, title, lead, tuple(DESIGNS.values()), (*rows, *more))


def _cell(sides: Mapping[str, Mapping[str, Any]], figure: Figure, currency: str) -> Cell:
    before, after = (sides[side][figure.name] for side in ("before", "after"))
    return compare(before, after, figure.write, currency)


def compare(before: int | None, after: int | None, write: Write, currency: str) -> Cell:
    """Return a cell of two figures; what is written alike went nowhere."""
    words = [UNKNOWN if figure is None else write(figure, currency) for figure in (before, after)]
    if before is None or after is None or words[0] == words[1]:
        return Cell(words[1], words[0], "same")
    return Cell(words[1], words[0], "up" if after > before else "down")


def _lorenz_rows(report: Mapping[str, Any]) -> tuple[Row, ...]:
    """Return the Lorenz curve at three points: the lowest tenth, half, and nine tenths."""
    named = ((1, "The tenth that bears least"), (5, "The half that bears least"),
             (9, "All but the tenth that bears most"))  # fmt: skip
    return tuple(
        Row(
            title,
            "Its part of all household charges.",
            tuple(
                compare(
                    _lorenz_ppm(report["designs"][design]["before"], tenth),
                    _lorenz_ppm(report["designs"][design]["after"], tenth),
                    percent,
                    "",
                )
                for design in DESIGNS
            ),
        )
        for tenth, title in named
    )


def _lorenz_ppm(side: Mapping[str, Any], tenth: int) -> int | None:
    curve: Sequence[int] = side["households"]["lorenz_ppm"]
    return curve[tenth - 1] if curve else None


def _place_rows(report: Mapping[str, Any]) -> Iterator[Row]:
    designs = report["designs"]
    spreads = {
        (design, side, place["product"]): place["spread_ppm"]
        for design in DESIGNS
        for side in ("before", "after")
        for place in designs[design][side]["places"]
    }
    for product in sorted({product for _, _, product in spreads}):
        yield Row(
            product,
            "",
            tuple(
                compare(
                    spreads.get((design, "before", product)),
                    spreads.get((design, "after", product)),
                    percent,
                    "",
                )
                for design in DESIGNS
            ),
        )


def _party_rows(report: Mapping[str, Any], kind: str) -> Iterator[Row]:
    for party in report["parties"]:
        if party["side"] != kind:
            continue
        cells = (
            compare(
                _party_micro(party.get("before"), design, kind),
                _party_micro(party.get("after"), design, kind),
                money,
                report["currency"],
            )
            for design in DESIGNS
        )
        yield Row(f"{party['participant']}, {party['product']}", "", tuple(cells))


def _party_micro(side: Mapping[str, Any] | None, design: str, kind: str) -> int | None:
    if side is None:
        return None
    micro = int(side["micro"][design])
    if kind == "payment":
        return micro
    energy_wh = int(side["energy_wh"])
    return micro * MICRO // energy_wh if energy_wh > 0 else None
