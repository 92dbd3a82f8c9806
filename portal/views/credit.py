"""What participants owe against the cover that they lodged: own, or everyone's."""

import datetime as dt

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from sqlalchemy.orm import Session

from common.refusals import Refused
from database.session import transaction
from ledger.payments.account_queries import day_end
from portal.access import SignedInRequest, Viewer, open_to
from portal.queries.people import participants
from portal.readings_kept import keep_list
from portal.views.rules import chosen_day, status_of
from rulebook.store import markets
from settlement.accounts.credit import Credit
from settlement.accounts.credit_report import CreditReport, credit_report


def sees_credit(viewer: Viewer) -> bool:
    """Return whether any exposure is open to this user."""
    return viewer.sees_credit


@require_safe
@open_to(sees_credit)
def page(request: SignedInRequest) -> HttpResponse:
    """Show exposure, cover and level by participant, as they stood at the end of a day."""
    on, complaint = chosen_day(request)
    # Today has not ended: what is not known yet must not be shown as its end.
    at = min(day_end(on), timezone.now())
    with transaction() as session:
        asked = [(market, _report(session, market, at)) for market in markets(session)]
        registered = set(participants(session))
    reports, missing = [], []
    for market, report in asked:
        if isinstance(report, Refused):
            if _has_part_in(request.viewer, registered, market):
                missing.append((market, report.findings))
            continue
        shown = [credit for credit in report.credits if _may_see(request.viewer, report, credit)]
        if shown:
            reports.append((report, shown))
    keep_list(request, is_everybodys=request.viewer.sees_all_credit)
    context = {
        "on": on,
        "complaint": complaint,
        "reports": reports,
        "missing": missing,
        "section": "credit",
    }
    return render(request, "credit/page.html", context, status=status_of(complaint))


def _report(session: Session, market: str, at: dt.datetime) -> CreditReport | Refused:
    """Return the report of a market; why there is none, where it had no terms, or no law, then."""
    try:
        return credit_report(session, market, at)
    except Refused as refused:
        return refused


def _has_part_in(viewer: Viewer, registered: set[tuple[str, str]], market: str) -> bool:
    """Return whether a market could have something to say to a user, had it the law to say it."""
    own = registered & (viewer.participants or frozenset())
    return viewer.sees_all_credit or any(of == market for of, _ in own)


def _may_see(viewer: Viewer, report: CreditReport, credit: Credit) -> bool:
    return viewer.sees_all_credit or viewer.may_see(report.market, credit.participant)
