"""The settlement calendar, for operators and auditors."""

import datetime as dt
from collections.abc import Sequence

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from database.session import transaction
from portal.access import SignedInRequest, open_to
from portal.acts.settling import SETTLES
from portal.calendar_words import following_words, late_words
from portal.days import parse_day
from portal.queries.calendar import calendar_page
from portal.views.runs import sees_runs
from rulebook.store import markets
from settlement.calendar.due import State

UNPROCESSABLE = 422
LEGEND = (
    (State.POSTED, "the run is posted to the ledger"),
    (State.DUE, "the run is to be settled and posted today"),
    (State.OVERDUE, "the day on which the run was due has passed"),
    (State.SETTLED, "the run was settled and is still to be posted"),
    (State.BLOCKED, "the run is due, and the readings of the day do not settle"),
    (State.NOT_YET, "the run comes due on the day that is named"),
    (State.PASSED_OVER, "a later run was posted first, or the day is sealed: it is never posted"),
)


@require_safe
@open_to(sees_runs)
def page(request: SignedInRequest) -> HttpResponse:
    """Show what is due, what blocks it, the days of a month by run, and what came late."""
    return calendar_response(request)


def calendar_response(
    request: SignedInRequest, complaints: Sequence[str] = (), market: str | None = None
) -> HttpResponse:
    """Return the page of a market's calendar; with what was wrong with a form of it."""
    now = timezone.now()
    with transaction() as session:
        known = markets(session)
        market = market or request.GET.get("market") or (known[0] if known else None)
        if market is not None and market not in known:
            raise Http404("no such market")
        month = _month(request.GET.get("month", ""))
        found = calendar_page(session, market, month, now) if market else None
    context = {
        "markets": known,
        "market": market,
        "page": found,
        "late": [(late, late_words(late)) for late in found.late] if found else [],
        "following": [(days, following_words(days)) for days in found.following] if found else [],
        "legend": LEGEND,
        "settles": bool(request.viewer.roles & SETTLES),
        "complaints": complaints,
        "section": "calendar",
    }
    status = UNPROCESSABLE if complaints else 200
    return render(request, "calendar/page.html", context, status=status)


def _month(text: str) -> dt.date | None:
    month = parse_day(f"{text}-01") if text else None
    if text and month is None:
        raise Http404("no such month")
    return month
