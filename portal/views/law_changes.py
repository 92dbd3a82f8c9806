"""Changes of the law: the list, the record of one for all to read, and the next step of it."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from database.session import transaction
from ledger.people.store import rights_of
from portal.access import SignedInRequest, Viewer, open_to
from portal.acts.answers import answer
from portal.acts.requests import ask
from portal.change_words import REBASE
from portal.confirmation import confirms
from portal.form_alone import takes_form
from portal.law_change_forms import LawForm, read_opening, read_step
from portal.models import Act
from portal.paging import page_of
from portal.queries.law_changes import law_change_page, list_law_changes
from portal.trials.seen import seen_trial
from portal.views.page_remedies import page_sentences
from rulebook import store as rulebook_store
from rulebook.changes.steps import STEPS, Kind, Party

CHANGES_A_PAGE = 100
UNPROCESSABLE = 422
ON_THE_PAGE = {kind.value for kind in Kind} - {Kind.OPEN, Kind.REVISE} | {REBASE}
"""The steps that are taken on the page of a change; its texts are written elsewhere."""


def reads_law(_viewer: Viewer) -> bool:
    """Return that everybody who is signed in reads how law is made."""
    return True


def takes_law_steps(viewer: Viewer) -> bool:
    """Return whether this user opens changes and takes steps of them."""
    return viewer.takes_law_steps


def decides(action: str) -> bool:
    """Return whether a step is of those that lead towards law: the regulator's, or a proposal."""
    is_step = action in set(Kind)
    return is_step and STEPS[Kind(action)].moves and Party.AUTHOR not in STEPS[Kind(action)].by


@require_safe
@open_to(reads_law)
def listing(request: SignedInRequest) -> HttpResponse:
    """List changes with how each stands, what moved last first."""
    with transaction() as session:
        found = page_of(request, list_law_changes(session, timezone.now()), CHANGES_A_PAGE)
    context = {"changes": found, "section": "law-changes"}
    return render(request, "law_changes/listing.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(takes_law_steps)
def opening(request: SignedInRequest) -> HttpResponse:
    """Ask what is wrong with the law and what could be done, and open a change."""
    if request.method != "POST":
        return _opening_page(request, LawForm())
    form = read_opening(request)
    act = ask(request.user, Act.Kind.CHANGE, form.arguments["market"], form.arguments)
    return answer(request, act, show_refused_opening)


def show_refused_opening(request: SignedInRequest, act: Act) -> HttpResponse:
    """Show the form of a change that was not opened, as it was filled in, with every reason."""
    return _opening_page(request, LawForm(act.arguments, page_sentences(act.findings)))


def _opening_page(request: SignedInRequest, form: LawForm) -> HttpResponse:
    with transaction() as session:
        markets = rulebook_store.markets(session)
    context = {
        "markets": markets,
        "participants": sorted(name for _, name in request.viewer.acts_for),
        "typed": form.arguments,
        "asked_market": request.GET.get("market", ""),
        "complaints": form.complaints,
        "section": "law-changes",
    }
    status = UNPROCESSABLE if form.complaints else 200
    return render(request, "law_changes/opening.html", context, status=status)


@require_safe
@open_to(reads_law)
def page(request: SignedInRequest, number: int) -> HttpResponse:
    """Show the whole record of a change, and the steps that this user may take."""
    return _page(request, number)


@takes_form
@open_to(takes_law_steps)
@confirms("law-change", "number", when=decides)
def take_next_step(request: SignedInRequest, number: int, action: str) -> HttpResponse:
    """Take a step of a change; then show it."""
    if action not in ON_THE_PAGE:
        raise Http404("no such step")
    form = read_step(request, number, action)
    if form.complaints:
        return _page(request, number, form)
    act = ask(request.user, Act.Kind.CHANGE_STEP, f"change {number}: {action}", form.arguments)
    return answer(request, act, show_refused_step)


def show_refused_step(request: SignedInRequest, act: Act) -> HttpResponse:
    """Show a change with the step that was refused, as it was filled in, with every reason."""
    form = LawForm(act.arguments, page_sentences(act.findings))
    return _page(request, act.arguments["number"], form)


def _page(request: SignedInRequest, number: int, form: LawForm | None = None) -> HttpResponse:
    with transaction() as session:
        rights = rights_of(session, request.user.get_username())
        found = law_change_page(session, request.viewer, rights, number, timezone.now())
        if found is None:
            raise Http404("no such change for this user")
        trial = seen_trial(session, found.public_trial) if found.public_trial else None
    typed = form.arguments if form else {}
    tried = typed.get("action", "")
    context = {
        "change": found,
        "trial": trial,
        "typed": typed,
        "tried": tried,
        "typed_place": "#".join(filter(None, map(typed.get, ("instrument", "clause")))),
        "complaints": form.complaints if form else (),
        "is_passed": bool(tried) and tried not in {step.action for step in found.steps},
        "opens_documents": request.viewer.sees_invoices,
        "section": "law-changes",
    }
    status = UNPROCESSABLE if form else 200
    return render(request, "law_changes/page.html", context, status=status)
