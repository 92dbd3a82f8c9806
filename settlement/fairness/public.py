"""What everybody, and what one participant, may be told of a fairness report. Pure.

Ratios of products, nodes and parts of the grid are for everybody, and so are prices. Energy and
money are sums over participants: which of them may be told together, the rule of trials says
(`settlement.fairness.suppression`); what it withholds is null. Where the energy of a product is
withheld, so is its part of all energy and of all charges, which would tell it. So would charges per
MWh: those of all are the mean of those of products, and by two such means the parts of three
products are solved. So of withheld products those of other designs are withheld; those of all, too,
where they narrow a part down; and those of the cheapest and dearest node where there are but two.
What was delivered of what was due is such a mean, too: of products, places, days and whatever else
has parts that are told, it is told as coarsely as a fifth of what lies between its parts; of a
product at a node in a month, of which promises are, to the ppm.
Days and intervals are told as ratios alone, and of intervals what is nobody's, such as prices; of
units everybody is told technologies, by the same rule, and of supply points nothing. A participant
is told its own units and supply points whole.

A sum whose difference from the same sum of an earlier report tells of one is withheld as well, and
so are charges per MWh of it: energy and charges that were told before, and a price, tell the rest.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from settlement.fairness.definitions import FIGURE_OF
from settlement.fairness.intervals import NOBODYS
from settlement.fairness.public_sums import (
    ALL,
    ENERGY,
    OF_FIGURES,
    OF_POINTS,
    OF_UNITS,
    TOTALS,
    Report,
    Row,
    figure_sum,
    given_away,
    node_sum,
    place_sum,
    product_sum,
    sums_of_points,
    sums_of_units,
    technology_sum,
)
from settlement.fairness.suppression import (
    LEAST_REST_PPM,
    PPM,
    Parts,
    is_small_sum,
    told_sums,
)

COSTS = ("charged_micro", "taken_wh", "cost_share_ppm", "energy_share_ppm", "tight_share_ppm")
PARTS_OF_SPREAD = 5
OF_ALL = "cost_micro_per_mwh"
EXTREMES = ("lowest_cost_micro_per_mwh", "highest_cost_micro_per_mwh")
REWARDS = (
    "reward_share_ppm", "shapley_share_ppm", "paid_micro", "pots_micro", "fuel_micro",
    "fixed_micro", "capital_micro",
)  # fmt: skip
SHORT = ("missed_wh", "deferred_wh", "interval_missed_wh", "interval_deferred_wh")


def public_part(report: Report, earlier: Sequence[Report] = ()) -> dict[str, Any]:
    """Return what everybody may be told, of a report without its public part.

    Args:
        earlier: kept reports of the market with their public parts, as the store finds them.
    """
    away = given_away(report, earlier)
    told = _told_of_points(report, away)
    products = {row["product"] for row in report["products"] if product_sum(row["product"]) in told}
    withheld = _withheld(report, away, ALL in told)
    if ALL in away or tells_a_part(report["products"], products, _value(report, OF_ALL)):
        withheld.add(OF_ALL)
    return {
        **{
            name: report[name]
            for name in (
                "format", "market", "first_day", "last_day", "currency", "days", "intervals",
                "promises", "promises_kept", "convergence", "prices", "access",
                "units_with_capital",
            )
        },
        "figures": [_figure(row, withheld) for row in report["figures"]],
        "findings": [
            without(row, ("ours", "theirs") if row["figure"] in withheld else ())
            for row in report["findings"]
        ],
        **{name: report[name] if ALL in told else None for name in TOTALS},
        "products": [
            row
            if row["product"] in products
            else without(_as_mean(report, row), _of_product(report, row["product"], away))
            for row in report["products"]
        ],
        "groups": [without(row, ENERGY) for row in report["groups"]],
        "months": [without(_as_mean(report, row), ENERGY) for row in report["months"]],
        "nodes": [
            row if node_sum(row["node"]) in told else without(_as_mean(report, row), ENERGY)
            for row in report["nodes"]
        ],
        "places": [
            row if place_sum(row) in told else without(_as_mean(report, row), ENERGY)
            for row in report["places"]
        ],
        "technologies": _technologies(report, away),
        "calendar": [_day(row) for row in report["calendar"]],
        "by_interval": [told_intervals(row) for row in report["by_interval"]],
        "worst": [_day(row) for row in report["worst"]],
        "designs": _designs(report["designs"], withheld, products),
    }  # fmt: skip


def coarse(mean: int | None, parts: Collection[int]) -> int | None:
    """Return a mean of parts as coarsely as keeps untold how much each weighs.

    In steps of the power of ten that is not below a fifth of what lies between the parts, rounded
    down, and not below the lowest: of parts that are alike it is told as it is.

    >>> coarse(936_410, [939_543, 933_607]), coarse(999_612, [999_600, 1_000_000])
    (933607, 999600)
    >>> coarse(999_958, [999_600, 1_000_000]), coarse(7, [7, 7]), coarse(None, [])
    (999900, 7, None)
    """
    if mean is None or not parts:
        return mean
    step, spread = 1, max(parts) - min(parts)
    while step * PARTS_OF_SPREAD < spread:
        step *= 10
    return max(mean // step * step, min(*parts, mean))


def _as_mean(report: Report, row: Row) -> dict[str, Any]:
    """Return a row of service with its ratios as means of the groups that it holds.

    What was promised is such a mean, too, where the law promised another part from a day on.
    """
    holons = {each["node"]: each["places"] for each in report["nodes"]}
    parts = [
        group
        for group in report["groups"]
        if group["delivered_ppm"] is not None
        and all(
            row[name] in (None, group[name]) for name in ("month", "node", "product") if name in row
        )
        and ("layer" not in row or holons.get(group["node"], {}).get(row["layer"]) == row["holon"])
    ]
    told = [name for name in ("delivered_ppm", "promised_ppm") if name in row]
    return {**row, **{name: coarse(row[name], [each[name] for each in parts]) for name in told}}


def own_part(report: Report, participant: str) -> dict[str, Any]:
    """Return what a participant may be told of its own beside the public part."""
    return {
        name: [row for row in report[name] if row["participant"] == participant]
        for name in ("units", "supply_points")
    }


def without(row: Row, names: Iterable[str]) -> dict[str, Any]:
    """Return a row in which what is named is null; names that it lacks are passed over."""
    withheld = set(names)
    return {name: None if name in withheld else value for name, value in row.items()}


def _told_of_points(report: Report, away: Collection[str]) -> set[str]:
    """Return which sums over supply points may be told together."""
    parts = Parts(
        (point["participant"], [point[column] or 0 for column in OF_POINTS])
        for point in report["supply_points"]
    )
    return told_sums(parts, sums_of_points(report), [ALL], withheld=away)


def _technologies(report: Report, away: Collection[str]) -> list[dict[str, Any]]:
    parts = Parts(
        (unit["participant"], [unit[column] for column in OF_UNITS]) for unit in report["units"]
    )
    told = told_sums(parts, sums_of_units(report), [], withheld=away)
    return [
        without(row, () if technology_sum(row["technology"]) in told else REWARDS)
        for row in report["technologies"]
    ]


def tells_a_part(products: Iterable[Row], told: Collection[str], mean: int | None) -> bool:
    """Return whether charges per MWh of all tell a withheld product's part of all energy.

    They are the mean of those of products, weighed by energy. They tell a part where the highest
    that agrees with them is less than a tenth above the lowest.

    >>> rows = [{"product": p, "cost_micro_per_mwh": c} for p, c in zip("abc", (60, 80, 100))]
    >>> tells_a_part(rows[:2], {}, 70), tells_a_part(rows, {}, 70), tells_a_part(rows, "abc", 70)
    (True, False, False)
    """
    costs = {row["product"]: row[OF_ALL] for row in products if row[OF_ALL] is not None}
    if mean is None or len(costs) < 2:
        return False
    for product in costs.keys() - set(told):
        cost, others = costs[product], [c for name, c in costs.items() if name != product]
        # With one other beyond the mean, and with as little of any as can be.
        parts = [
            Fraction(abs(other - mean), abs(other - cost))
            for other in others
            if (other - mean) * (cost - mean) < 0
        ]
        if cost == mean:
            parts = [Fraction(1)]
        lowest = min(parts, default=Fraction(0))
        if min(others) <= mean <= max(others):
            lowest = Fraction(0)
        highest = max(parts, default=Fraction(0))
        if (highest - lowest) * PPM < lowest * LEAST_REST_PPM:
            return True
    return False


def _value(report: Report, code: str) -> int | None:
    return next((row["value"] for row in report["figures"] if row["code"] == code), None)


def _of_product(report: Report, product: str, away: Collection[str]) -> tuple[str, ...]:
    """Return what is withheld of a product whose energy is."""
    if product_sum(product) in away:
        return (*ENERGY, *COSTS, OF_ALL, *EXTREMES)
    nodes = {row["node"] for row in report["supply_points"] if row["product"] == product}
    return (*ENERGY, *COSTS, *(EXTREMES if len(nodes) == 2 else ()))


def _withheld(report: Report, away: Collection[str], is_energy_told: bool) -> set[str]:
    """Return the figures that are sums over participants and may not be told, by code.

    What the equalisation account keeps is nobody's, and what is wasted went to nobody.
    """
    # What is generated less what is used and lost would tell either of both by the other.
    withheld = set() if is_energy_told else {"ungenerated_wh"}
    for code, (table, column) in OF_FIGURES.items():
        by_owner: dict[str, int] = {}
        for row in report[table]:
            owner = row["participant"]
            by_owner[owner] = by_owner.get(owner, 0) + (row[column] or 0)
        is_energy = FIGURE_OF[code].unit == "Wh"
        is_small = is_small_sum(by_owner.values()) or figure_sum(code) in away
        if is_small or (is_energy and not is_energy_told):
            withheld.add(code)
    return withheld


def _figure(row: Row, withheld: Collection[str]) -> dict[str, Any]:
    """Return a figure; of one that is withheld, those of other designs are nearly the same."""
    if row["code"] not in withheld:
        return dict(row)
    return {**row, "value": None, "designs": dict.fromkeys(row["designs"])}


def _day(row: Row) -> dict[str, Any]:
    """Return a day or an interval in ratios alone; which run it is of, everybody may know."""
    kept = {name: value for name, value in row.items() if name not in SHORT}
    for name in ("short_ppm", "late_ppm"):
        # Beside nodes at which nothing was short, which have no row.
        kept[name] = coarse(row[name], [0, *(node[name] for node in row["nodes"])])
    kept["nodes"] = [
        {name: value for name, value in node.items() if name not in SHORT} for node in row["nodes"]
    ]
    return kept


def told_intervals(row: Row) -> dict[str, Any]:
    """Return the intervals of a day: prices, and by which layer and tightness they are so high."""
    told = {name: column for name, column in row["columns"].items() if name in NOBODYS}
    return {**row, "columns": told}


def _designs(
    designs: Mapping[str, Any] | None, withheld: Collection[str], products: Collection[str]
) -> dict[str, Any] | None:
    """Return what other designs come to; of products charges per MWh alone, of those told."""
    if designs is None or "why_not" in designs:
        return None if designs is None else dict(designs)
    return {
        name: {
            "figures": without(design["figures"], withheld),
            "access": design["access"],
            "products": [
                without(row, COSTS if row["product"] in products else (*COSTS, OF_ALL, *EXTREMES))
                for row in design["products"]
            ],
        }
        for name, design in designs.items()
    }
