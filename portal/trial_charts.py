"""The pictures of a trial: who gains and loses, prices by duration, how evenly all is borne."""

from collections.abc import Iterator, Mapping
from typing import Any

from portal.charts.bars import bar_chart
from portal.charts.chart import Chart
from portal.charts.lines import WHOLE_PPM, lorenz_chart
from portal.charts.times import Series, duration_chart
from portal.charts.units import Unit
from portal.trial_tables import DRAFT_TITLES, drafts_of
from portal.trial_words import difference_key
from settlement.trials.report import LAW

Report = Mapping[str, Any]


def charts(report: Report) -> Iterator[Chart]:
    """Yield the charts of a report; who neither gains nor loses has no bar."""
    money = Unit("micro", report["currency"])
    drafts = drafts_of(report)
    for draft in drafts:
        differences = {
            row["participant"]: row[difference_key(draft)] for row in report["participants"]
        }
        rows = [(name, difference) for name, difference in differences.items() if difference]
        if rows:
            title = f"{DRAFT_TITLES[draft]}: who gains and who loses"
            yield bar_chart(f"gains-{draft}", title, "Participant", rows, money)
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
