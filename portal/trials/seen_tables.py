"""A trial as tables and pictures for those who may not read it whole.

What everybody may know are sums of many participants; where too few make one up, or one too much
of it, it is withheld, and so is what would give it away. A participant reads its own rows beside.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from common.currencies import NO_BREAK_SPACE
from portal.charts.chart import Chart
from portal.charts.times import Series, duration_chart
from portal.charts.units import Unit
from portal.study_figures import count, index, money, percent
from portal.study_tables import Row, Table
from portal.trials.charts import bars_on_one_scale
from portal.trials.evenness import listed
from portal.trials.files import own_kinds
from portal.trials.tables import DRAFT_TITLES, PRICES, TOTALS, compared_cells, drafts_of, plain
from portal.trials.words import (
    CLASS_WORDS,
    difference_key,
    written_group,
    written_kind,
)
from settlement.trials.report import LAW, compared, sides_of
from settlement.trials.seen import OwnRows

Report = Mapping[str, Any]
WITHHELD = "withheld"
PPM_PER_PERCENT = 10_000
EVENNESS = (
    ("gini_ppm", "Gini index of household charges", index),
    ("top_tenth_ppm", "Part that the tenth charged most bears", percent),
)


def withheld_words(report: Report) -> str:
    """Return in a sentence when a figure is withheld."""
    part, rest = (report[name] // PPM_PER_PERCENT for name in ("largest_ppm", "least_rest_ppm"))
    return (
        f"A sum that fewer than {report['least_participants']} participants make up, or one of "
        f"them more than {part}{NO_BREAK_SPACE}% of, or all but the two largest less than "
        f"{rest}{NO_BREAK_SPACE}% of the largest, is withheld, and so is what it could be "
        "computed from."
    )


def beside_words(report: Report) -> str:
    """Return in a sentence that sums are withheld for another trial; empty where none is."""
    if not report.get("is_beside_another"):
        return ""
    return (
        "Another trial that you may read shares some of these days. A sum is withheld in both "
        "where what lies between the two would be withheld of a trial of its own."
    )


def is_withheld(report: Report) -> bool:
    """Return whether something of the figures is withheld."""
    totals = [report["totals"][side][key] for side in sides_of(report) for key, *_ in TOTALS]
    rows = [row for of_dimension in report["groups"].values() for row in of_dimension]
    counts = [value for of_draft in report["classes"].values() for value in of_draft.values()]
    moved = [value for of_draft in report["moved"].values() for value in of_draft.values()]
    return None in (*totals, *counts, *moved) or any("law_micro" not in row for row in rows)


def public_tables(report: Report) -> Iterator[Table]:
    """Yield the tables that everybody may read, the totals first."""
    yield _totals(report)
    yield _classes(report)
    for dimension, rows in report["groups"].items():
        told = [row for row in rows if _says_something(row)]
        if told:
            yield Table(
                "by-" + dimension.replace(" ", "-"),
                written_group(dimension),
                _of_groups(rows),
                _columns(report),
                tuple(
                    Row(_name(dimension, row["name"]), "", tuple(_cells(report, row)))
                    for row in told
                ),
            )


def withheld_breakdowns(report: Report) -> str:
    """Return in a sentence by what nothing is told; empty where something is by everything."""
    silent = [
        written_group(dimension).lower()
        for dimension, rows in report["groups"].items()
        if not any(map(_says_something, rows))
    ]
    return f"Nothing is told {listed(silent)}." if silent else ""


def _says_something(row: Mapping[str, Any]) -> bool:
    """Return whether a group is told, and is not nothing on every side."""
    return any(value for key, value in row.items() if key.endswith("_micro"))


def _of_groups(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what a table of groups holds, and how many it does not."""
    withheld = sum("law_micro" not in row for row in rows)
    words = "What is received, all participants together."
    return f"{words} {withheld} of {len(rows)} are withheld." if withheld else words


def _name(dimension: str, name: str) -> str:
    return written_kind(name) if dimension == "kind" else name


