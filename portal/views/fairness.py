"""Fairness reports: by period, whole for who oversees the market, and in part for everybody."""

import datetime as dt

from django.db.transaction import atomic
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect
from sqlalchemy.orm import Session

from database.session import transaction
from portal import jobs
from portal.access import SignedInRequest, Viewer, open_to
from portal.days import parse_period, period_of, period_words
from portal.fairness import requests
from portal.fairness.days import day_shown
from portal.fairness.pages import ReportPage, list_periods, periods_that, report_page
from portal.fairness.printing import printed_report
from portal.fairness.reading import ReadReport, Version, read_report, versions_of
from portal.form_alone import takes_form
from portal.models import AskedReport
from portal.printed.pdf import report_pdf
from portal.queries.rules import market_zone
from portal.quotas import Kind, refused, spends
from portal.readings_kept import keep_list
from portal.trials.files import as_json
from portal.views.law_changes import reads_law
from portal.views.page_remedies import first_reasons
from portal.views.studies import sees_studies

SECTION = "fairness"


def makes_reports(viewer: Viewer) -> bool:
    """Return whether this user may have a report made: who manages the market or its law."""
    return viewer.tries_drafts


@require_safe
@open_to(reads_law)
def listing(request: SignedInRequest) -> HttpResponse:
    """List the months and years of every market, with the report of each that has one."""
    with transaction() as session:
        found = list_periods(session)
    context = {
        "markets": found,
        "makes": makes_reports(request.viewer),
        "under_way": requests.under_way(request.user, timezone.now()),
        "section": SECTION,
    }
    return render(request, "fairness/listing.html", context)


@require_safe
@open_to(reads_law)
def page(request: SignedInRequest, market: str, period: str) -> HttpResponse:
    """Show the report of a period, the latest unless another is named."""
    with transaction() as session:
        found, versions = _read(request, session, market, period)
        shown = _shown(request, session, found, versions)
    return render(request, "fairness/page.html", {"page": shown, "section": SECTION})


@require_safe
@open_to(reads_law)
def day(request: SignedInRequest, market: str, period: str, day: dt.date) -> HttpResponse:
    """Show a day of a report: who was short, when and where, and whose run it is of."""
    with transaction() as session:
        found, versions = _read(request, session, market, period)
        zone = market_zone(session, market)
    shown = day_shown(found.content, day, zone)
    if shown is None:
        raise Http404("no such day of this report")
    context = {
        "day": shown,
        "market": market,
        "period": period,
        "words": _words(found),
        "query": "" if versions[0] == found.version else f"?digest={found.version.digest.hex()}",
        "section": SECTION,
    }
    return render(request, "fairness/day.html", context)


@require_safe
@open_to(reads_law)
@spends(Kind.EXPORT)
def as_text(request: SignedInRequest, market: str, period: str) -> HttpResponse:
    """Send a report as JSON, exactly, as the reader may read it."""
    with transaction() as session:
        found, _ = _read(request, session, market, period)
    content = dict(found.content)
    if not found.is_whole:
        content = {"public": content, "own": [own._asdict() for own in found.own]}
    return _file(as_json(content), "application/json", f"fairness-{market}-{period}.json")


@require_safe
@open_to(reads_law)
@spends(Kind.EXPORT)
def as_print(request: SignedInRequest, market: str, period: str) -> HttpResponse:
    """Send a report as a PDF, rounded for reading, to be signed."""
    with transaction() as session:
        found, versions = _read(request, session, market, period)
        shown = _shown(request, session, found, versions)
    content = report_pdf(printed_report(shown), shown.created_at)
    return _file(content, "application/pdf", f"fairness-{market}-{period}.pdf")


@takes_form
@open_to(makes_reports)
def ask(request: SignedInRequest) -> HttpResponse:
    """Ask the worker for the report of a month or a year."""
    market, period = request.POST.get("market", ""), request.POST.get("period", "")
    with transaction() as session:
        known = {each.period for each in periods_that(list_periods(session), market)}
    days = parse_period(period)
    if days is None or period not in known:
        raise Http404("no such period of a market")
    now = timezone.now()
    with atomic():
        refusal = requests.no_room(request.user, now)
        if refusal is not None:
            return refused(refusal)
        asked = requests.ask_for_report(request.user, market, days, now)
    return redirect("asked-report", asked.pk)


@require_safe
@open_to(makes_reports)
def asked(request: SignedInRequest, number: int) -> HttpResponse:
    """Show how far a report is; the page asks again until it is made, and then leads to it."""
    # Another's looks like one that is not there.
    mine = AskedReport.objects.filter(user=request.user)
    requests.fail_lost(mine.filter(pk=number), timezone.now())
    found = get_object_or_404(mine, pk=number)
    days = (found.first_day, found.last_day)
    if found.state == AskedReport.State.DONE:
        if request.htmx:
            return HttpResponseClientRedirect(request.path)
        return redirect("fairness-report", found.market, period_of(*days))
    with transaction() as session:
        zone = market_zone(session, found.market)
    context = {
        "asked": found,
        "words": period_words(*days),
        "zone": zone,
        "has_worker": jobs.is_worker_there(),
        **first_reasons(found.findings),
        "section": SECTION,
    }
    template = "fairness/_asked.html" if request.htmx else "fairness/asked.html"
    return render(request, template, context)


def _read(
    request: SignedInRequest, session: Session, market: str, period: str
) -> tuple[ReadReport, list[Version]]:
    """Return the report of a period that an address names, and all of the period.

    Raises:
        Http404: there is none.
    """
    days = parse_period(period)
    versions = [] if days is None else versions_of(session, market, days)
    digest = request.GET.get("digest", "")
    named = [each for each in versions if digest in ("", each.digest.hex())]
    is_whole = sees_studies(request.viewer)
    found = read_report(session, named[0], is_whole=is_whole) if named else None
    if found is None:
        raise Http404("no such report")
    # A whole report names what each participant was paid and charged.
    keep_list(request, is_everybodys=is_whole)
    return found, versions


def _shown(
    request: SignedInRequest, session: Session, found: ReadReport, versions: list[Version]
) -> ReportPage:
    return report_page(session, found, versions, sees_runs=request.viewer.sees_runs)


def _words(found: ReadReport) -> str:
    days = (found.content["first_day"], found.content["last_day"])
    return period_words(*map(dt.date.fromisoformat, days))


def _file(content: bytes, content_type: str, name: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
