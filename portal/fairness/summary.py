"""A fairness report in words: what it says first, and where the market does worse. Pure."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from common.quantities import plural
from portal.days import RANGE, period_of
from portal.fairness.words import MARKET, Report, amount, design_title, exact_part, written
from portal.study_figures import energy
from portal.study_tables import DESIGNS
from settlement.fairness.definitions import FIGURE_OF, Dimension

MOST_BROKEN = 5
NOT_REFUSED = "Nothing was refused: whatever was wanted was served when it was wanted."
NO_WORSE = "In no figure that other designs have as well does the market do worse than one of them."
WORSE = "The market does worse than another design in:"
NOT_COMPARED = "No other designs were put beside these days, so nothing is compared."
NOT_ASKED_FOR = (
    "They were not asked for when it was made, as a solver takes some tenths of a second a day."
)


def standing(*, is_superseded: bool, is_latest: bool) -> str:
    """Return what has come since a report was made; empty where nothing has.

    >>> standing(is_superseded=False, is_latest=True)
    ''
    >>> standing(is_superseded=False, is_latest=False)
    'Another report of the same runs was made since.'
    """
    if not is_superseded:
        return "" if is_latest else "Another report of the same runs was made since."
    words = "A later run of some of these days was posted since this report was made."
    return f"{words} No report of it has been made yet." if is_latest else words


def designs_of(report: Report) -> list[str]:
    """Return the other designs that a report puts beside, in their order."""
    beside = report.get("designs") or {}
    return [design for design in DESIGNS if design in beside and design != MARKET]


def no_worse(report: Report) -> str:
    """Return what is said where no figure is worse: that none is, or why none is compared."""
    return NO_WORSE if designs_of(report) else f"{NOT_COMPARED} {why_alone(report)}"


def why_alone(report: Report) -> str:
    """Return why no other designs stand beside a report, and which command puts them there.

    >>> days = {"market": "gb12", "first_day": "2024-01-01", "last_day": "2024-01-31"}
    >>> why_alone(days | {"designs": {"why_not": "2024-01-05: no optimum"}})[:59]
    'They could not be solved (2024-01-05: no optimum). By manag'
    """
    designs = report.get("designs")
    why = NOT_ASKED_FOR if designs is None else f"They could not be solved ({designs['why_not']})."
    return f"{why} By {with_designs(report)} the operator keeps a report with them in its place."


def with_designs(report: Report) -> str:
    """Return the command that makes the report of the same days beside other designs.

    >>> days = {"market": "gb12", "first_day": "2024-01-01", "last_day": "2024-01-30"}
    >>> with_designs(days), with_designs(days | {"last_day": "2024-12-31"})[-19:]
    ('manage.py fairness gb12 --from 2024-01-01 --to 2024-01-30 --keep', ' --year 2024 --keep')
    """
    first, last = (dt.date.fromisoformat(report[key]) for key in ("first_day", "last_day"))
    period = period_of(first, last)
    if RANGE in period:
        days = f"--from {first} --to {last}"
    else:
        days = f"--month {period}" if "-" in period else f"--year {period}"
    return f"manage.py fairness {report['market']} {days} --keep"


def short_headline(said: Report) -> str:
    """Return what a report says in a line: of promises, and in how many figures it does worse.

    Args:
        said: its `promises`, `promises_kept` and `findings`, whether it `is_compared`, and whether
            it `is_superseded` by a later run.
    """
    words = _headline(said)
    return f"{words}; a later run was posted since" if said["is_superseded"] else words


def _headline(said: Report) -> str:
    count, kept = said["promises"] or 0, said["promises_kept"] or 0
    words = f"{kept} of {plural(count, 'promise')} kept" if count else "No promise to be judged"
    if not said["is_compared"]:
        return f"{words}; beside no other design"
    figures = {finding["figure"] for finding in said["findings"] or ()}
    if not figures:
        return f"{words}; worse than another design in no figure"
    return f"{words}; worse than another design in {plural(len(figures), 'figure')}"


def summary(report: Report) -> Iterator[str]:
    """Yield sentences on promises, what was refused, waste and prices."""
    yield _of_promises(report)
    yield from _of_refusals(report)
    yield from _of_ungenerated(report)
    yield from _of_waste(report)
    yield _of_prices(report)


def _of_promises(report: Report) -> str:
    count, kept = report["promises"], report["promises_kept"]
    if not report["groups"]:
        return (
            "No law of these days promised anybody service, so no promise could be kept or broken."
        )
    if not count:
        return "No calendar month lies whole in these days, so no promise can be judged yet."
    if kept == count:
        return (
            f"All {plural(count, 'promise')} were kept." if count > 1 else "The promise was kept."
        )
    broken = [row for row in report.get("groups", ()) if row["is_kept"] is False]
    said = "; ".join(
        f"{row['product']} at {row['node']} in {row['month']}, {exact_part(row['delivered_ppm'])} "
        f"of {exact_part(row['promised_ppm'])}"
        for row in broken[:MOST_BROKEN]
    )
    more = f"; and {len(broken) - MOST_BROKEN} more" if len(broken) > MOST_BROKEN else ""
    named = f": {said}{more}" if broken else ""
    return f"{plural(count - kept, 'promise')} of {count} {_were(count - kept)} broken{named}."


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _of_refusals(report: Report) -> Iterator[str]:
    if report["refused_wh"] is None:
        short = sum(1 for row in report["calendar"] if row["short_intervals"])
        days = plural(len(report["calendar"]), "day")
        if short:
            yield f"Something was refused for good, or served late, on {short} of {days}."
        elif report["calendar"]:
            yield NOT_REFUSED
        return
    waits = report["owed_wh"]
    if not (report["refused_wh"] or report["deferred_wh"] or waits):
        yield NOT_REFUSED
        return
    yield " ".join(_refused(report["refused_wh"], report["deferred_wh"], waits))


def _refused(refused_wh: int, deferred_wh: int, waits_wh: int) -> Iterator[str]:
    """Yield what became of what was refused; of what did not happen, no amount."""
    if refused_wh and deferred_wh:
        yield (
            f"{energy(refused_wh)} was refused for good, and {energy(deferred_wh)} was refused "
            "first and served within its window."
        )
    elif refused_wh:
        yield f"{energy(refused_wh)} was refused for good, and nothing was served late."
    elif deferred_wh:
        yield (
            f"Nothing was refused for good: {energy(deferred_wh)} was refused first and served "
            "within its window."
        )
    if waits_wh:
        yield f"{energy(waits_wh)} still waited when the last day ended."


def _of_ungenerated(report: Report) -> Iterator[str]:
    ungenerated = figure_of(report, "ungenerated_wh")["value"]
    if ungenerated is not None and ungenerated > 0:
        yield (
            f"{energy(ungenerated)} was used that nobody generated, by the meters: with no more "
            "than was generated, as much more would have been refused."
        )


def _of_waste(report: Report) -> Iterator[str]:
    wasted = figure_of(report, "waste_wh")["value"]
    if wasted is None:
        return
    if wasted:
        yield f"{energy(wasted)} that the network could have served was offered to nobody."
    else:
        yield (
            "Nothing was wasted: in every interval all that the network could serve of what was "
            "wanted was offered, to the watt."
        )


def _of_prices(report: Report) -> str:
    at_bounds = figure_of(report, "intervals_at_bounds")["value"]
    if not at_bounds:
        return "No price reached the floor or the cap of the rules."
    return (
        f"Prices stayed within the floor and the cap of the rules, and were at one of them in "
        f"{plural(at_bounds, 'interval')} of {report['intervals']:,}."
    )


def figure_of(report: Report, code: str) -> Mapping[str, Any]:
    """Return the row of a figure.

    Raises:
        LookupError: the report has none.
    """
    for row in report["figures"]:
        if row["code"] == code:
            found: Mapping[str, Any] = row
            return found
    raise LookupError(f"the report has no figure {code}")


def worse(report: Report, dimension: Dimension | None = None) -> tuple[str, ...]:
    """Return where the market does worse than another design, a sentence a figure."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for finding in report["findings"]:
        found.setdefault(finding["figure"], []).append(finding)
    return tuple(
        _worse(code, findings, report["currency"])
        for code, findings in found.items()
        if dimension in (None, FIGURE_OF[code].dimension)
    )


