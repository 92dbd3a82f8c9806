"""A working copy becomes a revision of a change: for good, and from then on the change's text."""

import json

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from common.refusals import Refused
from database.session import transaction
from ledger.people.store import rights_of
from portal import copies
from portal.access import SignedInRequest, open_to
from portal.acts.answers import answer
from portal.acts.requests import ask
from portal.models import Act
from portal.queries.revisable import revisable_changes
from portal.views.drafts import copy_of, draft_page, writes_law
from portal.views.page_remedies import page_sentences
from rulebook.changes.records import draft_as_json

CHOOSE = "Choose the change of which it is to be the text."


@require_POST
@open_to(writes_law)
def save_revision(request: SignedInRequest, copy_number: int) -> HttpResponse:
    """Save a working copy as the next revision of a change."""
    copy, now = copy_of(request, copy_number), timezone.now()
    reason = request.POST.get("reason", "").strip()
    with transaction() as session:
        rights = rights_of(session, request.user.get_username())
        open_ones = revisable_changes(session, rights, copy.market, now)
    chosen = next((one for one in open_ones if one.key == request.POST.get("change")), None)
    if chosen is None:
        return draft_page(request, copy, (CHOOSE,), reason)
    try:
        draft = copies.draft_of_copy(copy)
    except Refused as refused:
        return draft_page(request, copy, page_sentences(refused.findings), reason)
    arguments = {
        "copy": copy.pk,
        "number": chosen.number,
        "parent": chosen.parent or None,
        "participant": chosen.participant,
        "drawn_from": draft.drawn_from.isoformat(),
        "valid_from": str(copy.wanted_from),
        "reason": reason,
    }
    content = json.dumps(draft_as_json(draft), ensure_ascii=False).encode()
    act = ask(request.user, Act.Kind.REVISE, f"change {chosen.number}", arguments, content)
    return answer(request, act, show_refused_revision)


def show_refused_revision(request: SignedInRequest, act: Act) -> HttpResponse:
    """Show the working copy that was not saved as a revision, with every reason."""
    copy = copy_of(request, act.arguments["copy"])
    return draft_page(request, copy, page_sentences(act.findings), act.arguments["reason"])
