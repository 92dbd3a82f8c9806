"""The course of a dispute against a table that is written down separately."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ledger.disputes.course import NEXT, Action, Course, Role, State, Step
from ledger.disputes.rules import DisputeRule
from ledger.disputes.terms import DisputeTerms
from tests.examples import tried

ZONE = "Europe/London"
TERMS = DisputeTerms(bytes(32), ZONE, 90, 3, 4, 2)
START = dt.datetime(2024, 3, 29, 20, 0, tzinfo=dt.UTC)  # the clock changes on the 31st

# Who may do what when, and where it leads. An opened dispute may be escalated once it is overdue.
TABLE = """
opened    accept    operator     accepted
opened    reject    operator     rejected
overdue   accept    operator     accepted
overdue   reject    operator     rejected
overdue   escalate  participant  escalated
rejected  escalate  participant  escalated
escalated uphold    regulator    upheld
escalated refuse    regulator    refused
accepted  settle    operator     settled
upheld    settle    operator     settled
opened    withdraw  participant  withdrawn
overdue   withdraw  participant  withdrawn
rejected  withdraw  participant  withdrawn
escalated withdraw  participant  withdrawn
accepted  withdraw  participant  withdrawn
upheld    withdraw  participant  withdrawn
"""
LEADS_TO = {tuple(row.split()[:3]): row.split()[3] for row in TABLE.strip().splitlines()}
OTHER_SIDE = {
    "accept": {"open"},
    "reject": {"open"},
    "uphold": {"open", "accept", "reject"},
    "refuse": {"open", "accept", "reject"},
}
PEOPLE = ("ann", "bob", "cat")


class Courses(RuleBasedStateMachine):
    """Opens a dispute, lets time pass, and tries every step by everybody."""

    @initialize(hours=st.integers(0, 48), who=st.sampled_from(PEOPLE))
    def open(self, hours, who):
        self.now = START + dt.timedelta(hours=hours)
        self.course = Course(TERMS, (Step(Action.OPEN, who, self.now),))
        self.state = "opened"
        self.done = {"open": who}
        self.answer_limit = self.midnights(TERMS.answer_within_days)
        self.limit = self.answer_limit + dt.timedelta(days=TERMS.escalate_within_days)

    def today(self):
        return self.now.astimezone(ZoneInfo(ZONE)).date()

    def midnights(self, days):
        return self.today() + dt.timedelta(days=days)

    def expected(self):
        """Where the model says that the dispute stands now, `overdue` and `lapsed` included."""
        if self.state in ("opened", "rejected") and self.today() > self.limit:
            return "lapsed"
        if self.state == "opened" and self.today() > self.answer_limit:
            return "overdue"
        return self.state

    @rule(hours=st.sampled_from([0, 1, 5, 23, 24, 25, 48, 100]))
    def time_passes(self, hours):
        self.now += dt.timedelta(hours=hours)

    @rule(
        action=st.sampled_from(list(Action)),
        who=st.sampled_from(PEOPLE),
        role=st.sampled_from(list(Role)),
    )
    def try_a_step(self, action, who, role):
        leads_to = LEADS_TO.get((self.expected(), action.value, role.value))
        others = {self.done.get(each) for each in OTHER_SIDE.get(action.value, ())}
        breaches = list(self.course.breaches(action, who, role, self.now))
        assert (leads_to is not None and who not in others) == (breaches == [])
        assert (action in self.course.steps_for(who, role, self.now)) == (breaches == [])
        if not breaches:
            self.course = Course(TERMS, (*self.course.steps, Step(action, who, self.now)))
            self.state = leads_to
            self.done[action.value] = who
            if leads_to == "rejected":
                self.limit = self.midnights(TERMS.escalate_within_days)

    @invariant()
    def the_state_is_that_of_the_model(self):
        expected = self.expected()
        assert self.course.state(self.now) == ("opened" if expected == "overdue" else expected)
        assert self.course.is_unanswered(self.now) == (expected == "overdue")
        assert self.course.is_open(self.now) == (
            expected not in ("settled", "refused", "withdrawn", "lapsed")
        )

    @invariant()
    def what_is_due_has_a_step_that_takes_it(self):
        due = self.course.due(self.now)
        steps = {
            role
            for state, _, role in LEADS_TO
            if state == self.expected() and state not in ("accepted", "upheld")
        }
        assert (due is None) == (steps == set())
        assert due is None or due.role.value in steps


TestCourses = Courses.TestCase
TestCourses.settings = settings(max_examples=tried(150), stateful_step_count=25, deadline=None)


def course(*steps, terms=TERMS):
    taken = tuple(Step(action, actor, at) for action, actor, at in steps)
    return Course(terms, taken, {"ann": 1, "ann-at-work": 1, "bob": 2, "cat": None})


LATE_ON_THE_LAST_DAY = dt.datetime(2024, 4, 1, 22, 59, 59, tzinfo=dt.UTC)  # 23:59:59 in summer


def test_a_day_lasts_to_its_end_in_the_market_s_zone():
    opened = course((Action.OPEN, "ann", START))
    assert TERMS.answer_by(START) == dt.date(2024, 4, 1)
    assert not opened.is_overdue(LATE_ON_THE_LAST_DAY)
    assert opened.is_overdue(LATE_ON_THE_LAST_DAY + dt.timedelta(seconds=1))


def test_a_decision_that_is_overdue_can_still_be_taken():
    escalated = course((Action.OPEN, "ann", START), (Action.REJECT, "bob", START),
                       (Action.ESCALATE, "ann", START))  # fmt: skip
    later = START + dt.timedelta(days=400)
    assert escalated.is_overdue(later)
    assert escalated.steps_for("cat", Role.REGULATOR, later) == (Action.UPHOLD, Action.REFUSE)


REFUSED = {
    "another party": (Action.ACCEPT, "bob", Role.PARTICIPANT, 0, DisputeRule.PARTY_IS_WRONG),
    "not in this state": (Action.SETTLE, "bob", Role.OPERATOR, 0, DisputeRule.STEP_IS_NOT_ALLOWED),
    "too early": (Action.ESCALATE, "ann", Role.PARTICIPANT, 0, DisputeRule.STEP_IS_TOO_EARLY),
    "lapsed": (Action.ESCALATE, "ann", Role.PARTICIPANT, 9, DisputeRule.DISPUTE_HAS_LAPSED),
    "own dispute": (Action.REJECT, "ann", Role.OPERATOR, 0, DisputeRule.ACTS_FOR_BOTH_SIDES),
    "own dispute, by another account": (
        Action.REJECT,
        "ann-at-work",
        Role.OPERATOR,
        0,
        DisputeRule.ACTS_FOR_BOTH_SIDES,
    ),
    "before it": (Action.REJECT, "bob", Role.OPERATOR, -1, DisputeRule.MOMENT_IS_EARLIER),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_step_that_breaks_a_rule_is_refused_by_its_code(case):
    action, actor, role, days, code = REFUSED[case]
    opened = course((Action.OPEN, "ann", START))
    found = list(opened.breaches(action, actor, role, START + dt.timedelta(days=days)))
    assert [each for each, _ in found] == [code]


def test_who_answered_does_not_decide():
    escalated = course((Action.OPEN, "ann", START), (Action.REJECT, "bob", START),
                       (Action.ESCALATE, "ann", START))  # fmt: skip
    assert escalated.steps_for("bob", Role.REGULATOR, START) == ()
    assert Action.UPHOLD in escalated.steps_for("cat", Role.REGULATOR, START)


def test_nothing_follows_a_state_that_is_over():
    assert {state for state, steps in NEXT.items() if not steps} == {
        State.SETTLED,
        State.REFUSED,
        State.WITHDRAWN,
        State.LAPSED,
    }


def test_a_course_of_which_it_is_not_told_who_acted_stands_somewhere_and_judges_nobody():
    steps = Step(Action.OPEN, None, START), Step(Action.REJECT, None, START)
    course = Course(TERMS, steps)
    assert course.state(START) is State.REJECTED
    assert course.steps_for("ann", Role.PARTICIPANT, START) == (Action.ESCALATE, Action.WITHDRAW)
    escalated = Course(TERMS, (*steps, Step(Action.ESCALATE, None, START)))
    with pytest.raises(LookupError, match="is not told"):
        escalated.steps_for("cat", Role.REGULATOR, START)
