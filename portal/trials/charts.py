"""The pictures of a trial: who gains and loses, prices by duration, how evenly all is borne."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from portal.charts.bars import Row, bar_chart
from portal.charts.chart import Chart
from portal.charts.lines import WHOLE_PPM, lorenz_chart
from portal.charts.times import Series, duration_chart
from portal.charts.units import Unit
from portal.trials.tables import DRAFT_TITLES, drafts_of
from portal.trials.words import class_key, difference_key
from settlement.trials.report import LAW, SAME

Report = Mapping[str, Any]


def charts(report: Report) -> Iterator[Chart]:
    """Yield the charts of a report; who neither gains nor loses has no bar."""
    money = Unit("micro", report["currency"])
    drafts = drafts_of(report)
    changed = {
        draft: [
            (row["participant"], row[difference_key(draft)])
            for row in report["participants"]
            if row[class_key(draft)] != SAME
        ]
        for draft in drafts
    }
    titles = {draft: f"{DRAFT_TITLES[draft]}: who gains and who loses" for draft in drafts}
    yield from bars_on_one_scale("gains", titles, "Participant", changed, money)
    sides = {"Law": report["totals"][LAW]}
    sides |= {DRAFT_TITLES[draft]: report["totals"][draft] for draft in drafts}
    durations = [
        Series(name, tuple(totals["duration_micro_per_mwh"])) for name, totals in sides.items()
    ]
    price = Unit("micro per MWh", report["currency"])
    yield duration_chart("duration", "Prices of all places, highest first", durations, price)
    lorenz = [(name, totals["households"]["lorenz_ppm"]) for name, totals in sides.items()]
    # None where households together are charged nothing: there is no whole to have parts of.
    if all(parts and parts[-1] == WHOLE_PPM for _, parts in lorenz):
        yield lorenz_chart("lorenz", "What households are charged", "households", lorenz)


def bars_on_one_scale(
    key: str,
    titles: Mapping[str, str],
    who: str,
    rows: Mapping[str, Sequence[Row]],
    unit: Unit,
) -> Iterator[Chart]:
    """Yield a chart of the bars of each draft that has any, all on one scale.

    Args:
        key: its own on the page; the name of each draft is added.
        titles: by draft.
        who: what the names are of.
        rows: by draft.
        unit: of the values.
    """
    beside = [row for of_draft in rows.values() for row in of_draft]
    for draft, of_draft in rows.items():
        if of_draft:
            yield bar_chart(f"{key}-{draft}", titles[draft], who, of_draft, unit, beside)
