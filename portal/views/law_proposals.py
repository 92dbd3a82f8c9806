"""Law that is proposed without a change: registrations of a working copy, and what to approve."""

import json
from collections.abc import Sequence

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from common.refusals import Refused
from database.session import transaction
from ledger.people.roles import Outcome, Role
from portal.access import SignedInRequest, Viewer, open_to
from portal.acts.answers import answer
from portal.acts.requests import ask
from portal.confirmation import confirms
from portal.copies import draft_of_copy
from portal.form_alone import takes_form
from portal.models import Act
from portal.queries.law_proposals import shown_proposal
from portal.readings_kept import keep_list
from portal.views.drafts import copy_of, draft_page
from portal.views.page_remedies import page_sentences
from rulebook.changes.records import draft_as_json

UNPROCESSABLE = 422
LONGEST_REASON = 2_000
TOO_LONG = f"Give the reason in {LONGEST_REASON:,} characters at most."


def sees_proposals(viewer: Viewer) -> bool:
    """Return whether proposals of law are open to this user."""
    return viewer.sees_people


def proposes_law(viewer: Viewer) -> bool:
    """Return whether this user proposes law."""
    return viewer.manages_people


def approves_law(viewer: Viewer) -> bool:
    """Return whether this user approves law that another proposed."""
    return Role.REGULATOR in viewer.roles


@takes_form
@open_to(proposes_law)
@confirms("draft", "copy_number")
def propose_copy(request: SignedInRequest, copy_number: int) -> HttpResponse:
    """Propose the registrations and charge lists of a working copy, without a law change."""
    copy = copy_of(request, copy_number)
    reason = request.POST.get("reason", "").strip()[: LONGEST_REASON + 1]
    typed = {"do": "propose", "reason": reason}
    if len(reason) > LONGEST_REASON:
        return draft_page(request, copy, (TOO_LONG,), typed)
    try:
        draft = draft_of_copy(copy)
    except Refused as refused:
        return draft_page(request, copy, refused.findings, typed)
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
    typed = {"do": "propose", "reason": act.arguments["reason"]}
    return draft_page(request, copy, act.findings, typed)


@require_safe
@open_to(sees_proposals)
def page(request: SignedInRequest, number: int) -> HttpResponse:
    """Show a proposal of law, and the form by which a regulator approves it."""
    return _page(request, number, (), "")


@takes_form
@open_to(approves_law)
@confirms("law-proposal", "number")
def approve(request: SignedInRequest, number: int) -> HttpResponse:
    """Approve law that another person proposed, by the digest of what was read."""
    arguments = {"number": number, "digest": "".join(request.POST.get("digest", "").split())[:80]}
    act = ask(request.user, Act.Kind.APPROVE_LAW, f"proposal {number}", arguments)
    return answer(request, act, show_refused_approval)


@takes_form
@open_to(proposes_law)
@confirms("law-proposal", "number")
def give_up(request: SignedInRequest, number: int) -> HttpResponse:
    """Withdraw a proposal of law, or reject another's, for a reason that the record keeps."""
    outcome = request.POST.get("outcome", "")
    reason = request.POST.get("reason", "").strip()[: LONGEST_REASON + 1]
    complaints = []
    if outcome not in set(Outcome):
        complaints.append("Choose: withdraw it, or reject it.")
    if len(reason) > LONGEST_REASON:
        complaints.append(TOO_LONG)
    if complaints:
        return _page(request, number, complaints, "", reason)
    arguments = {"number": number, "outcome": outcome, "reason": reason}
    act = ask(request.user, Act.Kind.GIVE_UP, f"proposal {number}: {outcome}", arguments)
    return answer(request, act, show_refused_end_of_proposal)


def show_refused_end_of_proposal(request: SignedInRequest, act: Act) -> HttpResponse:
    """Show a proposal that was not given up, with every reason."""
    said = act.arguments
    return _page(request, said["number"], page_sentences(act.findings), "", said["reason"])


def show_refused_approval(request: SignedInRequest, act: Act) -> HttpResponse:
    """Show a proposal that was not approved, with every reason."""
    said = act.arguments
    return _page(request, said["number"], page_sentences(act.findings), said["digest"])


def _page(
    request: SignedInRequest,
    number: int,
    complaints: Sequence[str],
    typed: str,
    typed_reason: str = "",
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
        "typed_reason": typed_reason,
        "section": "law-changes",
    }
    status = UNPROCESSABLE if complaints else 200
    return render(request, "law_changes/proposal.html", context, status=status)
