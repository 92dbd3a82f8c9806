"""Disputes in words: states, steps, and deadlines, `answer due in 3 days, on 14 March 2024`."""

import datetime as dt

from common.quantities import with_unit
from ledger.disputes.claims import Claim
from ledger.disputes.course import Action, Course, Role, State
from ledger.disputes.records import Record

STATE_WORDS = {
    State.OPENED: "waits for an answer",
    State.ACCEPTED: "accepted",
    State.REJECTED: "rejected",
    State.ESCALATED: "before the regulator",
    State.UPHELD: "upheld",
    State.REFUSED: "refused",
    State.SETTLED: "settled",
    State.WITHDRAWN: "withdrawn",
    State.LAPSED: "lapsed",
}
STATUS_OF = {State.SETTLED: "good", State.UPHELD: "good", State.ACCEPTED: "good"}
"""The colour of a state, where it has one beside its words."""

DONE_WORDS = {
    Action.OPEN: "Opened",
    Action.ACCEPT: "Accepted",
    Action.REJECT: "Rejected",
    Action.ESCALATE: "Escalated to the regulator",
    Action.UPHOLD: "Upheld",
    Action.REFUSE: "Refused",
    Action.SETTLE: "Settled by a later run",
    Action.WITHDRAW: "Withdrawn",
}
TITLES = {
    Action.ACCEPT: "Accept",
    Action.REJECT: "Reject",
    Action.ESCALATE: "Escalate to the regulator",
    Action.UPHOLD: "Uphold",
    Action.REFUSE: "Refuse",
    Action.SETTLE: "Settle",
    Action.WITHDRAW: "Withdraw",
}
HELP = {
    Action.ACCEPT: "The whole claim holds; a later run has to correct the line.",
    Action.REJECT: "The line stands, unless the participant escalates.",
    Action.ESCALATE: "The regulator decides instead of the operator.",
    Action.UPHOLD: "The claim holds, whole or in part; a later run has to correct the line.",
    Action.REFUSE: "The line stands, and the dispute is over.",
    Action.SETTLE: "Link the posted run, and the note that bills the difference.",
    Action.WITHDRAW: "The dispute is over. The line may be disputed again while there is time.",
}
OF_WHOM = {
    Role.PARTICIPANT: "by the participant",
    Role.OPERATOR: "by the operator",
    Role.REGULATOR: "by the regulator",
}


def day_in_words(day: dt.date) -> str:
    """Return a day as `14 March 2024`."""
    return f"{day.day} {day:%B %Y}"


def due_in_words(what: str, day: dt.date, today: dt.date) -> str:
    """Return a deadline in words.

    >>> due_in_words("answer", dt.date(2024, 3, 14), dt.date(2024, 3, 11))
    'answer due in 3 days, on 14 March 2024'
    >>> due_in_words("answer", dt.date(2024, 3, 14), dt.date(2024, 3, 15))
    'answer overdue by 1 day, it was due on 14 March 2024'
    """
    days = (day - today).days
    if days < 0:
        count = f"{-days} day{'' if days == -1 else 's'}"
        return f"{what} overdue by {count}, it was due on {day_in_words(day)}"
    when = {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")
    return f"{what} due {when}, on {day_in_words(day)}"


def waits_for(course: Course, now: dt.datetime) -> str:
    """Return what a dispute waits for, and until when; empty where it is over.

    A participant need not escalate: that is allowed until a day, not due on it.
    """
    today = course.terms.day_of(now)
    due, state = course.due(now), course.state(now)
    if due is None:
        return "a later run and its note are to correct the line" if course.is_open(now) else ""
    may_escalate = f"may be escalated until {day_in_words(due.day)}"
    if state is State.REJECTED:
        return f"{may_escalate}; after that the answer stands"
    missed = course.missed(now)
    if state is State.OPENED and missed is not None:
        return f"{due_in_words('answer', missed, today)}; {may_escalate}"
    return due_in_words(due.what, due.day, today)


def claim_in_words(claim: Claim, record: Record) -> str:
    """Return an amount or a quantity of a dispute, exact."""
    return claim.in_words(record.line.currency, record.line.quantity_unit)


def money_in_words(micro: int, currency: str) -> str:
    """Return an exact amount, with the digits below the penny only where there are any.

    >>> money_in_words(12_340_000, "GBP"), money_in_words(12_340_050, "GBP")
    ('£12.34', '£12.34005')
    """
    return with_unit(micro, "micro", currency)
