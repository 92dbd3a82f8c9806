"""The report of a trial as tables to read; the law beside each draft.

Tables round for reading, as those of studies do; files hold the exact integers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.study_figures import (
    carbon_not_stated,
    count,
    energy,
    index,
    money,
    percent,
    tonnes,
)
from portal.study_tables import DESIGNS, Cell, Row, Table
from portal.trials.words import CLASS_WORDS, class_key, difference_key, written_group, written_kind
from settlement.trials.report import CLASSES, DRAFTS, LAW
from settlement.trials.rows import PARTICIPANT, row_numbers

Report = Mapping[str, Any]

DRAFT_TITLES = {DRAFTS[0]: "Draft", DRAFTS[1]: "Second draft"}
TOTALS = (
    ("charges_micro", "Charged", "To suppliers, charges passed through included."),
    ("payments_micro", "Paid", "To owners of units, and to whom charges are passed through."),
    ("equalisation_micro", "Kept by equalisation", "What was charged less what was paid."),
)
SERVICE = (
    (
        "served_wh",
        "Energy served",
        "To all supply points; each design serves in its own way, and bills that alone.",
        energy,
    ),
    (
        "not_billed_micro",
        "Not billed, as not served",
        "What was asked for and not served would cost at the marginal prices of a design.",
        money,
    ),
    (
        "carbon_g",
        "Carbon dioxide, t",
        "Equivalent, of what units generate, by the intensity that their registrations state.",
        tonnes,
    ),
)
PRICES = (
    ("lowest_micro_per_mwh", "Lowest price per MWh", money),
    ("mean_micro_per_mwh", "Mean price per MWh", money),
    ("highest_micro_per_mwh", "Highest price per MWh", money),
    ("volatility_ppm", "Volatility", index),
    ("intervals_at_cap", "Intervals at the cap", count),
    ("intervals_at_floor", "Intervals at the floor", count),
)
HOUSEHOLDS = (
    ("gini_ppm", "Gini index of household charges", index),
    ("top_tenth_ppm", "Part that the tenth charged most bears", percent),
    ("entropy_ppm", "Entropy index of household charges", index),
    ("atkinson_ppm", "Atkinson index of household charges", index),
    ("lowest_micro", "Lowest charge of a household", money),
    ("highest_micro", "Highest charge of a household", money),
)
BASELINE_TITLES = {name: DESIGNS[name] for name in ("nodal", "uniform", "flat")}
UNDEFINED = "–"


@dataclass(frozen=True)
class OpenRow(Row):
    """A row that opens down to intervals, by its number in the report."""

    number: int


def drafts_of(report: Report) -> list[str]:
    """Return the names of the drafts of a report, in order."""
    return [name for name in DRAFTS if name in report["totals"]]


def class_counts(report: Report, draft: str) -> list[tuple[str, int]]:
    """Return how many participants each class has under a draft, from gain to loss."""
    found = [row[class_key(draft)] for row in report["participants"]]
    return [(CLASS_WORDS[name], found.count(name)) for name in CLASSES]


def tables(report: Report) -> Iterator[Table]:
    """Yield the tables of a report, participants first."""
    yield _participants(report)
    yield _totals(report)
    yield _months(report)
    for dimension, rows in report["groups"].items():
        title = written_group(dimension)
        lead = "What is received, all participants together."
        key = "by-" + dimension.replace(" ", "-")
        yield _compared(report, key, title, lead, rows, dimension)


def _participants(report: Report) -> Table:
    lead = "+ is received, before tax and rounding; those who lose most stand first."
    rows = sorted(report["participants"], key=lambda row: row[difference_key(DRAFTS[0])])
    return _compared(report, "participants", "Who gains and who loses", lead, rows, PARTICIPANT)


def _compared(
    report: Report,
    key: str,
    title: str,
    lead: str,
    rows: Sequence[Mapping[str, Any]],
    dimension: str,
) -> Table:
    drafts, code = drafts_of(report), report["currency"]
    name = PARTICIPANT if dimension == PARTICIPANT else "name"
    numbers = row_numbers(report)
    columns = ["Law"]
    for draft in drafts:
        columns += [DRAFT_TITLES[draft], "Difference"]
    return Table(
        key,
        title,
        lead,
        tuple(columns),
        tuple(
            OpenRow(
                written_kind(row[name]) if dimension == "kind" else row[name],
                _classes(row, drafts),
                tuple(compared_cells(row, drafts, code)),
                numbers[dimension, row[name]],
            )
            for row in rows
        ),
    )


def _classes(row: Mapping[str, Any], drafts: Sequence[str]) -> str:
    """Return the class of a participant under each draft; nothing of a group, which has none."""
    if class_key(drafts[0]) not in row:
        return ""
    words = [CLASS_WORDS[row[class_key(draft)]] for draft in drafts]
    if len(words) == 1:
        return words[0]
    return "; ".join(
        f"{DRAFT_TITLES[d].lower()}: {each}" for d, each in zip(drafts, words, strict=True)
    )


def compared_cells(row: Mapping[str, Any], drafts: Sequence[str], code: str) -> Iterator[Cell]:
    """Yield what is received under the law, and under each draft with how far that differs."""
    yield plain(money(row["law_micro"], code))
    for draft in drafts:
        difference = row[difference_key(draft)]
        yield plain(money(row[f"{draft}_micro"], code))
        words = money(difference, code)
        yield plain(f"+{words}" if difference > 0 else words)


def plain(words: str) -> Cell:
    """Return a cell of a table that compares sides by their columns."""
    return Cell(words, words, "same")


def _totals(report: Report) -> Table:
    sides, code = [LAW, *drafts_of(report)], report["currency"]
    baselines = report.get("baselines", {})
    designs = [design for design in BASELINE_TITLES if design in baselines]
    totals = [report["totals"][side] for side in sides]
    totals += [baselines[design] for design in designs]

    def row(title: str, meaning: str, values: Sequence[int | None], write: Any) -> Row:
        words = [UNDEFINED if value is None else write(value, code) for value in values]
        return Row(title, meaning, tuple(plain(word) for word in words))

    rows = [
        row(title, means, [each[key] for each in totals], money) for key, title, means in TOTALS
    ]
    if LAW in baselines:  # of reports of this release; before, baselines billed all that was asked
        served = [baselines[LAW], *({} for _ in sides[1:]), *(baselines[each] for each in designs)]
        rows += [
            row(title, means, [each.get(key) for each in served], write)
            for key, title, means, write in SERVICE
        ]
    rows += [
        row(title, "", [each["prices"].get(key) for each in totals], write)
        for key, title, write in PRICES
    ]
    tightness = [each.get("highest_tightness_ppm") for each in totals]
    rows.append(row("Highest tightness", "Of any part of the grid.", tightness, percent))
    rows += [
        row(title, "", [each["households"].get(key) for each in totals], write)
        for key, title, write in HOUSEHOLDS
    ]
    columns = ("Law", *(DRAFT_TITLES[side] for side in sides[1:]))
    columns += tuple(BASELINE_TITLES[design] for design in designs)
    return Table("totals", "In all", _of_totals(baselines, designs), columns, tuple(rows))


def _of_totals(baselines: Mapping[str, Any], designs: Sequence[str]) -> str:
    """Return what stands beside the drafts, and why a design lacks a figure."""
    words = "Of all days together."
    if designs:
        words = (
            f"{words} Beside stand the days of the law under other designs, charges that are "
            "passed through included: each place at its marginal price, all at one marginal price, "
            "and all at one price that recovers what units are paid. They say nothing of a draft. "
            "A dash stands where there is no such figure: a flat tariff has no price of an "
            "interval that could be at the cap or the floor, and tightness sets prices here alone."
        )
        if LAW in baselines:
            return f"{words}{''.join(_of_service(baselines, designs))}"
        return (
            f"{words} An earlier release made this trial: its designs bill all that was metered, "
            "also what they would not serve."
        )
    if "why_not" in baselines:
        return f"{words} Other designs have no figures beside: {baselines['why_not']}."
    return f"{words} An earlier release made this trial, and put no other designs beside."


def _of_service(baselines: Mapping[str, Any], designs: Sequence[str]) -> Iterator[str]:
    """Yield sentences on what designs do not serve, and on whose carbon nothing is known."""
    asked = baselines[LAW]["asked_wh"]
    for design in designs:
        short = asked - baselines[design]["served_wh"]
        if short > 0:
            yield (
                f" {BASELINE_TITLES[design]}: of {energy(asked)} asked for, {energy(short)} would "
                "not be served, and are not billed."
            )
    names = {name for each in (LAW, *designs) for name in baselines[each]["carbon_not_stated"]}
    if names:
        yield f" {carbon_not_stated(names)}"


def _months(report: Report) -> Table:
    drafts, code = drafts_of(report), report["currency"]
    rows = []
    for month in report["months"]:
        cells = [money(month[LAW]["prices"]["highest_micro_per_mwh"], code)]
        for draft in drafts:
            cells += [
                money(month[draft]["prices"]["highest_micro_per_mwh"], code),
                money(month[draft]["moved_micro"], code),
            ]
        cells.append(percent(month[LAW]["highest_tightness_ppm"]))
        rows.append(Row(month["month"], "", tuple(plain(cell) for cell in cells)))
    columns = ["Highest price, law"]
    for draft in drafts:
        title = DRAFT_TITLES[draft].lower()
        columns += [f"Highest price, {title}", f"Moved by the {title}"]
    lead = (
        "Months of scarcity are those whose price and tightness are high. Who gains in one month "
        "may lose in another, so months move more than all days together do."
    )
    return Table("months", "By month", lead, (*columns, "Highest tightness"), tuple(rows))
