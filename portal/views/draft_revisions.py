"""A working copy becomes a revision of a change: for good, and from then on the change's text."""

import json

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from common.refusals import Refused
from database.session import transaction
from ledger.people.store import rights_of
from portal import copies
from portal.access import SignedInRequest, open_to
from portal.acts.answers import answer
from portal.acts.requests import ask
from portal.form_alone import takes_form
from portal.models import Act
from portal.queries.revisable import (
    later_revision,
    own_revision,
    readable_revision,
    revisable_changes,
)
from portal.revision_copies import begin_from
from portal.views.drafts import copy_of, draft_page, writes_law
from portal.views.page_remedies import page_sentences
from rulebook.changes import store
from rulebook.changes.records import draft_as_json

CHOOSE = "Choose the change of which it is to be the text."
CONSENT = "If you want that, tick it below, beside the reason, and save again."
MEANWHILE = "Another revision was saved meanwhile. Bring it in first: nothing of the copy is lost."


@takes_form
@open_to(writes_law)
def begin_from_revision(request: SignedInRequest, number: int) -> HttpResponse:
    """Begin a working copy of the last revision of a change, for whoever may save the next."""
    now = timezone.now()
    with transaction() as session:
        life = store.life(session, number)
        if life is None:
            raise Http404("no such change for this user")
        rights = rights_of(session, request.user.get_username())
        open_ones = revisable_changes(session, rights, life.change.market, now)
        revision = readable_revision(life, request.viewer)
        if revision is None or number not in {one.number for one in open_ones}:
            messages.warning(request, f"The text of change {number} is not yours to write.")
            return redirect("law-change", number)
        try:
            copy = begin_from(session, request.user, life, revision, now)
        except Refused as refused:
            messages.warning(request, " ".join(page_sentences(refused.findings)))
            return redirect("law-change", number)
    return redirect("draft", copy.pk)


@takes_form
@open_to(writes_law)
def save_revision(request: SignedInRequest, copy_number: int) -> HttpResponse:
    """Save a working copy as the next revision of a change."""
    copy, now = copy_of(request, copy_number), timezone.now()
    reason = request.POST.get("reason", "").strip()
    ends = request.POST.getlist("ends")
    typed = {"do": "revise", "reason": reason, "change": request.POST.get("change"), "ends": ends}
    with transaction() as session:
        rights = rights_of(session, request.user.get_username())
        open_ones = revisable_changes(session, rights, copy.market, now)
        later, own = later_revision(session, copy), own_revision(session, copy)
    chosen = next((one for one in open_ones if one.key == request.POST.get("change")), None)
    if chosen is None:
        return draft_page(request, copy, (MEANWHILE if later else CHOOSE,), typed)
    is_same = chosen.number == copy.change
    if is_same and later:
        return draft_page(request, copy, (MEANWHILE,), typed)
    if chosen.ends and chosen.consent not in ends:
        # Whoever saves a text may not know how far its change is; to end that is no by-product.
        return draft_page(request, copy, (f"{chosen.ends} {CONSENT}",), typed)
    valid_to = own.valid_to if is_same and own else None
    try:
        draft = copies.draft_of_copy(copy)
    except Refused as refused:
        return draft_page(request, copy, refused.findings, typed)
    arguments = {
        "copy": copy.pk,
        "number": chosen.number,
        "parent": chosen.parent or None,
        "participant": chosen.participant,
        "drawn_from": draft.drawn_from.isoformat(),
        "valid_from": str(copy.wanted_from),
        "valid_to": valid_to.isoformat() if valid_to else None,
        "reason": reason,
    }
    content = json.dumps(draft_as_json(draft), ensure_ascii=False).encode()
    act = ask(request.user, Act.Kind.REVISE, f"change {chosen.number}", arguments, content)
    return answer(request, act, show_refused_revision)


def show_refused_revision(request: SignedInRequest, act: Act) -> HttpResponse:
    """Show the working copy that was not saved as a revision, with every reason."""
    copy = copy_of(request, act.arguments["copy"])
    said = act.arguments
    chosen = f"{said['number']}.{said['parent'] or 0}"
    typed = {"do": "revise", "reason": said["reason"], "change": chosen}
    return draft_page(request, copy, act.findings, typed)
