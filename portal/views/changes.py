"""Changes of who is paid: what waits for a participant's word, and the form by which it is given.

Its people see its own changes; those who oversee the market see everybody's, and answer none.
"""

from collections.abc import Sequence

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from database.session import transaction
from ledger.people.roles import Role
from portal.access import SignedInRequest, Viewer, open_to
from portal.acts.answers import answer as answer_with
from portal.acts.requests import ask
from portal.confirmation import confirms
from portal.form_alone import takes_form
from portal.models import Act
from portal.queries.changes import shown_changes, shown_reach
from portal.readings_kept import keep_list, keep_reading
from portal.views.page_remedies import page_sentences

UNPROCESSABLE = 422
CONFIRM, OBJECT = "confirm", "object"


def sees_changes(viewer: Viewer) -> bool:
    """Return whether there are changes for this user to see."""
    return viewer.sees_changes


def answers_changes(viewer: Viewer) -> bool:
    """Return whether this user gives a participant's word."""
    return Role.PARTICIPANT in viewer.roles


@require_safe
@open_to(sees_changes)
def listing(request: SignedInRequest) -> HttpResponse:
    """List what was proposed, latest first, and how far each is."""
    keep_list(request, is_everybodys=request.viewer.sees_people)
    with transaction() as session:
        changes = shown_changes(session, request.viewer)
    context = {"changes": changes[::-1], "section": "changes"}
    return render(request, "changes/listing.html", context)


@require_safe
@open_to(sees_changes)
def page(request: SignedInRequest, number: int) -> HttpResponse:
    """Show what a proposal changes for the reader's participants, and the form of their word."""
    return _page(request, number)


def _page(
    request: SignedInRequest, number: int, complaints: Sequence[str] = (), typed: str = ""
) -> HttpResponse:
    with transaction() as session:
        changes = shown_changes(session, request.viewer, number)
        reach = shown_reach(session, request.viewer, number, timezone.now()) if changes else None
    if not changes:
        raise Http404("no such change")
    for each in changes:
        owner = each.found.market, each.found.change.participant
        keep_reading(request.user, request.viewer, *owner)
    if reach and reach.documents:  # whose they are stands beside each
        keep_list(request, is_everybodys=request.viewer.sees_people)
    context = {
        "changes": changes,
        "proposal": changes[0].found,
        "digest": changes[0].found.content_digest,
        "reach": reach,
        "opens_documents": request.viewer.sees_invoices,
        "may_answer": any(each.may_answer for each in changes),
        "complaints": complaints,
        "typed": typed,
        "section": "changes",
    }
    status = UNPROCESSABLE if complaints else 200
    return render(request, "changes/page.html", context, status=status)


@takes_form
@open_to(answers_changes)
@confirms("change", "number")
def answer(request: SignedInRequest, number: int) -> HttpResponse:
    """Confirm a change or object to it, by the digest of what was read."""
    word = request.POST.get("word", "")
    digest = "".join(request.POST.get("digest", "").split())
    if word not in (CONFIRM, OBJECT):
        return _page(request, number, ("Choose: confirm it, or object to it.",), digest)
    arguments = {"number": number, "digest": digest, "agrees": word == CONFIRM}
    act = ask(request.user, Act.Kind.ANSWER, f"proposal {number}", arguments)
    return answer_with(request, act, show_refused_answer)


def show_refused_answer(request: SignedInRequest, act: Act) -> HttpResponse:
    """Show a change with the answer that was refused, with every reason."""
    sentences = page_sentences(act.findings)
    return _page(request, act.arguments["number"], sentences, act.arguments["digest"])
