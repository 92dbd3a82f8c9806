"""Trials asked for on a page: the form, how far each is, and its asker's wish meanwhile."""

from django.db.transaction import atomic
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRedirect

from database.session import transaction
from portal import jobs
from portal.access import SignedInRequest, Viewer, open_to
from portal.form_alone import takes_form
from portal.models import AskedTrial
from portal.queries.rules import market_zone
from portal.quotas import refused
from portal.trials import requests
from portal.trials.form import TrialForm, read_form
from portal.trials.sources import list_sources
from portal.views.page_remedies import first_reasons
from settlement.runs.store import settled_months

UNPROCESSABLE = 422
WISHES = {
    "pause": AskedTrial.Wish.PAUSE,
    "go-on": AskedTrial.Wish.GO_ON,
    "cancel": AskedTrial.Wish.CANCEL,
}


def tries_drafts(viewer: Viewer) -> bool:
    """Return whether this user may have drafts tried."""
    return viewer.tries_drafts


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(tries_drafts)
def ask(request: SignedInRequest) -> HttpResponse:
    """Show the form, which draft and on which days; or ask for what it says."""
    return _ask(request) if request.method == "POST" else _form(request)


def _form(request: SignedInRequest) -> HttpResponse:
    with transaction() as session:
        known = list_sources(session)
        months = settled_months(session)
    asked = TrialForm(draft=request.GET.get("draft", ""))
    chosen = next((each for each in known if each.key == asked.draft), None)
    if chosen is not None and chosen.market in months:
        asked.first_day, asked.last_day = map(str, months[chosen.market])
    elif months:
        asked.first_day, asked.last_day = map(str, next(iter(months.values())))
    context = {"form": asked, "sources": known, "section": "trials"}
    return render(request, "trials/ask.html", context)


def _ask(request: SignedInRequest) -> HttpResponse:
    with transaction() as session:
        known = list_sources(session)
    read = read_form(request.POST.dict(), known)
    if read.complaints or read.days is None:
        context = {"form": read, "sources": known, "section": "trials"}
        context["complaints"] = read.complaints
        return render(request, "trials/ask.html", context, status=UNPROCESSABLE)
    now = timezone.now()
    with atomic():
        refusal = requests.no_room(request.user, now)
        if refusal is not None:
            return refused(refusal)
        asked = requests.ask_for_trial(
            request.user, read.sources, read.days, read.threshold_ppm, read.mode, now
        )
    return redirect("asked-trial", asked.pk)


@require_safe
@open_to(tries_drafts)
def page(request: SignedInRequest, number: int) -> HttpResponse:
    """Show how far a trial is; the page asks again until it is done, and then leads to it."""
    # Another's looks like one that is not there.
    mine = AskedTrial.objects.filter(user=request.user)
    requests.fail_lost(mine.filter(pk=number), timezone.now())
    asked = get_object_or_404(mine, pk=number)
    if asked.state == AskedTrial.State.DONE:
        if request.htmx:
            return HttpResponseClientRedirect(request.path)
        return redirect("trial", asked.trial_id)
    with transaction() as session:
        zone = market_zone(session, asked.market)
    context = {
        "asked": asked,
        "zone": zone,
        "has_worker": jobs.is_worker_there(),
        **first_reasons(asked.findings),
        "section": "trials",
    }
    template = "trials/_asked.html" if request.htmx else "trials/asked.html"
    return render(request, template, context)


@takes_form
@open_to(tries_drafts)
def wish(request: SignedInRequest, number: int) -> HttpResponse:
    """Let a trial rest, go on, or end."""
    get_object_or_404(AskedTrial, pk=number, user=request.user)
    wanted = WISHES.get(request.POST.get("wish", ""))
    if wanted is not None:
        requests.wish(request.user, number, wanted)
    return redirect("asked-trial", number)