def _worse(code: str, findings: Sequence[Mapping[str, Any]], currency: str) -> str:
    figure = FIGURE_OF[code]
    if findings[0]["ours"] is None:
        under = _listed([f"the {design_title(each['design']).lower()}" for each in findings])
        return f"{figure.title}: worse here than under {under}; the amounts are withheld."
    ours = written(figure, findings[0]["ours"], currency)
    theirs = [
        f"{written(figure, each['theirs'], currency)} under "
        f"the {design_title(each['design']).lower()}"
        for each in findings
    ]
    return f"{figure.title}: {ours} here, {_listed(theirs)}."


def _listed(words: Sequence[str]) -> str:
    *before, last = words
    return f"{', '.join(before)} and {last}" if before else last


def own_sentences(own: Mapping[str, Any], currency: str) -> Iterator[str]:
    """Yield what a report says of one participant's units and supply points."""
    points, units = own["supply_points"], own["units"]
    if points:
        missed = [row for row in points if row["missed_wh"]]
        charged = amount(sum(row["charged_micro"] for row in points), currency)
        short = (
            f"{plural(len(missed), 'supply point')} of {len(points)} missed "
            f"{energy(sum(row['missed_wh'] for row in missed))} that was due"
            if missed
            else f"{plural(len(points), 'supply point')} missed nothing that was due"
        )
        yield f"{short}; {charged} was charged for them."
    if units:
        paid = amount(sum(row["paid_micro"] for row in units), currency)
        back = [row for row in units if _is_paid_back(row)]
        yield (
            f"{paid} was paid to {plural(len(units), 'unit')}; {plural(len(back), 'unit')} would "
            "earn the capital in the years that were expected."
        )


def _is_paid_back(row: Mapping[str, Any]) -> bool:
    payback = row["payback_milliyears"]
    return payback is not None and payback <= row["expected_payback_years"] * 1_000
