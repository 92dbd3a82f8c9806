"""Figures of trials, opened: days, settlement periods and trees sum to what the record says."""

import datetime as dt
from collections import defaultdict
from dataclasses import replace
from typing import NamedTuple

import pytest
from sqlalchemy import text

from common.refusals import Refused
from settlement.billing.lines import line_kind
from settlement.explanations.comparing import Mark, compare
from settlement.explanations.tree import Explanation
from settlement.trials.opened import OpenedDay, OpenedRows, open_day, open_rows
from settlement.trials.records import MADE_AGAIN, MODES, Trial
from settlement.trials.rows import ReportRow, report_rows, row_numbers
from settlement.trials.store import find_trial
from tests.settlement.test_trials import metered_with_charges, other_policy
from tests.settlement.trial_cases import capped, try_tiny, within
from tests.worlds import tiny_market
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import FIRST_DAY

SIDES = ("law", "draft", "second")
DAYS = tuple(FIRST_DAY + dt.timedelta(days=1) * day for day in range(3))
ACROSS = 7
"""Trees are made of each seventh interval: their number is what costs."""


class Opened(NamedTuple):
    """A trial of two drafts, and all that is opened of it here."""

    trial: Trial
    rows: OpenedRows
    days: dict[object, OpenedDay]

    def row(self, dimension, name=None) -> ReportRow:
        """Return a row of the report; of a dimension the first."""
        return next(
            row
            for row in report_rows(self.trial.report)
            if row.dimension == dimension and name in (None, row.name)
        )


@pytest.fixture(scope="module", params=MODES)
def opened(world_of, request):
    """Try two drafts, store the trial, and open its days and some of its rows."""
    with rolled_back(world_of(metered_with_charges)[0]) as session:
        drafts = [capped(tiny_market.market_rules())], [other_policy()]
        made = try_tiny(session, *drafts, mode=request.param).trial
        session.expire_all()
        trial = find_trial(session, made.id)
        assert trial is not None
        days = {day: open_day(session, trial, day) for day in DAYS}
        rows = open_rows(within(session), trial, report_rows(trial.report))
    # Outside: another test tries drafts on the same world, and would wait for its locks.
    return Opened(trial, rows, days)


def test_every_row_is_the_sum_of_its_days_and_these_of_their_settlement_periods(opened):
    rows = report_rows(opened.trial.report)
    assert {row.dimension for row in rows} >= {"participant", "kind", "technology", "product"}
    assert opened.rows.other_sides == ()
    assert opened.rows.days == DAYS
    for row in rows:
        of_days = opened.rows.received_micro[row.key]
        assert tuple(map(sum, zip(*of_days, strict=True))) == row.received_micro(SIDES)
        for day, of_day in zip(DAYS, of_days, strict=True):
            found = opened.days[day]
            lines = found.lines(row)
            assert of_day == tuple(
                sum(int(side.received(line).sum()) for line in lines)
                for side in found.sides.values()
            ), (row.key, day)


def test_the_top_of_each_tree_is_the_amount_of_every_participant_and_kind_of_line(opened):
    found = set()
    for row in report_rows(opened.trial.report):
        if row.dimension != "participant":
            continue
        for day in opened.days.values():
            for line in day.lines(row):
                sign = line_kind(line.kind).sign
                for side in day.sides.values():
                    received = side.received(line)
                    # The first hold what a day, or the month, is charged at once.
                    for interval in range(0, len(received), ACROSS):
                        tree = side.tree(line, interval)
                        assert tree.value == -sign * int(received[interval]), (line.code, interval)
                found.add(line.kind)
    kinds = [row for row in report_rows(opened.trial.report) if row.dimension == "kind"]
    assert found == {row.name for row in kinds if any(row.received_micro(SIDES))}


def test_prices_and_energy_stand_beside_the_amounts(opened):
    found = opened.days[FIRST_DAY]
    dynamic = [
        line
        for line in found.lines(opened.row("kind", "charge.dynamic"))
        if line.kind == "charge.dynamic"
    ]
    assert dynamic
    for name in ("law", "draft"):
        side = found.sides[name]
        for line in dynamic:
            taken, price = side.metered_wh(line), side.price_micro_per_mwh(line)
            assert taken is not None and price is not None and (price <= 6_000_000_000).all()
            if name == "draft":
                assert (price <= 150_000_000).all()
    owner = next(line for line in found.lines(opened.row("technology")))
    assert found.sides["law"].metered_wh(owner) is not None
    charge = next(each for each in found.lines(opened.row("kind", "charge.subscription")))
    assert found.sides["law"].price_micro_per_mwh(charge) is None
    assert found.sides["law"].metered_wh(charge) is None


