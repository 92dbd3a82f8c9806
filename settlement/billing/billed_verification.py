"""Hold what documents bill to the journals, each day under the tax of the law that posted it."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter

from sqlalchemy import text
from sqlalchemy.orm import Session

import ledger.invoice_queries
from common.damage import damage
from common.refusals import Finding
from ledger.billed_verification import DOCUMENT_LINES, verify_lines
from ledger.invoice import document_number
from ledger.invoice_queries import BilledAccount
from ledger.journal import is_money
from settlement.billing.day_law import PostedMonth
from settlement.billing.drafted_verification import verify_drafts
from settlement.billing.lines import LINE_KINDS
from settlement.billing.posted_month import posted_month
from settlement.runs.pinned import UNREADABLE

UNPUBLISHED = text(
    "SELECT series, number, line, encode(named, 'hex') FROM ledger.invoice "
    "JOIN ledger.invoice_line ON invoice_id = id CROSS JOIN unnest(rule_digests) AS named "
    "WHERE named <> ALL(SELECT digest FROM rulebook.version) ORDER BY series, number, line"
)


def verify_billed(session: Session) -> Iterator[Finding]:
    """Sum the journals that documents cover again, and hold the documents' lines to the sums."""
    yield from verify_lines(session)
    for series, number, line, digest in session.execute(UNPUBLISHED):
        place = f"ledger.invoice_line {document_number(series, number)}/{line}"
        yield damage("line-rules", place, f"no rule with digest {digest} was ever published")
    for market, billing_month in ledger.invoice_queries.billed_months(session):
        try:
            month = posted_month(session, market, billing_month)
            due = _sum_due(session, market, billing_month, month)
            stated = list(verify_drafts(session, market, billing_month, month))
        except UNREADABLE:  # checks of runs and accounts name what is not there as it was
            continue
        yield from stated
        billed = ledger.invoice_queries.billed_accounts(session, market, billing_month)
        for account in sorted(billed.keys() | due.keys()):
            if billed.get(account, 0) != due.get(account, 0):
                category, rate_ppm = account.tax
                place = f"ledger.invoice of {account.participant} in {market} {billing_month:%Y-%m}"
                yield damage(
                    DOCUMENT_LINES,
                    place,
                    f"{account.kind} of {account.subject} under {category} at {rate_ppm} ppm: its "
                    f"lines sum to {billed.get(account, 0)} micro, and the journals that they "
                    f"cover, each under the law of its run, to {due.get(account, 0)}",
                )


def _sum_due(
    session: Session, market: str, billing_month: dt.date, month: PostedMonth
) -> dict[BilledAccount, int]:
    """Return what the journals that documents of a month cover come to."""
    covered = ledger.invoice_queries.last_covered_journals(session, market, billing_month)
    due: defaultdict[BilledAccount, int] = defaultdict(int)
    movements = ledger.invoice_queries.movements_by_day(session, market, billing_month)
    for account, of_account in groupby(movements, key=attrgetter("account")):
        participant, kind, subject = str(account.participant), account.kind, account.subject
        # What a document cannot bill is no line; what is not of its kind the digests tell.
        if participant not in covered or kind not in LINE_KINDS or not is_money(account.commodity):
            continue
        for _, day, _, amount in of_account:
            law = month.law_on(day, covered[participant])
            if law is not None:
                tax = law.tax_of(kind, subject).tax
                due[BilledAccount(participant, account.commodity, kind, subject, tax)] += amount
    return due
