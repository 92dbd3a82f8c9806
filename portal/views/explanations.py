"""Why this number: from a line to its days, a day's intervals, and the tree behind one interval."""

import datetime as dt

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from sqlalchemy.orm import Session

from database.session import transaction
from portal.access import SignedInRequest, Viewer, open_to
from portal.queries import explanations as queries
from portal.queries.disputes import is_disputed
from portal.queries.invoices import invoice_page
from portal.views.invoices import refuse_others


def sees_explanations(viewer: Viewer) -> bool:
    """Return whether there are explanations for this user."""
    return viewer.sees_explanations


@require_safe
@open_to(sees_explanations)
def line(request: SignedInRequest, number: str, line: int) -> HttpResponse:
    """Show a line as the sum of its days."""
    with transaction() as session:
        why = _find_line(session, request, number, line)
        days = why.days(session)
    largest = max((abs(child.value) for child in days), default=0)
    context = {"why": why, "days": days, "largest": largest, "section": "invoices"}
    return render(request, "why/line.html", context)


@require_safe
@open_to(sees_explanations)
def day(request: SignedInRequest, number: str, line: int, day: dt.date) -> HttpResponse:
    """Show a day of a line as the sum of its intervals."""
    with transaction() as session:
        why = _find_line(session, request, number, line)
        found = _find_day(session, why, day)
    largest = max(abs(interval.amount_micro) for interval in found.intervals)
    context = {"why": why, "day": found, "largest": largest, "section": "invoices"}
    return render(request, "why/day.html", context)


@require_safe
@open_to(sees_explanations)
def interval(
    request: SignedInRequest, number: str, line: int, day: dt.date, interval: int
) -> HttpResponse:
    """Show the tree behind one interval: shares, prices, readings and clauses."""
    with transaction() as session:
        why = _find_line(session, request, number, line)
        of_day = _find_day(session, why, day)
        if not 1 <= interval <= len(of_day.intervals):
            raise Http404("no such interval on this day")
        found = why.interval(of_day, interval, request.viewer)
    context = {
        "why": why,
        "day": of_day,
        "found": found,
        "previous": interval - 1 or None,
        "next": interval + 1 if interval < len(of_day.intervals) else None,
        "section": "invoices",
    }
    return render(request, "why/interval.html", context)


def _find_line(
    session: Session, request: SignedInRequest, number: str, line: int
) -> queries.LineExplanation:
    decides = request.viewer.decides_disputes and is_disputed(session, number, line)
    refuse_others(session, request, number, is_open=decides)
    found = queries.find_line_explanation(session, invoice_page(session, number), line)
    if found is None:
        raise Http404("no such line in this document")
    return found


def _find_day(session: Session, why: queries.LineExplanation, day: dt.date) -> queries.DayPage:
    found = why.day(session, day)
    if found is None:
        raise Http404("the line has nothing on this day")
    return found