def test_what_was_made_again_says_so_and_what_was_metered_names_its_file(opened):
    side = opened.days[FIRST_DAY].sides["law"]
    line = next(each for each in opened.days[FIRST_DAY].lines(opened.row("kind", "charge.dynamic")))
    reading = side.tree(line, 0).children[0]
    if opened.trial.mode == MADE_AGAIN:
        assert reading.source.startswith("made again")
    else:
        assert "received" in reading.source and "made again" not in reading.source


def both(first, second):
    pair = compare(first, second)
    return pair.tree(of_second=False), pair.tree(of_second=True)


def numbers(tree):
    """Yield a tree and all that stands below, of either kind."""
    yield tree
    for child in tree.children:
        yield from numbers(child)


def test_two_trees_mark_what_the_lower_cap_changes_and_nothing_else(opened):
    found = opened.days[FIRST_DAY]
    law, draft = found.sides["law"], found.sides["draft"]
    marks = defaultdict(set)
    for line in found.lines(opened.row("kind", "charge.dynamic")):
        for interval in range(0, 48, ACROSS):
            trees = law.tree(line, interval), draft.tree(line, interval)
            left, right = both(*trees)
            assert (left.node, right.node) == trees
            for marked in (*numbers(left), *numbers(right)):
                marks[marked.node.label.partition(" (")[0].partition(" at ")[0]].add(marked.mark)
            same = law.received(line)[interval] == draft.received(line)[interval]
            assert same == (left.node.value == right.node.value)
    # As metered nobody takes otherwise, and the curve is what is capped.
    assert Mark.DIFFERS in marks["Price"]
    assert marks["Energy taken"] >= {Mark.SAME}
    assert marks["Supply available inside"] == marks["Demand inside"] == {Mark.SAME}


def test_tightness_is_made_of_the_demand_and_supply_below_it_on_every_side(opened):
    """Of days that are made again it is what was asked for, and not what was delivered."""
    found = opened.days[FIRST_DAY]
    line = next(iter(found.lines(opened.row("kind", "charge.dynamic"))))
    checked = 0
    for side in found.sides.values():
        for interval in range(0, 48, ACROSS):
            for node in numbers(side.tree(line, interval)):
                if node.label.startswith("Tightness of"):
                    demand, supply = (child.value for child in node.children)
                    assert node.value == (demand * 1_000_000 // supply if supply else node.value)
                    checked += 1
    assert checked


def leaf(label, value, **more):
    return Explanation(label, value, "micro", **more)


def test_what_differs_is_marked_down_to_where_it_does():
    one, other = leaf("one", 1), leaf("other", 2, formula="1 + 1")
    before = leaf("top", 3, children=(leaf("part", 5, children=(one, other)), leaf("still", 7)))
    changed = replace(other, formula="2 × 1")
    after = leaf(
        "top",
        3,
        children=(leaf("still", 7), leaf("part", 5, children=(one, changed, leaf("n", 1)))),
    )
    left, right = both(before, after)
    assert [node.mark for node in numbers(left)] == [
        Mark.BELOW, Mark.BELOW, Mark.SAME, Mark.DIFFERS, Mark.SAME,
    ]  # fmt: skip
    assert ("n", Mark.ALONE) in [(marked.node.label, marked.mark) for marked in numbers(right)]
    causes = compare(before, after).causes
    assert [(cause.first, cause.second) for cause in causes] == [
        (other, changed),
        (None, leaf("n", 1)),
    ]
    assert {node.mark for node in numbers(both(before, before)[0])} == {Mark.SAME}


def test_namesakes_are_held_to_each_other_in_order():
    before = leaf("top", 0, children=(leaf("a", 1), leaf("a", 2)))
    after = leaf("top", 0, children=(leaf("a", 1), leaf("a", 3), leaf("a", 4)))
    left, right = both(before, after)
    assert [child.mark for child in left.children] == [Mark.SAME, Mark.DIFFERS]
    assert [child.mark for child in right.children] == [Mark.SAME, Mark.DIFFERS, Mark.ALONE]


def test_a_row_keeps_its_number(opened):
    numbered = row_numbers(opened.trial.report)
    rows = report_rows(opened.trial.report)
    assert len(numbered) == len(rows)
    assert all(rows[number - 1][:2] == key for key, number in numbered.items())


def test_what_is_no_longer_there_is_refused_and_a_changed_result_is_named(world_of):
    with rolled_back(world_of(metered_with_charges)[0]) as session:
        trial = try_tiny(session).trial
        row = report_rows(trial.report)[0]
        sides = (trial.sides[0], trial.sides[1]._replace(result_digest=bytes(32)))
        found = open_rows(within(session), replace(trial, sides=sides), [row])
        assert found.other_sides == ("draft",)
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text("DELETE FROM rulebook.version WHERE kind = 'grid-model'"))
        session.expire_all()
        with pytest.raises(Refused):
            open_day(session, trial, FIRST_DAY)
