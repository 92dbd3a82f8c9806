"""The report of a study as tables to read: one column a market design, one row a figure.

A cell holds the figure under the shock, the same without it, and which way it went. Figures are
rounded for reading; the stored report, and `manage.py study --json`, hold the exact ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.names import in_natural_order
from common.quantities import MICRO
from portal.study_figures import (
    COST,
    HOUSEHOLDS,
    OPERATION,
    PRICES,
    SERVED,
    SERVICE,
    Figure,
    Write,
    carbon_not_stated,
    money,
    percent,
)

UNKNOWN = "–"
DESIGNS = {
    "settled": "Market maker",
    "nodal": "Nodal price",
    "uniform": "Uniform price",
    "flat": "Flat tariff",
}
"""What people call the designs, in the order of the columns."""


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


def tables(report: Mapping[str, Any]) -> list[Table]:
    """Return every table of a report."""
    return [
        _operation_table(report),
        *_service_tables(report),
        _design_table(
            report, "prices", "Prices", "How far prices move, and whether bounds hold.", PRICES
        ),
        _design_table(
            report,
            "cost",
            "Cost",
            _of_cost(report),
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
    column = "Market maker"
    lead = "What the days ask for, what runs and what is wasted under the market maker."
    figures: Sequence[Figure] = OPERATION
    if not has_service(report):
        column = "All designs"
        lead = "What runs and who is served is the same under every design; they differ in money."
        figures = (*OPERATION, *SERVED)
    rows = (
        Row(figure.title, figure.meaning, (_cell(report["operation"], figure, report["currency"]),))
        for figure in figures
        if figure.name in report["operation"]["after"]
    )
    return Table("operation", "Operation and waste", lead, (column,), tuple(rows))


def has_service(report: Mapping[str, Any]) -> bool:
    """Return whether each design serves in its own way; before, all billed what was metered."""
    return all("service" in side for side in report["designs"]["nodal"].values())


def _service_tables(report: Mapping[str, Any]) -> Iterator[Table]:
    if has_service(report):
        lead = (
            "Nodal prices serve the near first where the cap is the price everywhere; a uniform "
            "price sells as if there were no network, and what cannot be delivered is not; the "
            "flat tariff serves everybody the same part, but for those behind a full line. Each "
            "bills what it serves alone."
        )
        lead = f"{lead} {carbon_not_stated(_not_stated(report))}".rstrip()
        yield _design_table(report, "service", "Service by design", lead, SERVICE)


def _not_stated(report: Mapping[str, Any]) -> set[str]:
    """Return the units that generate, and of whose carbon nothing is known."""
    sides = [side for design in report["designs"].values() for side in design.values()]
    return {name for side in sides for name in side["service"]["carbon_not_stated"]}


def _of_cost(report: Mapping[str, Any]) -> str:
    if not has_service(report):
        return "The flat tariff recovers what the market maker pays units, at one price."
    return (
        "A uniform price pays the redispatch for the network too, and all bear it. The flat "
        "tariff recovers at one price what the market maker pays units, but fuel for what they "
        "generate under it."
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
    for product in in_natural_order({product for _, _, product in spreads}):
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
    taken = side["energy_wh"]  # an earlier release has one for all designs
    energy_wh = int(taken[design] if isinstance(taken, Mapping) else taken)
    return micro * MICRO // energy_wh if energy_wh > 0 else None
