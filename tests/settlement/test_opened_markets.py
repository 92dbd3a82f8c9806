"""Figures of trials, opened, in markets of other laws: Fair Play, two regions."""

import datetime as dt

import pytest

from rulebook.law import rules_at
from settlement.billing.lines import line_kind
from settlement.explanations.comparing import compare
from settlement.meters.ingest import MeterFile, ingest
from settlement.trials.inputs import TrialRequest
from settlement.trials.opened import open_day, open_rows
from settlement.trials.records import AS_METERED, MODES
from settlement.trials.rows import PARTICIPANT, report_rows
from settlement.trials.trial import run_trial
from tests.conftest import ROOT
from tests.settlement.trial_cases import changed, placed, try_tiny, within
from tests.two_region.readings import FOLDER
from tests.worlds import tiny_market
from tests.worlds.fair_play import DRAWN, FAIR_PLAY, LAST, ingest_month_end, publish_with
from tests.worlds.law import publish
from tests.worlds.rolled_back import rolled_back

KNOWN_AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def by_weight(session):
    publish_with(session, FAIR_PLAY, "flexible")
    ingest_month_end(session)


def by_lot(session):
    publish_with(session, DRAWN, "essential")
    ingest_month_end(session)


def two_region(session):
    law, at = ROOT / "scenarios" / "two-region", dt.date(2025, 1, 1)
    publish(session, [law], valid_from=at, known=KNOWN_AT - 2 * HOUR, reason="First law")
    files = [MeterFile(each.name, each.read_bytes()) for each in sorted(FOLDER.glob("*.csv"))]
    ingest(session, "two-region", files, received_at=KNOWN_AT - HOUR)


def check_opened(session, trial, day, across):
    """Hold a one-day trial's lines and trees to its record; return the kinds of line seen."""
    opened = open_day(session, trial, day)
    rows = report_rows(trial.report)
    sums = open_rows(within(session), trial, rows)
    assert sums.other_sides == ()
    seen = set()
    for row in rows:
        lines = opened.lines(row)
        received = tuple(
            sum(int(side.received(line).sum()) for line in lines) for side in opened.sides.values()
        )
        assert received == row.received_micro(opened.sides) == sums.received_micro[row.key][0]
        for line in lines if row.dimension == PARTICIPANT else []:
            # Each kind of line in full; of many lines of it, the first few.
            if sum(kind == line.kind for kind, _ in seen) < 3:
                seen.add((line.kind, line.subject))
                check_trees(opened, line, across)
    return {kind for kind, _ in seen}


def check_trees(opened, line, across):
    sign = line_kind(line.kind).sign
    count = len(next(iter(opened.sides.values())).facts.starts)
    for interval in range(0, count, across):
        trees = [side.tree(line, interval) for side in opened.sides.values()]
        for side, tree in zip(opened.sides.values(), trees, strict=True):
            assert tree.value == -sign * int(side.received(line)[interval]), (line.code, interval)
        for tree in trees[1:]:
            pair = compare(trees[0], tree)
            assert bool(list(pair.causes)) or trees[0].value == tree.value, (line.code, interval)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("world", [by_weight, by_lot])
def test_figures_open_where_fair_play_shares(world_of, world, mode):
    with rolled_back(world_of(world)[0]) as session:
        draft = tiny_market.allocation_policy(
            fair_play=FAIR_PLAY | {"compensation_micro_per_mwh": 300_000_000}
        )
        trial = try_tiny(session, [draft], first_day=LAST, last_day=LAST, mode=mode).trial
        kinds = check_opened(session, trial, LAST, 11)
    assert kinds >= ({"charge.over_take", "charge.compensation"} if mode == AS_METERED else set())


def halved(rules):
    """Return market rules whose prices of every layer are half of what they were, to sell too."""
    layers = rules.model_dump(mode="json")["layers"]
    for layer in layers:
        for knot in (*layer["curve"], *(layer["sell_curve"] or ())):
            knot["price_micro_per_mwh"] //= 2
    return changed(rules, layers=layers)


@pytest.mark.parametrize("mode", MODES)
def test_figures_open_where_selling_has_a_price_of_its_own_and_reserve_is_held(world_of, mode):
    day = dt.date(2025, 2, 3)
    with rolled_back(world_of(two_region)[0]) as session:
        draft = placed(halved(rules_at(session, "two-region", day, KNOWN_AT).market_rules))
        request = TrialRequest("two-region", day, day, [draft], KNOWN_AT, 10_000, mode=mode)
        trial = run_trial(within(session), request, now=KNOWN_AT).trial
        assert "payment.availability" in check_opened(session, trial, day, 7)
