"""A month in which Fair Play moves money is closed by law that moves it, too."""

import datetime as dt

import pytest

from common.refusals import Refused
from rulebook.checks.months import PolicyDays, fair_play_holds_to_month_end
from tests.worlds import tiny_market
from tests.worlds.fair_play import FAIR_PLAY, law_with
from tests.worlds.law import publish
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import PUBLISHED, publish_tiny

STATED = FAIR_PLAY | {"moves_money": False}


@pytest.fixture
def session(database_engine):
    with rolled_back(database_engine) as opened:
        yield opened


def policy_with(fair_play):
    law = tiny_market.documents() if fair_play is None else law_with(fair_play)
    return [each for each in law if each.kind == "allocation-policy"]


def change(session, fair_play, first, end=None):
    """Publish a policy for days of 2024, each a month and a day, the last exclusive."""
    days = [None if each is None else dt.date(2024, *each) for each in (first, end)]
    known = PUBLISHED + dt.timedelta(minutes=1)
    publish(
        session, policy_with(fair_play),
        valid_from=days[0], valid_to=days[1], known=known, reason="Another policy",
    )  # fmt: skip


REFUSED = [
    (FAIR_PLAY, None, (1, 31), None, "2024-01-31", "2024-01-30"),
    (FAIR_PLAY, STATED, (1, 2), None, "2024-01-31", "2024-01-01"),
    (FAIR_PLAY, None, (2, 15), (3, 1), "2024-02-29", "2024-02-14"),
    (FAIR_PLAY, STATED, (12, 31), None, "2024-12-31", "2024-12-30"),
    (None, FAIR_PLAY, (3, 10), (3, 20), "2024-03-31", "2024-03-19"),
    (FAIR_PLAY, None, (1, 30), (2, 15), "2024-01-31", "2024-01-29"),
    (STATED, FAIR_PLAY, (3, 10), (4, 2), "2024-04-30", "2024-04-01"),
]


@pytest.mark.parametrize(("before", "after", "first", "end", "last", "day"), REFUSED)
def test_who_closes_a_month_without_what_compensates_it_is_refused(
    session, before, after, first, end, last, day
):
    publish_tiny(session, tiny_market.documents() if before is None else law_with(before))
    with pytest.raises(Refused) as refused:
        change(session, after, first, end)
    (finding,) = refused.value.findings
    assert finding.code == "fair-play-before-month-end"
    assert finding.place.endswith("allocation-policy: fair_play")
    (clause,) = [
        clause.anchor
        for clause in policy_with(FAIR_PLAY)[0].clauses
        if "charge.compensation" in clause.lines
    ]
    assert finding.value == f"moves no money on {last}, and does on {day} by {clause}"
    following = dt.date.fromisoformat(last) + dt.timedelta(days=1)
    assert finding.remedy == (
        f"let the law of {day} hold to the month's end, and begin the change on {following}"
    )


ACCEPTED = [
    (FAIR_PLAY, None, (2, 1), None),
    (FAIR_PLAY, STATED, (2, 1), (4, 1)),
    (FAIR_PLAY, None, (1, 30), (1, 31)),
    (None, FAIR_PLAY, (1, 31), None),
    (STATED, None, (1, 31), None),
    (FAIR_PLAY, FAIR_PLAY | {"compensation_micro_per_mwh": 0}, (1, 31), None),
]


@pytest.mark.parametrize(("before", "after", "first", "end"), ACCEPTED)
def test_what_leaves_the_last_day_of_each_month_as_it_was_becomes_law(
    session, before, after, first, end
):
    publish_tiny(session, tiny_market.documents() if before is None else law_with(before))
    change(session, after, first, end)


def test_a_month_that_a_publication_leaves_alone_is_no_reason_to_refuse_it():
    """Law of January that was published before this check holds up nothing of February."""
    (moving,), (none,) = policy_with(FAIR_PLAY), policy_with(None)
    middle, end = dt.date(2024, 1, 15), dt.date(2024, 2, 1)
    stored = [PolicyDays(moving, (dt.date(2024, 1, 1), middle)), PolicyDays(none, (middle, None))]
    for published, count in (((end, None), 0), ((dt.date(2024, 1, 31), end), 1)):
        assert len(list(fair_play_holds_to_month_end(stored, {}, published))) == count
