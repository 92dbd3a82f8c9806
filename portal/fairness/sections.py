"""The sections of a fairness report: F1 to F4 and conduct, beside other designs. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from common.names import natural_key
from portal.charts.chart import Chart
from portal.fairness import pictures
from portal.fairness.shown import Definition, Row, Section, Table
from portal.fairness.summary import designs_of, figure_of, no_worse, worse
from portal.fairness.words import (
    MARKET,
    NONE,
    UNIT_WORDS,
    Report,
    amount,
    design_title,
    evenness,
    exact_part,
    price,
    share,
    some,
    with_sign,
    written,
    years,
)
from portal.study_figures import energy
from rulebook.documents import GridModel
from settlement.fairness.definitions import FIGURES, Dimension, Figure

DayAddress = Callable[[str], str]
"""Leads from a day to its page; returns nothing where there is none for the reader."""

TITLES = {
    Dimension.REWARD: "F1 · Fair reward",
    Dimension.DELIVERY: "F2 · Fair delivery",
    Dimension.ACCESS: "F3 · Fair access",
    Dimension.COST: "F4 · Fair sharing of costs",
    Dimension.CONDUCT: "Waste, bounds, volatility and carbon",
}
ASKED = {
    Dimension.REWARD: "Is who keeps the system going rewarded by what each contributes?",
    Dimension.DELIVERY: "Is everybody served what was promised?",
    Dimension.ACCESS: "Where not all could be served, was what there was shared evenly?",
    Dimension.COST: "Does everybody bear the cost of the burden that they are?",
    Dimension.CONDUCT: "Was anything wasted, did prices stay within their bounds, what was moved?",
}
KEYS = {
    Dimension.REWARD: "reward",
    Dimension.DELIVERY: "delivery",
    Dimension.ACCESS: "access",
    Dimension.COST: "cost",
    Dimension.CONDUCT: "conduct",
}
BESIDE = (
    "Beside this market stand the same days under three other designs: each place at its marginal "
    "price, all at one marginal price, and one flat tariff that recovers what units are paid. A "
    "dash stands where a design has no such figure."
)
METERED = (
    "Of this market stands what was metered, even where it is more than units generated; the "
    "others serve no more than was available, with losses, each day by itself. So what they refuse "
    "and emit also differs by what meters leave unexplained (`manage.py energy RUN`)."
)
MOST_ROWS = 60
"""Places of a matrix; the file has all."""


def sections(
    report: Report, grid: GridModel | None, zone: str, day_address: DayAddress
) -> Iterator[Section]:
    """Yield the sections of a report.

    Args:
        report: whole, or what everybody may know of it; what it lacks is left out.
        grid: of its last day; None where there is none to draw.
        zone: of the market.
        day_address: see `DayAddress`.
    """
    parts: Mapping[Dimension, tuple[Iterable[Table], Iterable[Chart | None]]] = {
        Dimension.REWARD: (_reward_tables(report), [pictures.reward_chart(report)]),
        Dimension.DELIVERY: (
            _delivery_tables(report, zone, day_address),
            [
                pictures.promises_chart(report),
                pictures.convergence_chart(report),
                pictures.calendar_chart(report, zone),
                pictures.place_map(report, grid),
            ],
        ),
        Dimension.ACCESS: (_access_tables(report), [pictures.access_chart(report)]),
        Dimension.COST: ([_costs_table(report)], [pictures.burden_chart(report)]),
        Dimension.CONDUCT: ((), ()),
    }
    for dimension, (tables, charts) in parts.items():
        figures = [figure for figure in FIGURES if figure.dimension is dimension]
        worse_words = worse(report, dimension)
        yield Section(
            KEYS[dimension],
            TITLES[dimension],
            (ASKED[dimension], *_of_designs(report, dimension)),
            worse_words,
            (figures_table(report, figures), *known_of(tables)),
            tuple(chart for chart in charts if chart is not None),
            tuple(map(_definition, figures)),
        )


def _of_designs(report: Report, dimension: Dimension) -> Iterator[str]:
    """Yield what is said of other designs: once, where the first of them stands."""
    if dimension is Dimension.REWARD:
        yield from (BESIDE, METERED) if designs_of(report) else [no_worse(report)]
    if worse(report, dimension):
        yield "Here the market does worse than another design:"


def product_tables(report: Report) -> Iterator[Table]:
    """Yield service and charges by product, as far as anything is known of them."""
    service = [_service_table(report)] if report["groups"] else []
    yield from known_of([*service, _costs_table(report)])


def known_of(tables: Iterable[Table]) -> Iterator[Table]:
    """Yield tables without what is neither told nor known: columns of it, and so whole tables."""
    return (table for table in map(_without_unknown_columns, tables) if table.columns)


def _without_unknown_columns(table: Table) -> Table:
    kept = [
        place
        for place in range(len(table.columns))
        if any(row.cells[place] != NONE for row in table.rows)
    ]
    rows = tuple(replace(row, cells=tuple(row.cells[at] for at in kept)) for row in table.rows)
    return replace(table, columns=tuple(table.columns[at] for at in kept), rows=rows)


def figures_table(report: Report, figures: Iterable[Figure]) -> Table:
    """Return figures of the market, and of the other designs beside it."""
    others, currency = designs_of(report), report["currency"]
    rows = []
    for figure in figures:
        found = figure_of(report, figure.code)
        values = [found["value"], *(found["designs"].get(design) for design in others)]
        cells = tuple(written(figure, value, currency) for value in values)
        rows.append(Row(figure.title, cells, definition=f"{figure.definition}."))
    columns = tuple(design_title(design) for design in (MARKET, *others))
    return Table("In figures", columns, tuple(rows), "Figure")


def _definition(figure: Figure) -> Definition:
    unit = UNIT_WORDS.get(figure.unit, figure.unit)
    return Definition(figure.title, figure.definition, figure.formula, figure.source, unit)


def _reward_tables(report: Report) -> Iterator[Table]:
    currency = report["currency"]
    technologies = report.get("technologies", ())
    if technologies:
        yield Table(
            "By technology",
            ("Units", "Share of the pots", "Share of contribution", "Difference", "Paid"),
            tuple(
                Row(
                    row["technology"],
                    (str(row["units"]), *_shares(row), amount(row["paid_micro"], currency)),
                )
                for row in technologies
            ),
            "Technology",
        )
    if report.get("units"):
        yield units_table(report["units"], currency, whose=True)


def units_table(units: Iterable[Mapping[str, Any]], currency: str, *, whose: bool = False) -> Table:
    """Return the reward and the payback of units."""
    rows = tuple(
        Row(
            row["unit"],
            (
                *_shares(row),
                amount(row["paid_micro"], currency),
                years(row["payback_milliyears"]),
                f"{row['expected_payback_years']} years",
            ),
            f"{row['technology']}, {row['participant']}" if whose else row["technology"],
        )
        for row in sorted(units, key=lambda row: natural_key(row["unit"]))
    )
    columns = (
        "Share of the pots",
        "Share of contribution",
        "Difference",
        "Paid",
        "Payback",
        "Expected",
    )
    lead = (
        "Contribution is by Shapley value. Payback is how long the capital takes to be earned by "
        "what is left of all payments after fuel and fixed cost; a dash stands where nothing is "
        "left, or there is no capital."
    )
    return Table("By unit", columns, rows, "Unit", lead)


def _shares(row: Mapping[str, Any]) -> tuple[str, str, str]:
    reward, contribution = row["reward_share_ppm"], row["shapley_share_ppm"]
    if reward is None or contribution is None:
        return share(reward), share(contribution), NONE
    difference = reward - contribution
    return share(reward), share(contribution), with_sign(share(difference), difference)


def _delivery_tables(report: Report, zone: str, day_address: DayAddress) -> Iterator[Table]:
    if not report["groups"]:
        return
    yield _service_table(report)
    yield from _month_tables(report)
    yield from _place_tables(report)
    if report.get("convergence"):
        yield _convergence_table(report)
    if report.get("worst"):
        yield _worst_table(report, zone, day_address)


def _service_table(report: Report) -> Table:
    """Return what was promised and what was delivered, by product."""
    return Table(
        "By product",
        ("Promised", "Delivered", "Promises kept", "Refused for good", "Served late", "Lacking"),
        tuple(_product_row(row) for row in report["products"]),
        "Product",
        "A promise is of a product at a node in a calendar month. What lacks of it when the month "
        "ends is compensated.",
    )


def _product_row(row: Mapping[str, Any]) -> Row:
    kept = f"{row['promises_kept']} of {row['promises']}" if row["promises"] else NONE
    wh = (_energy(row[key]) for key in ("missed_wh", "deferred_wh", "shortfall_wh"))
    parts = exact_part(row["promised_ppm"]), exact_part(row["delivered_ppm"])
    return Row(row["title"], (*parts, kept, *wh), row["product"])


def _month_tables(report: Report) -> Iterator[Table]:
    months = sorted({row["month"] for row in report["months"]})
    if len(months) < 2:
        return
    found = {(row["month"], row["product"]): row["delivered_ppm"] for row in report["months"]}
    products = [row["product"] for row in report["products"]]
    rows = tuple(
        Row(month, tuple(exact_part(found.get((month, product))) for product in products))
        for month in months
    )
    lead = "Delivered of what was due; each month is a term of its own."
    yield Table("By month", tuple(products), rows, "Month", lead)


def _place_tables(report: Report) -> Iterator[Table]:
    """Yield the delivery at each node by product: of a year, in the month with least."""
    groups = report.get("groups", ())
    lowest: dict[tuple[str, str], int] = {}
    for row in groups:
        if row["delivered_ppm"] is not None:
            key = row["node"], row["product"]
            lowest[key] = min(lowest.get(key, row["delivered_ppm"]), row["delivered_ppm"])
    nodes = [row["node"] for row in report["nodes"] if any(key[0] == row["node"] for key in lowest)]
    if not nodes:
        return
    products = [row["product"] for row in report["products"]]
    promised = ", ".join(
        f"{row['product']} {exact_part(row['promised_ppm'])}" for row in report["products"]
    )
    rows = tuple(
        Row(node, tuple(exact_part(lowest.get((node, product))) for product in products))
        for node in nodes[:MOST_ROWS]
    )
    is_year = len({row["month"] for row in groups}) > 1
    when = " in the month in which it was least" if is_year else ""
    more = f" The file has all {len(nodes)} nodes." if len(nodes) > MOST_ROWS else ""
    lead = f"Delivered of what was due{when}. Promised: {promised}.{more}"
    yield Table("By place", tuple(products), rows, "Node", lead)


def _convergence_table(report: Report) -> Table:
    """Return who was behind its promise where a day ended, those that were most first."""
    found = []
    for row in report["convergence"]:
        most = max(row["days"], key=lambda each: each["shortfall_ppm"])
        cells = (
            str(len(row["days"])),
            share(most["shortfall_ppm"]),
            pictures.day_words(most["day"]),
            pictures.day_words(row["days"][-1]["day"]),
        )
        name = f"{row['product']} at {row['node']}"
        found.append((-most["shortfall_ppm"], name, Row(name, cells, row["month"])))
    rows = tuple(row for *_, row in sorted(found, key=lambda each: each[:2])[:MOST_ROWS])
    more = f" The file has all {len(found)}." if len(found) > MOST_ROWS else ""
    lead = (
        "Promised less delivered of what was due, since the month began. Who is behind is served "
        f"first, so that the promise holds where the month ends.{more}"
    )
    columns = ("Days behind", "At most", "On", "Last on")
    title, texts = "Behind the promise where a day ended", frozenset({"On", "Last on"})
    return Table(title, columns, rows, "Product", lead, texts)


def _worst_table(report: Report, zone: str, day_address: DayAddress) -> Table:
    # Everybody is told which intervals they are, and no energy of any.
    titles = {"missed_wh": "Refused for good", "deferred_wh": "Served late"}
    energies = {key: title for key, title in titles.items() if key in report["worst"][0]}
    rows = tuple(
        Row(
            pictures.interval_words(report, row["day"], row["interval"], zone),
            (
                *(_energy(row[key]) for key in energies),
                some([each["node"] for each in row["nodes"]]),
            ),
            address=day_address(row["day"]),
        )
        for row in report["worst"]
    )
    columns, texts = (*energies.values(), "At"), frozenset({"At"})
    lead = "In which most was refused for good, then most served late; each leads to its day."
    return Table("Intervals that were shortest", columns, rows, "From", lead, texts)


def _access_tables(report: Report) -> Iterator[Table]:
    sides = {MARKET: report["access"], **pictures.access_of_designs(report)}
    measures = (
        ("jain_ppm", "Jain index", "1 where all get the same part."),
        ("gini_ppm", "Gini index", "0 where all get the same part."),
    )
    rows = []
    for whom in ("households", "nodes"):
        for key, name, means in measures:
            cells = tuple(evenness(access[whom][key]) for access in sides.values())
            rows.append(Row(f"{name} of {whom}", cells, means))
        cells = tuple(exact_part(access[whom]["lowest_ppm"]) for access in sides.values())
        rows.append(Row(f"Least part, of {whom}", cells, "Delivered over wanted."))
    columns = tuple(map(design_title, sides))
    yield Table("How evenly what was wanted was delivered", columns, tuple(rows), "Measure")


def _energy(wh: int | None) -> str:
    return NONE if wh is None else energy(wh)


def _costs_table(report: Report) -> Table:
    """Return what was charged, and the burden, by product."""
    currency = report["currency"]
    rows = tuple(
        Row(
            row["title"],
            (
                amount(row["charged_micro"], currency),
                share(row["cost_share_ppm"]),
                share(row["energy_share_ppm"]),
                share(row["tight_share_ppm"]),
                price(row["cost_micro_per_mwh"], currency),
                price(row["lowest_cost_micro_per_mwh"], currency),
                price(row["highest_cost_micro_per_mwh"], currency),
            ),
            row["product"],
        )
        for row in report["products"]
    )
    columns = (
        "Charged", "Of all charges", "Of all energy", "Of energy when tight", "Per MWh",
        "Cheapest place", "Dearest place",
    )  # fmt: skip
    lead = (
        "Burden is the energy taken in the tightest tenth of the intervals: what the system is "
        "built for."
    )
    return Table("By product", columns, rows, "Product", lead)


def points_table(points: Iterable[Mapping[str, Any]], currency: str) -> Table:
    """Return the service and the charges of supply points."""
    rows = tuple(
        Row(
            row["supply_point"],
            (
                exact_part(row["delivered_ppm"]),
                *(_energy(row[key]) for key in ("missed_wh", "deferred_wh", "taken_wh")),
                amount(row["charged_micro"], currency),
            ),
            f"{row['product']} at {row['node']}",
        )
        for row in sorted(points, key=lambda row: natural_key(row["supply_point"]))
    )
    columns = ("Delivered of what was due", "Refused for good", "Served late", "Taken", "Charged")
    return Table("By supply point", columns, rows, "Supply point")
