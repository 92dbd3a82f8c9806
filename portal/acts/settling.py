"""Acts that settle and bill: a range of days that is due, and the documents of a month."""

import datetime as dt
import os

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused, refuse_any
from ledger.people import store
from ledger.people.rights import check_acting
from ledger.people.roles import Role
from market.settling import settle_with_market
from portal.acts.requests import Done, Entry
from portal.audit import Action
from portal.models import Act
from settlement.billing.issuing import issue_month
from settlement.calendar.due import DueRange, due_ranges
from settlement.calendar.market_calendar import market_calendar, settle_range

SETTLES = frozenset({Role.OPERATOR})


def settle_days(session: Session, act: Act, now: dt.datetime) -> Done:
    """Settle and post a range of days that the calendar says is due."""
    refuse_any(check_acting(store.acting(session), SETTLES, act.get_kind_display()))
    due = _due_range(session, act, now)
    market, threads = act.arguments["market"], os.cpu_count() or 1
    settled, posted = settle_range(
        session, market, due, now=now, threads=threads, settle_days=settle_with_market
    )
    count = sum(not journal.is_repeat for journal in posted)
    told = (
        f"Settled {due.kind} of {market}, {due.first_day} to {due.last_day}, and posted {count} "
        f"journal{'s' if count != 1 else ''}."
    )
    return Done(told, ["run", str(settled.run.id)], entries=[Entry(Action.SETTLED, act.subject)])


def _due_range(session: Session, act: Act, now: dt.datetime) -> DueRange:
    asked = act.arguments
    found = market_calendar(session, asked["market"], known=now)
    for due in due_ranges(found.entries):
        if (due.kind, str(due.first_day), str(due.last_day)) == (
            asked["kind"], asked["first_day"], asked["last_day"],
        ):  # fmt: skip
            return due
    raise Refused(
        [
            Finding(
                "range-not-due",
                act.subject,
                "not due any more, or not in one piece",
                "what is settled from a page is a range that the calendar lists as due",
                "read the calendar as it stands now, and choose from it",
            )
        ]
    )


def issue_documents(session: Session, act: Act, now: dt.datetime) -> Done:
    """Issue what is posted of a month and not yet billed."""
    refuse_any(check_acting(store.acting(session), SETTLES, act.get_kind_display()))
    market, month = act.arguments["market"], dt.date.fromisoformat(act.arguments["month"])
    count = len(issue_month(session, market, month, now=now).invoices)
    if not count:
        told = f"Nothing to bill of {month:%B %Y}: no participant has an amount that is not billed."
        return Done(told, ["calendar"], appended=False)
    told = f"Issued {count} document{'s' if count != 1 else ''} of {market} for {month:%B %Y}."
    return Done(told, ["invoices"], entries=[Entry(Action.ISSUED, act.subject)])
