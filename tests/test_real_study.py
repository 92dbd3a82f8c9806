"""A real winter day of Great Britain without its largest unit: tight, bounded, and over the top."""

import datetime as dt

import pytest

from settlement.datasets.files import Form
from settlement.datasets.market_files import make_recorded_files
from settlement.meters.ingest import ingest
from settlement.replays.replay import replay
from settlement.runs.settle import no_progress
from settlement.runs.store import find_run
from settlement.studies.energy_balance import energy_of_run
from settlement.studies.overlay import read_overlay
from settlement.studies.study import run_study
from tests.conftest import ROOT, SHARED
from tests.worlds.law import publish

pytestmark = pytest.mark.real_data
DAY = dt.date(2024, 1, 17)
CAP = 6_000_000_000
PUBLISHED = dt.datetime(2025, 1, 2, 9, tzinfo=dt.UTC)
LATER = PUBLISHED + dt.timedelta(hours=1)


def test_the_largest_unit_fails_on_a_winter_day(session):
    publish(
        session,
        [ROOT / "scenarios" / "gb12"],
        valid_from=dt.date(2024, 1, 1),
        known=PUBLISHED,
        reason="First law of the market",
    )
    files = make_recorded_files(
        session, "gb12", SHARED / "data" / "gb12", DAY, DAY,
        known=PUBLISHED, form=Form.PARQUET, progress=no_progress,
    )  # fmt: skip
    ingest(session, "gb12", files, received_at=PUBLISHED)
    overlay = read_overlay(ROOT / "scenarios" / "overlays" / "outage.yaml")
    studied = run_study(
        session, "gb12", overlay, DAY, DAY, source="outage.yaml", known_at=LATER, now=LATER
    )
    before, after = (studied.study.report["operation"][side] for side in ("before", "after"))
    assert after["highest_tightness_ppm"] > before["highest_tightness_ppm"] > 900_000
    assert after["unserved_wh"] > before["unserved_wh"]
    # What neither losses nor ramps explain is less than a thousandth of what is not served.
    assert after["wasted_wh"] < after["unserved_wh"] // 1_000
    designs = studied.study.report["designs"]
    for name in ("settled", "nodal", "uniform"):
        for side in ("before", "after"):
            assert designs[name][side]["prices"]["within_bounds"]
            assert designs[name][side]["prices"]["highest_micro_per_mwh"] <= CAP
    # Under the same real day, marginal prices are at the cap where the market maker is far from it.
    assert designs["nodal"]["before"]["prices"]["highest_micro_per_mwh"] == CAP
    assert designs["settled"]["before"]["prices"]["highest_micro_per_mwh"] < CAP // 4
    assert (
        designs["nodal"]["after"]["prices"]["intervals_at_cap"]
        > (designs["settled"]["after"]["prices"]["intervals_at_cap"])
    )
    assert replay(session, studied.run).is_same
    # Every Wh that is taken or lost was generated, in the shortage too.
    for run_id in (studied.study.before_run_id, studied.study.run_id):
        run = find_run(session, run_id)
        assert run is not None
        balance = energy_of_run(session, run).balance
        assert balance.losses_wh > 10**9
        assert balance.residual_wh == 0
