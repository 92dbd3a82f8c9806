"""Which sums over participants a fairness report may tell, and what two reports tell of one. Pure.

The sums that both of two reports tell have a difference: of the days that one has and the other has
not, or of the meter that was corrected between them. Where that would tell too much of one
participant by the rule of one report (`settlement.fairness.suppression`), the later withholds it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from settlement.fairness.suppression import is_small_sum

Report = Mapping[str, Any]
Row = Mapping[str, Any]

ENERGY = (
    "desired_wh", "matured_wh", "delivered_wh", "missed_wh", "deferred_wh", "declined_wh",
    "shortfall_wh", "owed_wh",
)  # fmt: skip
TOTALS = ("refused_wh", "deferred_wh", "declined_wh", "owed_wh")
ALL = "all"
OF_POINTS = (*ENERGY, "taken_wh", "charged_micro")
"""The columns by which it is judged whether a sum of supply points tells of one participant."""
OF_UNITS = ("paid_micro", "pots_micro", "fuel_micro", "fixed_micro", "capital_micro")
OF_FIGURES: Mapping[str, tuple[str, str]] = {
    "refused_wh": ("supply_points", "missed_wh"),
    "deferred_wh": ("supply_points", "deferred_wh"),
    "over_take_micro": ("supply_points", "over_take_wh"),
    "excess_micro": ("supply_points", "excess_wh"),
    "compensation_micro": ("supply_points", "shortfall_wh"),
    "carbon_g": ("units", "carbon_milligrams"),
}
"""By code, of which column of which rows a figure is the sum; of money, what it is the price of."""

Sums = dict[str, list[int]]
"""By name, the places of the rows that each is the sum of."""


def product_sum(product: str) -> str:
    """Name the sum of a product."""
    return f"product {product}"


def node_sum(node: str) -> str:
    """Name the sum of a node."""
    return f"node {node}"


def place_sum(row: Row) -> str:
    """Name the sum of a part of the grid, of a product or of all."""
    return f"place {row['layer']}/{row['holon']} {row['product'] or ''}"


def technology_sum(technology: str) -> str:
    """Name the sum of a technology."""
    return f"technology {technology}"


def figure_sum(code: str) -> str:
    """Name the sum that a figure is."""
    return f"figure {code}"


def sums_of_points(report: Report) -> Sums:
    """Return the sums of supply points."""
    points = report["supply_points"]
    holons = {row["node"]: row["places"] for row in report["nodes"]}
    sums: Sums = {ALL: list(range(len(points)))}
    for number, point in enumerate(points):
        names = [product_sum(point["product"]), node_sum(point["node"])]
        for layer, holon in holons.get(point["node"], {}).items():
            place = {"layer": layer, "holon": holon}
            names += [place_sum({**place, "product": each}) for each in (None, point["product"])]
        for name in names:
            sums.setdefault(name, []).append(number)
    return sums


def sums_of_units(report: Report) -> Sums:
    """Return the sums of units."""
    sums: Sums = {}
    for number, unit in enumerate(report["units"]):
        sums.setdefault(technology_sum(unit["technology"]), []).append(number)
    return sums


def given_away(report: Report, earlier: Iterable[Report]) -> set[str]:
    """Return the sums that an earlier report tells, and whose difference from it tells of one.

    Args:
        report: without its public part.
        earlier: with theirs, of the same market and some of the same days.
    """
    return {name for other in earlier for name in _given_away(report, other)}


def _given_away(report: Report, other: Report) -> Iterator[str]:
    ours, theirs = _columns_of_sums(report), _columns_of_sums(other)
    for name in _told_by(other["public"]):
        if any(map(is_small_sum, _differences(ours.get(name, {}), theirs.get(name, {})))):
            yield name


def _told_by(public: Report) -> Iterator[str]:
    """Yield the sums that everybody is told of a report."""
    if _tells(public, TOTALS):
        yield ALL
    tables = (
        ("products", lambda row: product_sum(row["product"]), OF_POINTS),
        ("nodes", lambda row: node_sum(row["node"]), ENERGY),
        ("places", place_sum, ENERGY),
        ("technologies", lambda row: technology_sum(row["technology"]), OF_UNITS),
    )
    for table, name_of, columns in tables:
        yield from (name_of(row) for row in public[table] if _tells(row, columns))
    for row in public["figures"]:
        if row["code"] in OF_FIGURES and row["value"] is not None:
            yield figure_sum(row["code"])


def _tells(row: Row, columns: Iterable[str]) -> bool:
    return any(row.get(column) is not None for column in columns)


Columns = dict[str, list[int]]
"""What each participant has of a sum, in each of the columns by which it is judged."""


def _columns_of_sums(report: Report) -> dict[str, Columns]:
    """Return every sum by participant."""
    points, units = report["supply_points"], report["units"]
    found = {name: _by_owner(points, at, OF_POINTS) for name, at in sums_of_points(report).items()}
    for name, at in sums_of_units(report).items():
        found[name] = _by_owner(units, at, OF_UNITS)
    for code, (table, column) in OF_FIGURES.items():
        rows = report[table]
        found[figure_sum(code)] = _by_owner(rows, range(len(rows)), (column,))
    return found


def _by_owner(rows: Sequence[Row], places: Iterable[int], columns: Sequence[str]) -> Columns:
    owned: Columns = {}
    for place in places:
        row = rows[place]
        sums = owned.setdefault(row["participant"], [0] * len(columns))
        for number, column in enumerate(columns):
            sums[number] += row[column] or 0
    return owned


def _differences(ours: Columns, theirs: Columns) -> Iterator[list[int]]:
    """Yield of each column the differences, one of each participant of either."""
    width = len(next(iter((ours or theirs).values()), []))
    nothing = [0] * width
    for number in range(width):
        yield [
            ours.get(owner, nothing)[number] - theirs.get(owner, nothing)[number]
            for owner in ours.keys() | theirs.keys()
        ]
