"""The ready overlays of contracts and of the closed loop, on two cold days of Great Britain."""

import datetime as dt

import pytest

from settlement.datasets.files import Form
from settlement.datasets.market_files import make_recorded_files
from settlement.meters.ingest import ingest
from settlement.runs.settle import no_progress
from settlement.studies.overlay import read_overlay
from settlement.studies.study import run_study
from tests.conftest import ROOT, SHARED
from tests.worlds.law import publish

pytestmark = pytest.mark.real_data
FIRST, LAST = dt.date(2024, 1, 17), dt.date(2024, 1, 18)
PUBLISHED = dt.datetime(2025, 1, 2, 9, tzinfo=dt.UTC)
LATER = PUBLISHED + dt.timedelta(hours=1)


def test_the_ready_overlays_run_on_gb12(session):
    publish(
        session,
        [ROOT / "scenarios" / "gb12"],
        valid_from=dt.date(2024, 1, 1),
        known=PUBLISHED,
        reason="First law of the market",
    )
    files = make_recorded_files(
        session, "gb12", SHARED / "data" / "gb12", FIRST, LAST,
        known=PUBLISHED, form=Form.PARQUET, progress=no_progress,
    )  # fmt: skip
    ingest(session, "gb12", files, received_at=PUBLISHED)

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
