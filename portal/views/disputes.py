"""Disputes: the list, a dispute with its timeline, the next step, and the counts for all to see."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_safe
from sqlalchemy.orm import Session

from database.session import transaction
from ledger.disputes import queries as ledger_queries
from ledger.disputes.course import NEXT, ROLE_OF, Action
from ledger.disputes.course import Role as Party
from portal import dispute_words
from portal.access import SignedInRequest, Viewer, open_to
from portal.acts.answers import answer
from portal.acts.requests import ask
from portal.confirmation import confirms, is_confirmed
from portal.dispute_forms import StepForm, kept_form, read_form
from portal.dispute_rights import may_act
from portal.form_alone import takes_form
from portal.models import Act
from portal.paging import page_of
from portal.queries import disputes as queries
from portal.queries.invoices import InvoicePage, invoice_page
from portal.quotas import Kind, sends_file, spends
from portal.readings_kept import keep_list, keep_reading
from portal.views.invoices import refuse_others, sees_invoices
from settlement.documents.issued_document import IssuedLine

DISPUTES_A_PAGE = 100
UNPROCESSABLE = 422
FILE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""An attachment is a stranger's file: should a browser ever show it, it may do nothing."""


def sees_disputes(viewer: Viewer) -> bool:
    """Return whether there are any disputes for this user."""
    return viewer.sees_disputes


def decides(action: str) -> bool:
    """Return whether a step is of those who decide what a participant claims."""
    return action in set(Action) and ROLE_OF[Action(action)] is not Party.PARTICIPANT


@require_safe
@open_to(sees_disputes)
def listing(request: SignedInRequest) -> HttpResponse:
    """List disputes by deadline, what is overdue first."""
    now = timezone.now()
    with transaction() as session:
        found, others = queries.disputes_for(session, request.viewer, now)
    keep_list(request, is_everybodys=request.viewer.sees_all_disputes)
    context = {
        "page": page_of(request, found, DISPUTES_A_PAGE),
        "others": others,
        "overdue": sum(dispute.is_overdue for dispute in found),
        "section": "disputes",
    }
    return render(request, "disputes/listing.html", context)


@require_safe
def counts(request: HttpRequest) -> HttpResponse:
    """Count disputes by market and month, for everybody."""
    with transaction() as session:
        found = queries.counts(session, timezone.now())
    return render(request, "disputes/counts.html", {"counts": found, "section": "counts"})


@require_safe
@open_to(sees_disputes)
def page(request: SignedInRequest, market: str, number: int) -> HttpResponse:
    """Show a dispute: the line, the claim, the timeline, and the steps that this user may take."""
    with transaction() as session:
        return _page(request, session, market, number)


@require_safe
@open_to(sees_disputes)
def file(request: SignedInRequest, market: str, number: int, step: int) -> HttpResponse:
    """Send what was attached in a step, as a download, to those who may read it."""
    with transaction() as session:
        shown = _find_dispute(request, session, market, number)
        if not isinstance(shown, queries.ShownDispute):
            raise Http404("no such attachment for this user")
        found = ledger_queries.attachment(session, shown.record, step)
    if found is None:
        raise Http404("no such attachment")
    name, media_type, content = found
    response = HttpResponse(content, content_type=media_type)
    response.headers["Content-Disposition"] = content_disposition_header(True, name)
    response.headers["Content-Security-Policy"] = FILE_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    # A shared machine is to keep no copy that the next user finds.
    response.headers["Cache-Control"] = "private, no-store"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(sees_invoices)
@spends(Kind.UPLOAD, when=sends_file)
def opening(request: SignedInRequest, number: str, line: int) -> HttpResponse:
    """Ask for what is wrong with a line, and open the dispute."""
    now = timezone.now()
    with transaction() as session:
        refuse_others(session, request, number)
        invoice = invoice_page(session, number)
        disputed = invoice.line(line)
        summary = invoice.summary
        owner = summary.market, summary.participant
        if disputed is None or owner not in request.viewer.acts_for:
            raise Http404("no line for this user to dispute")
        time = queries.time_to_dispute(session, summary.market, summary.issued_at, now)
    if request.method != "POST":
        return _opening_page(request, invoice, disputed, StepForm(), time)
    form = read_form(request, summary.currency, disputed.quantity_unit)
    if form.complaints:
        return _opening_page(request, invoice, disputed, form, time)
    content = form.attachment.content if form.attachment else None
    arguments = {**form.arguments, "number": number, "line": line}
    subject = f"{number}, line {line}"
    act = ask(request.user, Act.Kind.DISPUTE, subject, arguments, content)
    return answer(request, act, show_refused_opening)


