"""Rules in force, on any day, open to everyone; registrations to those whom they concern."""

import datetime as dt

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from sqlalchemy.orm import Session

from database.session import transaction
from portal.access import viewer_in
from portal.curve_view import curve_figures
from portal.days import day_complaint, parse_day
from portal.document_view import fields_of
from portal.queries import rules as queries
from portal.readings_kept import keep_reading
from rulebook.clause_text import fill_clause
from rulebook.documents import MarketRules

DIGEST_LETTERS = 64
OK, BAD_REQUEST = 200, 400


@require_safe
def in_force(request: HttpRequest) -> HttpResponse:
    """List the versions in force on a day, by market and kind."""
    on, complaint = chosen_day(request)
    with transaction() as session:
        markets = queries.rules_in_force(session, on)
        viewer = viewer_in(request)
        markets = [law.visible_to(viewer) for law in markets]
    context = {"on": on, "complaint": complaint, "markets": markets, "section": "rules"}
    return render(request, "rules/in_force.html", context, status=status_of(complaint))


@require_safe
def document(request: HttpRequest, instrument: str) -> HttpResponse:
    """Show the version of an instrument that is in force on a day."""
    on, complaint = chosen_day(request)
    with transaction() as session:
        found = queries.rule_on(session, instrument, on)
        if found is None:
            history = queries.rule_history(session, instrument)
            if not history or not history[0].is_open_to(viewer_in(request)):
                raise Http404("no such instrument for this user")
            context = {
                "instrument": instrument,
                "on": on,
                "standing": [version for version in history if version.recorded_to is None],
                "needed_every_day": history[0].needed_every_day,
                "last": _ended_by(history, on),
                "section": "rules",
            }
            return render(request, "rules/gap.html", context, status=404)
        return _version_page(request, session, found, on, complaint)


def _ended_by(history: list[queries.RuleVersion], day: dt.date) -> queries.RuleVersion | None:
    """Return the last version of an instrument that ended before a day, or None."""
    last = queries.last_standing(history)
    return last if last and last.last_day and last.last_day < day else None


@require_safe
def version(request: HttpRequest, digest: str) -> HttpResponse:
    """Show the document with a digest, in force or not."""
    try:
        wanted = bytes.fromhex(digest)
    except ValueError:
        raise Http404("not a digest") from None
    # `fromhex` takes any even number of letters, and spaces between them.
    if len(digest) != DIGEST_LETTERS:
        raise Http404("not a digest")
    with transaction() as session:
        found = queries.rule_by_digest(session, wanted)
        if found is None:
            raise Http404("no such version")
        return _version_page(request, session, found, None, "")


def _version_page(
    request: HttpRequest,
    session: Session,
    found: queries.RuleVersion,
    on: dt.date | None,
    complaint: str,
) -> HttpResponse:
    viewer = viewer_in(request)
    if not found.is_open_to(viewer):
        raise Http404("no such document for this user")
    owner, user = found.owner, request.user
    if owner and isinstance(user, User) and viewer.may_read_registration(*owner):
        keep_reading(user, viewer, *owner)
    currency = queries.currency_of(session, found)
    history = queries.rule_history(session, found.instrument)
    context = {
        "version": found,
        "document": found.document,
        "clauses": [
            (clause, fill_clause(found.document, clause.text, currency))
            for clause in found.document.clauses
        ],
        "fields": fields_of(found.document, currency, found.withheld_from(viewer)),
        "curves": curve_figures(found.document) if isinstance(found.document, MarketRules) else (),
        "history": history,
        "ends": queries.last_standing(history),
        "ended": _ended_by(history, timezone.now().date()) is not None,
        "lacks_currency": currency == queries.NO_CURRENCY,
        "on": on,
        "complaint": complaint,
        "section": "rules",
    }
    return render(request, "rules/document.html", context, status=status_of(complaint))


def chosen_day(request: HttpRequest) -> tuple[dt.date, str]:
    """Return the day asked for by ?on=, or today; and what was wrong with it, if anything."""
    asked = request.GET.get("on", "").strip()
    today = timezone.now().date()
    if not asked:
        return today, ""
    found = parse_day(asked)
    return (today, f"{day_complaint(asked)} Shown for today.") if found is None else (found, "")


def status_of(complaint: str) -> int:
    """Return the status of a page that says what was wrong with its address, if anything was."""
    return BAD_REQUEST if complaint else OK
