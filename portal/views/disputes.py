"""Disputes: the list, a dispute with its timeline, the next step, and the counts for all to see."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from sqlalchemy.orm import Session

from common.refusals import Refused
from database.session import transaction
from ledger.disputes import queries as ledger_queries
from ledger.disputes.course import NEXT, ROLE_OF, Action
from ledger.disputes.course import Role as Party
from ledger.disputes.records import Actor, Record
from ledger.disputes.steps import StepRequest, take_step
from portal import audit, dispute_words, jobs
from portal.access import Role, SignedInRequest, Viewer, open_to
from portal.confirmation import confirms, is_confirmed
from portal.dispute_forms import StepForm, read_form
from portal.queries import disputes as queries
from portal.queries.invoices import InvoicePage, invoice_page
from portal.quotas import Kind, sends_file, spends
from portal.views.invoices import refuse_others, sees_invoices
from settlement.billing.disputing import dispute_line
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
    pages = Paginator(found, DISPUTES_A_PAGE)
    context = {
        "page": pages.get_page(request.GET.get("page")),
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
        found = ledger_queries.attachment(session, shown.record, step)
    if found is None or not shown.is_entitled:
        raise Http404("no such attachment for this user")
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
        refuse_others(session, request.viewer, number)
        invoice = invoice_page(session, number)
        disputed = invoice.line(line)
        summary = invoice.summary
        if disputed is None or not acts_for(request, summary.market, summary.participant):
            raise Http404("no line for this user to dispute")
        time = queries.time_to_dispute(session, summary.market, summary.issued_at, now)
    if request.method != "POST":
        return _opening_page(request, invoice, disputed, StepForm(), time)
    form = read_form(request, summary.currency, disputed.quantity_unit)
    if form.complaints:
        return _opening_page(request, invoice, disputed, form, time)
    actor = Actor(request.user.get_username(), Party.PARTICIPANT, summary.participant)
    try:
        with transaction() as session:
            record = dispute_line(
                session, number, line, form.claim, actor, form.reason, now, form.attachment
            )
            _record_step(request, record, Action.OPEN, form.reason, now)
    except Refused as refused:
        form.complaints = refusal_sentences(refused)
        return _opening_page(request, invoice, disputed, form, time)
    jobs.ask_to_sign()
    claimed = dispute_words.claim_in_words(record.row.claim, record)
    told = f"Dispute {record.row.number} is open: you claim {claimed}. The operator answers next."
    messages.success(request, told)
    return redirect("dispute", *record.key)


@require_POST
@open_to(sees_disputes)
@confirms("dispute", "market", "number", when=decides)
@spends(Kind.UPLOAD, when=sends_file)
def take_next_step(request: SignedInRequest, market: str, number: int, action: str) -> HttpResponse:
    """Take the next step of a dispute; then show it."""
    now = timezone.now()
    if action not in {allowed.value for allowed in Action if allowed is not Action.OPEN}:
        raise Http404("no such step")
    wanted = Action(action)
    with transaction() as session:
        shown = _find_dispute(request, session, market, number)
    # Only whose step it is: whether the dispute's state allows it, `take_step` asks under the lock,
    # as another may have taken a step since.
    if not may_act(request, shown.record, wanted):
        raise Http404("no such step for this user")
    of = shown.record.line
    form = read_form(request, of.currency, of.quantity_unit)
    if form.complaints:
        return _page_with_complaints(request, shown.record, wanted, form)
    try:
        with transaction() as session:
            asked = _step_request(request, shown.record, wanted, form)
            record = take_step(session, market, number, asked, now)
            _record_step(request, record, wanted, form.reason, now)
    except Refused as refused:
        form.complaints = refusal_sentences(refused)
        return _page_with_complaints(request, shown.record, wanted, form)
    jobs.ask_to_sign()
    upheld = record.upheld if wanted in (Action.ACCEPT, Action.UPHOLD) else None
    of_claim = f": {dispute_words.claim_in_words(upheld, record)}" if upheld else ""
    told = f"{dispute_words.DONE_WORDS[wanted]}{of_claim}. It stands in the timeline."
    messages.success(request, told)
    return redirect("dispute", market, number)


def acts_for(request: SignedInRequest, market: str, participant: str) -> bool:
    """Return whether a user acts for a participant; that it may see its affairs is not enough."""
    if Role.PARTICIPANT not in request.viewer.roles:
        return False
    return request.user.memberships.filter(market=market, participant=participant).exists()


def may_act(request: SignedInRequest, record: Record, action: Action) -> bool:
    """Return whether a step is this user's, whatever state the dispute is in."""
    match ROLE_OF[action]:
        case Party.OPERATOR:
            return Role.OPERATOR in request.viewer.roles
        case Party.REGULATOR:
            return Role.REGULATOR in request.viewer.roles
    return acts_for(request, record.row.market, record.row.participant)


def refusal_sentences(refused: Refused) -> list[str]:
    """Return every reason of a refusal as a sentence for people."""
    return [
        f"{finding.limit[:1].upper()}{finding.limit[1:]} ({finding.value})"
        for finding in refused.findings
    ]


def _step_request(
    request: SignedInRequest, record: Record, action: Action, form: StepForm
) -> StepRequest:
    party = ROLE_OF[action]
    owner = record.row.participant if party is Party.PARTICIPANT else None
    run_id, note_id = form.links if action is Action.SETTLE else (None, None)
    asks_for_part = action is Action.UPHOLD and (form.amount or form.quantity)
    return StepRequest(
        action,
        Actor(request.user.get_username(), party, owner),
        form.reason,
        award=form.claim if asks_for_part else None,
        run_id=run_id,
        note_id=note_id,
        attachment=form.attachment,
    )


def _record_step(
    request: SignedInRequest, record: Record, action: Action, reason: str, now: object
) -> None:
    """Leave an entry of a step that was taken now; one that was taken before has its own."""
    if record.events[-1].taken_at == now:
        subject = f"{record.name}: {action.value}"
        audit.record(request.user, audit.Action.DISPUTE, subject, reason.strip()[:500])


def _find_dispute(
    request: SignedInRequest, session: Session, market: str, number: int
) -> queries.ShownDispute:
    shown = queries.dispute_for(session, request.viewer, market, number, timezone.now())
    if shown is None:
        raise Http404("no such dispute for this user")
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
    record, name = shown.record, request.user.get_username()
    steps = [
        action
        for action in NEXT[record.course.state(shown.now)]
        if may_act(request, record, action)
        and action in record.course.steps_for(name, ROLE_OF[action], shown.now)
    ]
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


def _page_with_complaints(
    request: SignedInRequest, record: Record, action: Action, form: StepForm
) -> HttpResponse:
    with transaction() as session:
        return _page(request, session, *record.key, tried=action, form=form)


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
