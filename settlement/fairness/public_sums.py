"""Which sums over participants a fairness report may tell, and what reports tell together. Pure.

The sums that both of two reports tell have a difference: of the days that one has and the other has
not, or of the meter that was corrected between them. So have a quarter and two of its months: the
third. Where that would tell too much of one participant by the rule of one report
(`settlement.fairness.suppression`), the latest withholds it.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

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


Columns = Mapping[str, Sequence[int]]
"""What each participant has of a sum, in each of the columns by which it is judged."""


class _Telling(NamedTuple):
    """A report as others are held to it.

    Attributes:
        days: each with its run.
        sums: by name; of an earlier report those that everybody is told.
    """

    days: frozenset[tuple[dt.date, str]]
    sums: Mapping[str, Columns]

    def shares_a_day(self, other: "_Telling") -> bool:
        """Return whether both have a day, be it of another run."""
        return not {day for day, _ in self.days}.isdisjoint(day for day, _ in other.days)


def given_away(report: Report, earlier: Iterable[Report]) -> set[str]:
    """Return the sums whose difference from those of earlier reports tells of one.

    Args:
        report: without its public part.
        earlier: with theirs, of the same market.
    """
    others = [_telling(each, set(_told_by(each["public"]))) for each in earlier]
    if not others:
        return set()
    # The shortest first, so that of one long report as many as can be are taken away.
    others.sort(key=lambda each: (len(each.days), sorted(each.days)))
    ours = _telling(report, None)
    return {name for name in _names(others) if _tells_of_one(name, ours, others)}


def _names(tellings: Iterable[_Telling]) -> set[str]:
    return {name for each in tellings for name in each.sums}


def _tells_of_one(name: str, ours: _Telling, others: Sequence[_Telling]) -> bool:
    """Return whether a sum of a report tells of one participant, who know it of others."""
    telling = [each for each in others if name in each.sums]
    return any(
        is_small_sum(column)
        for whole, *parts in _taken_away(ours, telling)
        for column in _differences(whole.sums.get(name, {}), [p.sums.get(name, {}) for p in parts])
    )


def _taken_away(ours: _Telling, others: Sequence[_Telling]) -> Iterator[list[_Telling]]:
    """Yield of which report which others are taken away: each alone, and parts of its days."""
    yield from ([ours, other] for other in others if ours.shares_a_day(other))
    every = [ours, *others]
    for whole in every:
        left, parts = whole.days, []
        for part in every:
            if part.days <= left and part.days != whole.days:
                parts.append(part)
                left -= part.days
        if len(parts) > 1 and (ours is whole or ours in parts):
            yield [whole, *parts]


def _telling(report: Report, told: AbstractSet[str] | None) -> _Telling:
    """Return a report's days and those of its sums that are told; None: every one."""
    days = frozenset(
        (dt.date.fromordinal(ordinal), str(row["run"]))
        for row in report["runs"]
        for ordinal in range(
            dt.date.fromisoformat(row["first_day"]).toordinal(),
            dt.date.fromisoformat(row["last_day"]).toordinal() + 1,
        )
    )
    sums = _columns_of_sums(report)
    return _Telling(days, {name: sums[name] for name in sums if told is None or name in told})


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
    owned: dict[str, list[int]] = {}
    for place in places:
        row = rows[place]
        sums = owned.setdefault(row["participant"], [0] * len(columns))
        for number, column in enumerate(columns):
            sums[number] += row[column] or 0
    return owned


def _differences(whole: Columns, parts: Sequence[Columns]) -> Iterator[list[int]]:
    """Yield of each column what is left of a sum, one of each participant of any."""
    left = {owner: list(amounts) for owner, amounts in whole.items()}
    for part in parts:
        for owner, amounts in part.items():
            found = left.setdefault(owner, [0] * len(amounts))
            for number, amount in enumerate(amounts):
                found[number] -= amount
    yield from map(list, zip(*left.values(), strict=True))