def show_refused_opening(request: SignedInRequest, act: Act) -> HttpResponse:
    """Show the form of a dispute that was not opened, as it was filled in, with every reason."""
    number, line = act.arguments["number"], act.arguments["line"]
    with transaction() as session:
        refuse_others(session, request, number)
        invoice = invoice_page(session, number)
        disputed, summary = invoice.line(line), invoice.summary
        if disputed is None:
            raise Http404("no such line")
        time = queries.time_to_dispute(session, summary.market, summary.issued_at, timezone.now())
    form = _refused_form(act)
    return _opening_page(request, invoice, disputed, form, time)


@takes_form
@open_to(sees_disputes)
@confirms("dispute", "market", "number", when=decides)
@spends(Kind.UPLOAD, when=sends_file)
def take_next_step(request: SignedInRequest, market: str, number: int, action: str) -> HttpResponse:
    """Take the next step of a dispute; then show it."""
    if action not in {allowed.value for allowed in Action if allowed is not Action.OPEN}:
        raise Http404("no such step")
    wanted = Action(action)
    with transaction() as session:
        shown = _find_dispute(request, session, market, number)
    # Only whose step it is: whether the dispute's state allows it, `take_step` asks under the lock,
    # as another may have taken a step since.
    if not isinstance(shown, queries.ShownDispute) or not may_act(
        request.viewer, shown.record, wanted
    ):
        raise Http404("no such step for this user")
    of = shown.record.line
    form = read_form(request, of.currency, of.quantity_unit)
    if form.complaints:
        return _page_with_complaints(request, shown.record.key, wanted, form)
    content = form.attachment.content if form.attachment else None
    arguments = {**form.arguments, "market": market, "number": number, "action": action}
    subject = f"{shown.record.name}: {action}"
    act = ask(request.user, Act.Kind.STEP, subject, arguments, content)
    return answer(request, act, show_refused_step)


def show_refused_step(request: SignedInRequest, act: Act) -> HttpResponse:
    """Show a dispute with the step that was refused, as it was filled in, with every reason."""
    given = act.arguments
    dispute = given["market"], given["number"]
    return _page_with_complaints(request, dispute, Action(given["action"]), _refused_form(act))


def _refused_form(act: Act) -> StepForm:
    form = kept_form(act.arguments)
    form.complaints = [
        f"{finding.limit[:1].upper()}{finding.limit[1:]} ({finding.value})"
        for finding in act.findings
    ]
    return form


def _find_dispute(
    request: SignedInRequest, session: Session, market: str, number: int
) -> queries.ShownDispute | queries.ShownCourse:
    shown = queries.dispute_for(session, request.viewer, market, number, timezone.now())
    if shown is None:
        raise Http404("no such dispute for this user")
    if isinstance(shown, queries.ShownDispute):  # others see what of it moved their own lines
        keep_reading(request.user, request.viewer, market, shown.record.row.participant)
    return shown


def _page(
    request: SignedInRequest,
    session: Session,
    market: str,
    number: int,
    tried: Action | None = None,
    form: StepForm | None = None,
) -> HttpResponse:
    shown = _find_dispute(request, session, market, number)
    steps = _next_steps(request, shown) if isinstance(shown, queries.ShownDispute) else []
    found = queries.dispute_page(session, shown, Action.SETTLE in steps)
    context = {
        "page": found,
        "dispute": shown,
        "steps": [
            (action, dispute_words.TITLES[action], dispute_words.HELP[action]) for action in steps
        ],
        "tried": tried,
        "confirms_first": any(map(decides, steps)) and not is_confirmed(request),
        "is_passed": tried is not None and tried not in steps,
        "form": form,
        "section": "disputes",
    }
    status = 200 if tried is None else UNPROCESSABLE
    return render(request, "disputes/page.html", context, status=status)


def _next_steps(request: SignedInRequest, shown: queries.ShownDispute) -> list[Action]:
    course, name = shown.record.course, request.user.get_username()
    return [
        action
        for action in NEXT[course.state(shown.now)]
        if may_act(request.viewer, shown.record, action)
        and action in course.steps_for(name, ROLE_OF[action], shown.now)
    ]


def _page_with_complaints(
    request: SignedInRequest, dispute: tuple[str, int], action: Action, form: StepForm
) -> HttpResponse:
    with transaction() as session:
        return _page(request, session, *dispute, tried=action, form=form)


def _opening_page(
    request: SignedInRequest, invoice: InvoicePage, line: IssuedLine, form: StepForm, time: object
) -> HttpResponse:
    context = {
        "invoice": invoice,
        "line": line,
        "form": form,
        "time": time,
        "section": "invoices",
    }
    status = UNPROCESSABLE if form.complaints else 200
    return render(request, "disputes/opening.html", context, status=status)
