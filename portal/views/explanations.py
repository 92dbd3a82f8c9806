"""Why this number: from a line to its days, a day's intervals, and the tree behind one interval."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect

from database.session import transaction
from portal import explanations, jobs
from portal.access import SignedInRequest, Viewer, open_to
from portal.bodies import Refusal
from portal.explanations import Page, State, Subject
from portal.queries import explanations as queries
from portal.queries.cited import cite_once, first_recorded
from portal.queries.invoices import invoice_page
from portal.quotas import refused
from portal.views.invoices import refuse_others


def sees_explanations(viewer: Viewer) -> bool:
    """Return whether there are explanations for this user."""
    return viewer.sees_explanations


@require_safe
@open_to(sees_explanations)
def line(request: SignedInRequest, number: str, line: int) -> HttpResponse:
    """Show a line as the sum of its days."""
    return _explain(request, Subject(number, line), "why/line.html", _line_context)


def _line_context(found: queries.LinePage) -> dict[str, Any]:
    largest = max((abs(child.value) for child in found.days), default=0)
    return {"days": found.days, "largest": largest}


@require_safe
@open_to(sees_explanations)
def day(request: SignedInRequest, number: str, line: int, day: dt.date) -> HttpResponse:
    """Show a day of a line as the sum of its intervals."""
    return _explain(request, Subject(number, line, day), "why/day.html", _day_context)


def _day_context(found: queries.DayPage) -> dict[str, Any]:
    largest = max(abs(interval.amount_micro) for interval in found.intervals)
    has_booked = any(interval.booked for interval in found.intervals)
    return {"day": found, "largest": largest, "has_booked": has_booked}


@require_safe
@open_to(sees_explanations)
def interval(
    request: SignedInRequest, number: str, line: int, day: dt.date, interval: int
) -> HttpResponse:
    """Show the tree behind one interval: shares, prices, readings and clauses."""
    subject = Subject(number, line, day, interval)
    return _explain(request, subject, "why/interval.html", _interval_context)


def _interval_context(found: queries.IntervalPage) -> dict[str, Any]:
    number = found.interval.number
    with transaction() as session:
        recorded = first_recorded(session, {clause.digest for clause in found.clauses})
    return {
        "clauses": cite_once(found.clauses, recorded),
        "day": found.day,
        "found": found,
        "previous": number - 1 or None,
        "next": number + 1 if number < len(found.day.intervals) else None,
    }


def _explain(
    request: SignedInRequest,
    subject: Subject,
    template: str,
    context_of: Callable[[Any], dict[str, Any]],
) -> HttpResponse:
    """Show an explanation, or that it is being worked out; the page then leads on by itself."""
    why = _find_line(request, subject)
    asked = explanations.ask(request.user, request.viewer, subject)
    if isinstance(asked, Refusal):
        return refused(asked)
    if asked.state == State.NOTHING:
        raise Http404("nothing of the kind in this document")
    context: dict[str, Any] = {
        "why": why,
        "zone": why.invoice.summary.zone,
        "section": "invoices",
    }
    if asked.state == State.READY:
        if request.htmx:
            return HttpResponseClientRedirect(request.path)
        found: Page = explanations.page_of(asked)
        return render(request, template, context | context_of(found))
    context |= {"asked": asked, "has_worker": jobs.is_worker_there()}
    return render(request, "why/_state.html" if request.htmx else "why/waiting.html", context)


def _find_line(request: SignedInRequest, subject: Subject) -> queries.LineExplanation:
    """Return the line of a document, with what stands on the document itself."""
    with transaction() as session:
        is_open = explanations.may_explain(session, request.viewer, subject)
        refuse_others(session, request, subject.document, is_open=is_open)
        document = invoice_page(session, subject.document)
        found = queries.find_line_explanation(session, document, subject.line)
    if found is None:
        raise Http404("no such line in this document")
    return found
