"""Law that is proposed without a change: the end of a registration, and a proposal to approve."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from common.refusals import Refused
from database.session import transaction
from ledger.people.roles import Role
from portal.access import SignedInRequest, Viewer, open_to
from portal.acts.answers import answer
from portal.acts.requests import ask
from portal.confirmation import confirms
from portal.copies import draft_of_copy
from portal.days import day_complaint, parse_day
from portal.models import Act
from portal.queries.law_proposals import shown_proposal
from portal.readings_kept import keep_list, keep_reading
from portal.views.drafts import copy_of, draft_page
from portal.views.page_remedies import page_sentences
from rulebook.changes.records import draft_as_json
from settlement.enactment.leaving import Leaving, leaving

UNPROCESSABLE = 422
LONGEST_REASON = 2_000
TOO_LONG = f"Give the reason in {LONGEST_REASON:,} characters at most."
MOST_POINTS = 200
"""Of supply points that the form lists; a finding names those that nobody takes over."""


def sees_proposals(viewer: Viewer) -> bool:
    """Return whether proposals of law are open to this user."""
    return viewer.sees_people


def proposes_law(viewer: Viewer) -> bool:
    """Return whether this user proposes law."""
    return viewer.manages_people


def approves_law(viewer: Viewer) -> bool:
    """Return whether this user approves law that another proposed."""
    return Role.REGULATOR in viewer.roles


@require_safe
@open_to(proposes_law)
def ending(request: SignedInRequest, market: str, participant: str) -> HttpResponse:
    """Ask for the last day of a participant that leaves, and show what leaves with it."""
    written = request.GET.get("last_day", "").strip()
    complaints = [day_complaint(written)] if written and parse_day(written) is None else []
    return _end_page(request, market, participant, {"last_day": written}, complaints)


@require_POST
@open_to(proposes_law)
@confirms("registration-end", "market", "participant")
def propose_end(request: SignedInRequest, market: str, participant: str) -> HttpResponse:
    """Propose that a participant's registration ends after its last day."""
    typed: dict[str, Any] = {
        "last_day": request.POST.get("last_day", "").strip(),
        "reason": request.POST.get("reason", "").strip()[: LONGEST_REASON + 1],
        "is_off": request.POST.get("is_off") == "yes",
    }
    complaints = []
    if parse_day(typed["last_day"]) is None:
        complaints.append(day_complaint(typed["last_day"]))
    if len(typed["reason"]) > LONGEST_REASON:
        complaints.append(TOO_LONG)
    if complaints:
        return _end_page(request, market, participant, typed, complaints)
    arguments = {**typed, "market": market, "participant": participant}
    act = ask(request.user, Act.Kind.END, f"{market}/registration/{participant}", arguments)
    return answer(request, act, show_refused_end)


def show_refused_end(request: SignedInRequest, act: Act) -> HttpResponse:
    """Show the form of an end that was refused, as it was filled in, with every reason."""
    said = act.arguments
    sentences = page_sentences(act.findings)
    return _end_page(request, said["market"], said["participant"], said, sentences)


def _end_page(
    request: SignedInRequest,
    market: str,
    participant: str,
    typed: Mapping[str, Any],
    complaints: Sequence[str],
) -> HttpResponse:
    day = parse_day(typed["last_day"])
    found = _leaving(market, participant, day or timezone.now().date())
    # Of a day before it began, it is as it stands now that is shown; the act says why not.
    found = found or _leaving(market, participant, timezone.now().date())
    if found is None:
        raise Http404("no such registration")
    keep_reading(request.user, request.viewer, market, participant)
    context = {
        "market": market,
        "participant": participant,
        "registration": found.registration,
        "points": found.points[:MOST_POINTS],
        "more_points": max(0, len(found.points) - MOST_POINTS),
        "left": sum(each.taker is None for each in found.points),
        "day": day,
        "typed": typed,
        "complaints": complaints,
        "section": "rules",
    }
    status = UNPROCESSABLE if complaints else 200
    return render(request, "rules/end.html", context, status=status)


def _leaving(market: str, participant: str, last_day: dt.date) -> Leaving | None:
    try:
        with transaction() as session:
            return leaving(session, market, participant, last_day, timezone.now())
    except Refused:
        return None


@require_POST
@open_to(proposes_law)
@confirms("draft", "copy_number")
def propose_copy(request: SignedInRequest, copy_number: int) -> HttpResponse:
    """Propose the registrations and charge lists of a working copy, without a law change."""
    copy = copy_of(request, copy_number)
    reason = request.POST.get("reason", "").strip()[: LONGEST_REASON + 1]
    if len(reason) > LONGEST_REASON:
        return draft_page(request, copy, (TOO_LONG,), reason)
    try:
        draft = draft_of_copy(copy)
    except Refused as refused:
        return draft_page(request, copy, refused.findings, reason)
    arguments = {
        "copy": copy.pk,
        "market": copy.market,
        "drawn_from": draft.drawn_from.isoformat(),
        "valid_from": str(copy.wanted_from),
        "reason": reason,
    }
    content = json.dumps(draft_as_json(draft), ensure_ascii=False).encode()
    act = ask(request.user, Act.Kind.PROPOSE_LAW, f"working copy {copy.pk}", arguments, content)
    return answer(request, act, show_refused_copy)


def show_refused_copy(request: SignedInRequest, act: Act) -> HttpResponse:
    """Show the working copy that was not proposed, with every reason."""
    copy = copy_of(request, act.arguments["copy"])
    return draft_page(request, copy, act.findings, act.arguments["reason"])


@require_safe
@open_to(sees_proposals)
def page(request: SignedInRequest, number: int) -> HttpResponse:
    """Show a proposal of law, and the form by which a regulator approves it."""
    return _page(request, number, (), "")


@require_POST
@open_to(approves_law)
@confirms("law-proposal", "number")
def approve(request: SignedInRequest, number: int) -> HttpResponse:
    """Approve law that another person proposed, by the digest of what was read."""
    arguments = {"number": number, "digest": "".join(request.POST.get("digest", "").split())[:80]}
    act = ask(request.user, Act.Kind.APPROVE_LAW, f"proposal {number}", arguments)
    return answer(request, act, show_refused_approval)


def show_refused_approval(request: SignedInRequest, act: Act) -> HttpResponse:
    """Show a proposal that was not approved, with every reason."""
    said = act.arguments
    return _page(request, said["number"], page_sentences(act.findings), said["digest"])


def _page(
    request: SignedInRequest, number: int, complaints: Sequence[str], typed: str
) -> HttpResponse:
    reader = request.user.get_username()
    try:
        with transaction() as session:
            found = shown_proposal(session, number, reader, timezone.now())
    except Refused:  # a text of it was altered, which `verify` says
        found = None
    if found is None:
        raise Http404("no such proposal of law for this user")
    keep_list(request, is_everybodys=True)
    context = {
        "proposal": found,
        "stored": found.stored,
        "may_approve": approves_law(request.viewer) and found.change is None,
        "opens_documents": request.viewer.sees_invoices,
        "complaints": complaints,
        "typed": typed,
        "section": "law-changes",
    }
    status = UNPROCESSABLE if complaints else 200
    return render(request, "law_changes/proposal.html", context, status=status)
