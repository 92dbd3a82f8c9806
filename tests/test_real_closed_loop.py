"""Ready overlays on two cold days of Great Britain, and a day beside its real prices."""

import datetime as dt

import pytest

from settlement.billing.lines import Side
from settlement.datasets.files import Form
from settlement.datasets.market_files import make_recorded_files
from settlement.meters.ingest import ingest
from settlement.runs.settle import no_progress, settle
from settlement.studies.overlay import read_overlay
from settlement.studies.study import run_study
from settlement.studies.transition import compare_with_market_in_force
from settlement.studies.wholesale_prices import read_prices
from tests.conftest import ROOT, SHARED
from tests.worlds.law import publish

pytestmark = pytest.mark.real_data
FIRST, LAST = dt.date(2024, 1, 17), dt.date(2024, 1, 18)
PUBLISHED = dt.datetime(2025, 1, 2, 9, tzinfo=dt.UTC)
LATER = PUBLISHED + dt.timedelta(hours=1)


def metered(session, first, last):
    publish(
        session,
        [ROOT / "scenarios" / "gb12"],
        valid_from=dt.date(2024, 1, 1),
        known=PUBLISHED,
        reason="First law of the market",
    )
    files = make_recorded_files(
        session, "gb12", SHARED / "data" / "gb12", first, last,
        known=PUBLISHED, form=Form.PARQUET, progress=no_progress,
    )  # fmt: skip
    ingest(session, "gb12", files, received_at=PUBLISHED)


def test_the_ready_overlays_run_on_gb12(session):
    metered(session, FIRST, LAST)

    def operation(name):
        overlay = read_overlay(ROOT / "scenarios" / "overlays" / f"{name}.yaml")
        studied = run_study(
            session, "gb12", overlay, FIRST, LAST, source=name, known_at=LATER, now=LATER
        )
        for design in studied.study.report["designs"].values():
            assert design["after"]["prices"]["within_bounds"]
        return studied.study.report["operation"]

    for name in ("long-drought", "shocks-in-a-row", "line-and-plant"):
        found = operation(name)
        assert found["after"]["unserved_wh"] > found["before"]["unserved_wh"]
        assert found["after"]["highest_tightness_ppm"] > found["before"]["highest_tightness_ppm"]
    found = operation("price-response")
    assert found["after"]["moved_wh"] > 0
    assert found["after"]["desired_wh"] == found["before"]["desired_wh"]


def test_a_day_beside_real_prices_leaves_out_the_two_that_are_missing(session):
    day = dt.date(2024, 10, 28)
    metered(session, day, day)
    settle(session, "gb12", "II", day, day, known_at=LATER, now=LATER)
    content = (SHARED / "data" / "gb12" / "gb_prices.parquet").read_bytes()
    found = {}
    for column in ("system_price_gbp_per_mwh", "day_ahead_price_gbp_per_mwh"):
        prices = read_prices("gb_prices.parquet", content, column, "GBP")
        found[column] = compare_with_market_in_force(session, "gb12", day, day, prices)
    system, ahead = found.values()
    assert [len(left.starts) for left in system.left_out.values()] == [2]
    (finding,) = system.findings
    assert "2024-10-28T00:00Z to 2024-10-28T00:30Z" in finding.value
    assert (ahead.intervals, list(ahead.findings)) == (48, [])
    left = system.left_out[day]
    assert ahead.total_micro(Side.CHARGE)[0] == (
        system.total_micro(Side.CHARGE)[0] + left.law_charges_micro
    )