def _columns(report: Report) -> tuple[str, ...]:
    columns = ["Law"]
    for draft in drafts_of(report):
        columns += [DRAFT_TITLES[draft], "Difference"]
    return tuple(columns)


def _cells(report: Report, row: Mapping[str, Any]) -> Iterator[Any]:
    yield from compared_cells(row, drafts_of(report), report["currency"])


def _totals(report: Report) -> Table:
    sides, code = sides_of(report), report["currency"]
    totals = [report["totals"][side] for side in sides]

    def row(title: str, meaning: str, values: Sequence[int | None], write: Any) -> Row:
        words = [WITHHELD if value is None else write(value, code) for value in values]
        return Row(title, meaning, tuple(plain(word) for word in words))

    rows = [row(title, why, [each[key] for each in totals], money) for key, title, why in TOTALS]
    rows += [
        row(title, "", [each["prices"][key] for each in totals], write)
        for key, title, write in PRICES
    ]
    tightness = [each["highest_tightness_ppm"] for each in totals]
    rows.append(row("Highest tightness", "Of any part of the grid.", tightness, percent))
    rows += [
        row(title, "", [each["households"][key] for each in totals], write)
        for key, title, write in EVENNESS
    ]
    columns = ("Law", *(DRAFT_TITLES[side] for side in sides[1:]))
    return Table("totals", "In all", "Of all days together.", columns, tuple(rows))


def _classes(report: Report) -> Table:
    drafts = drafts_of(report)
    rows = []
    for name in report["classes"][drafts[0]]:
        found = [report["classes"][draft][name] for draft in drafts]
        cells = (plain(WITHHELD if each is None else count(each)) for each in found)
        rows.append(Row(CLASS_WORDS[name].capitalize(), "", tuple(cells)))
    for key, title in (("gained_micro", "Gained together"), ("lost_micro", "Lost together")):
        moved = [report["moved"][draft][key] for draft in drafts]
        words = (WITHHELD if each is None else money(each, report["currency"]) for each in moved)
        rows.append(Row(title, "", tuple(plain(word) for word in words)))
    return Table(
        "classes",
        "How many gain, and how many lose",
        "Participants of the market, by what changes for them.",
        tuple(DRAFT_TITLES[draft] for draft in drafts),
        tuple(rows),
    )


def own_table(report: Report, own: OwnRows) -> Table:
    """Return what a participant would have received, by kind of line and in all, in micro."""
    rows = [
        Row(written_kind(kind), "", tuple(_cells(report, compared(micro))))
        for kind, micro in own_kinds(own, sides_of(report)).items()
    ]
    rows.append(Row("In all", "", tuple(_cells(report, own.total))))
    return Table(
        f"own-{own.participant}",
        f"What {own.participant} would have received",
        "+ is received, − is owed, before tax and rounding. Nobody else reads these rows but those "
        "who oversee the market.",
        _columns(report),
        tuple(rows),
    )


def public_charts(report: Report) -> Iterator[Chart]:
    """Yield the pictures that everybody may see: what kinds of line differ, and prices."""
    money_unit = Unit("micro", report["currency"])
    changed, titles = {}, {}
    for draft in drafts_of(report):
        changed[draft] = [
            (written_kind(row["name"]), row[difference_key(draft)])
            for row in report["groups"].get("kind", ())
            if row.get(difference_key(draft))
        ]
        titles[draft] = f"{DRAFT_TITLES[draft]}: which kinds of line bring more, and which less"
    yield from bars_on_one_scale("kinds", titles, "Kind of line", changed, money_unit)
    sides = {"Law": report["totals"][LAW]}
    sides |= {DRAFT_TITLES[draft]: report["totals"][draft] for draft in drafts_of(report)}
    durations = [
        Series(name, tuple(totals["duration_micro_per_mwh"])) for name, totals in sides.items()
    ]
    price = Unit("micro per MWh", report["currency"])
    yield duration_chart("duration", "Prices of all places, highest first", durations, price)
