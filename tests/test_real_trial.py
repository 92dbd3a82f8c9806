"""A lower cap tried on a real week of Great Britain: its sides are runs that are settled apart."""

import datetime as dt
from collections import defaultdict

import pytest

from ledger.journal import is_money
from rulebook.law import rules_at
from settlement.billing.post import settled_days
from settlement.datasets.files import Form
from settlement.datasets.market_files import make_recorded_files
from settlement.meters.ingest import ingest
from settlement.runs.settle import no_progress, settle
from settlement.trials.inputs import TrialRequest
from settlement.trials.trial import run_trial
from tests.conftest import ROOT, SHARED
from tests.settlement.trial_cases import capped, placed, within
from tests.worlds.law import publish

pytestmark = pytest.mark.real_data
FIRST_DAY, LAST_DAY = dt.date(2024, 2, 22), dt.date(2024, 2, 25)
LOWER_CAP_MICRO = 3_000_000_000
PUBLISHED = dt.datetime(2025, 1, 2, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def received(session, run):
    """Return what each participant receives of a run that is settled, if nothing were posted."""
    sums = defaultdict(int)
    for day in settled_days(session, run):
        for account, amount in day.amounts.items():
            if account.participant is not None and is_money(account.commodity):
                sums[account.participant] -= amount
    return dict(sums)


def settled(session, kind, known):
    return settle(
        session, "gb12", kind, FIRST_DAY, LAST_DAY, known_at=known, now=known, threads=2
    ).run


def test_a_lower_cap_on_a_week_is_two_runs_that_are_settled_apart(session):
    publish(
        session,
        [ROOT / "scenarios" / "gb12"],
        valid_from=FIRST_DAY,
        known=PUBLISHED,
        reason="First law of the market",
    )
    files = make_recorded_files(
        session, "gb12", SHARED / "data" / "gb12", FIRST_DAY, LAST_DAY,
        known=PUBLISHED, form=Form.PARQUET, progress=no_progress,
    )  # fmt: skip
    ingest(session, "gb12", files, received_at=PUBLISHED)
    rules = rules_at(session, "gb12", FIRST_DAY, PUBLISHED).market_rules
    draft = capped(rules, LOWER_CAP_MICRO)
    wanted = TrialRequest(
        "gb12", FIRST_DAY, LAST_DAY, [placed(draft)], PUBLISHED + HOUR, threshold_ppm=10_000
    )
    trial = run_trial(within(session), wanted, now=PUBLISHED + HOUR, threads=2).trial
    law = settled(session, "II", PUBLISHED + 2 * HOUR)
    publish(
        session, [draft], valid_from=FIRST_DAY, known=PUBLISHED + 3 * HOUR, reason="A lower cap"
    )
    of_draft = settled(session, "II", PUBLISHED + 4 * HOUR)
    sides = received(session, law), received(session, of_draft)
    assert {
        row["participant"]: (row["law_micro"], row["draft_micro"])
        for row in trial.report["participants"]
    } == {name: (sides[0][name], sides[1][name]) for name in sides[0]}
    assert [side.result_digest for side in trial.sides] == [
        law.result_digest,
        of_draft.result_digest,
    ]
    assert trial.report["moved_micro"]["draft"] > 0
