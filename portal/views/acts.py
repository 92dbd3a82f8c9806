"""An act that is being done: how far it is, and then what it came to."""

from collections.abc import Mapping
from types import MappingProxyType

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect

from database.session import transaction
from portal import jobs
from portal.access import SignedInRequest, Viewer, open_to
from portal.acts.answers import ShowRefused, answer
from portal.models import Act
from portal.queries.rules import clock_of
from portal.views import (
    changes,
    disputes,
    draft_revisions,
    law_changes,
    law_proposals,
    leaving,
    market_bookings,
    payments,
    people,
    settling,
)


def acts_on_pages(viewer: Viewer) -> bool:
    """Return whether there is anything that this user may ask for."""
    return (
        viewer.sees_disputes
        or viewer.sees_payments
        or viewer.manages_people
        or viewer.takes_law_steps
    )


@require_safe
@open_to(acts_on_pages)
def page(request: SignedInRequest, act_number: int) -> HttpResponse:
    """Show how far an act is; the page asks again until it is done, and then leads on."""
    # Another's looks like one that is not there.
    found = Act.objects.defer("content")
    act = get_object_or_404(found, pk=act_number, user=request.user)
    if act.state in (Act.State.DONE, Act.State.REFUSED):
        if request.htmx:
            return HttpResponseClientRedirect(request.path)
        return answer(request, act, SHOW_REFUSED[act.kind])
    with transaction() as session:
        zone = clock_of(session, act.arguments.get("market", ""))
    context = {"act": act, "zone": zone, "has_worker": jobs.is_worker_there(), "section": ""}
    template = "acts/_state.html" if request.htmx else "acts/page.html"
    return render(request, template, context)


SHOW_REFUSED: Mapping[str, ShowRefused] = MappingProxyType(
    {
        Act.Kind.IMPORT: payments.show_refused_import,
        Act.Kind.ALLOCATE: payments.show_refused_decision,
        Act.Kind.RETURN: payments.show_refused_decision,
        Act.Kind.DISPUTE: disputes.show_refused_opening,
        Act.Kind.STEP: disputes.show_refused_step,
        Act.Kind.ACCOUNT: people.show_refused_add,
        Act.Kind.INVITE: people.show_refused_account,
        Act.Kind.GRANT: people.show_refused_account,
        Act.Kind.APPROVE: people.show_refused_approval,
        Act.Kind.WITHDRAW: people.show_refused_account,
        Act.Kind.ANSWER: changes.show_refused_answer,
        Act.Kind.SETTLE: settling.show_refused,
        Act.Kind.ISSUE: settling.show_refused,
        Act.Kind.CHANGE: law_changes.show_refused_opening,
        Act.Kind.CHANGE_STEP: law_changes.show_refused_step,
        Act.Kind.REVISE: draft_revisions.show_refused_revision,
        Act.Kind.END: leaving.show_refused_end,
        Act.Kind.PROPOSE_LAW: law_proposals.show_refused_copy,
        Act.Kind.APPROVE_LAW: law_proposals.show_refused_approval,
        Act.Kind.GIVE_UP: law_proposals.show_refused_end_of_proposal,
        Act.Kind.QUOTE: market_bookings.show_refused_wish,
        Act.Kind.BOOK: market_bookings.show_refused_wish,
        Act.Kind.REBOOK: market_bookings.show_refused_change,
        Act.Kind.CANCEL: market_bookings.show_refused_cancel,
    }
)
"""By kind of act: its form again, with what was typed and every reason."""
