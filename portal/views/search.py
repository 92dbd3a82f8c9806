"""Search over the clauses of all dates, open to everyone; registrations to whom they concern."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from database.session import transaction
from portal.access import viewer_in
from portal.paging import page_of
from portal.queries.search import FoundClauses
from portal.views.rules import status_of
from rulebook.clause_search import asks_for_a_word
from rulebook.store import markets

CLAUSES_A_PAGE = 20
LONGEST_QUERY = 200


@require_safe
def clauses(request: HttpRequest) -> HttpResponse:
    """List the clauses that hold the words asked for, of all versions."""
    words = " ".join(request.GET.get("q", "").split())
    market = request.GET.get("market", "").strip()
    context: dict[str, object] = {"words": words[:LONGEST_QUERY], "section": "rules"}
    complaint = ""
    with transaction() as session:
        named = markets(session)
        if market and market not in named:
            complaint = f"There is no market “{market[:48]}”; all are searched."
        chosen = market if market in named else None
        if len(words) > LONGEST_QUERY:
            complaint = f"Ask in at most {LONGEST_QUERY} letters."
        elif words and not asks_for_a_word(session, words):
            complaint = "Ask for a word that clauses may hold; “the”, “of” and their like are none."
        elif words:
            found = FoundClauses(session, words, chosen, viewer_in(request))
            context["page"] = page_of(request, found, CLAUSES_A_PAGE)
    context |= {"markets": named, "market": chosen, "complaint": complaint}
    return render(request, "law/search.html", context, status=status_of(complaint))
