"""Bank statements and the queue of payments: auditors read, operators import and allocate."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from sqlalchemy.orm import Session

from common.currencies import minor_text
from common.file_names import file_name
from common.quantities import MINUS
from common.refusals import Refused
from database.paged import PagedRows
from database.session import transaction
from ledger.payments import queries
from ledger.payments.allocate import find_transaction
from ledger.payments.bank_files import LARGEST_FILE_BYTES
from ledger.payments.queries import Decided
from portal.access import SignedInRequest, Viewer, open_to
from portal.acts.answers import answer
from portal.acts.requests import ask
from portal.amounts import amount_form, parse_minor
from portal.confirmation import confirms, is_confirmed
from portal.form_alone import takes_form
from portal.models import Act
from portal.paging import page_of
from portal.payment_words import allocation_words
from portal.queries.rules import clock_of
from portal.quotas import Kind, spends
from portal.readings_kept import keep_list
from portal.views.page_remedies import page_sentences
from rulebook.store import markets

SPARE_ROWS = 3
PAYMENTS_A_PAGE = 100
STATEMENTS_A_PAGE = 20


def sees_payments(viewer: Viewer) -> bool:
    """Return whether bank statements are open to this user."""
    return viewer.sees_payments


def allocates_payments(viewer: Viewer) -> bool:
    """Return whether this user decides about payments."""
    return viewer.allocates_payments


@require_safe
@open_to(sees_payments)
def listing(request: SignedInRequest) -> HttpResponse:
    """Show the queue, the statements and every payment."""
    return _listing(request)


def _listing(
    request: SignedInRequest,
    complaints: tuple[str, ...] = (),
    typed: Mapping[str, str] | None = None,
) -> HttpResponse:
    with transaction() as session:
        known = markets(session)
        lists = {
            "queue": page_of(request, _payments(session, waiting=True), PAYMENTS_A_PAGE, "queue"),
            "payments": page_of(request, _payments(session), PAYMENTS_A_PAGE),
            "statements": page_of(
                request, queries.statements(session), STATEMENTS_A_PAGE, "statements"
            ),
        }
    keep_list(request, is_everybodys=True)
    context = {
        **lists,
        "markets": known,
        "complaints": complaints,
        "typed": typed,
        "is_confirmed": is_confirmed(request),
        "section": "payments",
    }
    return render(request, "payments/listing.html", context, status=400 if complaints else 200)


def _payments(session: Session, *, waiting: bool = False) -> PagedRows[tuple[Decided, str]]:
    """Return payments, latest first, each with its currency."""
    found = queries.latest_transactions(session, waiting=waiting)

    def read(rows: Sequence[Any]) -> list[tuple[Decided, str]]:
        payments = found.read(rows)
        currencies = queries.currencies(session, payments)
        return [(payment, currencies[payment.transaction.key[:2]]) for payment in payments]

    return PagedRows(session, found.query, read)


@takes_form
@open_to(allocates_payments)
@confirms("payments")
@spends(Kind.UPLOAD)
def import_file(request: SignedInRequest) -> HttpResponse:
    """Import a bank's file; every reason to refuse it stands on the page that answers."""
    file, market = request.FILES.get("file"), request.POST.get("market", "")
    # Before it is read: a statement is parsed from memory.
    if file is None or file.size is None or file.size > LARGEST_FILE_BYTES:
        return _listing(request, ("Choose a camt.053 file, or a zip of them, of at most 20 MB.",))
    name, missing = file_name(file.name or ""), request.POST.get("missing", "")
    arguments = {"market": market, "name": name, "missing": missing}
    act = ask(request.user, Act.Kind.IMPORT, name, arguments, file.read())
    return answer(request, act, show_refused_import)


def show_refused_import(request: SignedInRequest, act: Act) -> HttpResponse:
    """Show the form of an import that was refused, with every reason."""
    return _listing(request, page_sentences(act.findings), act.arguments)


@require_safe
@open_to(sees_payments)
def page(request: SignedInRequest, statement: str, line: int) -> HttpResponse:
    """Show a payment: what the bank said, where its money is, and who decided that."""
    return _page(request, f"{statement}/{line}")


def _page(
    request: SignedInRequest,
    name: str,
    complaints: tuple[str, ...] = (),
    typed: list[tuple[str, str]] | None = None,
    told: str = "",
    reason: str = "",
) -> HttpResponse:
    with transaction() as session:
        found = _find_payment(session, name)
        transaction_ = found.transaction
        sign = 1 if transaction_.amount_minor > 0 else -1
        of_statement = queries.statement(
            session, transaction_.market, transaction_.statement_number
        )
        open_ones = [
            document
            for document in queries.documents(session, transaction_.market)
            if document.balance_minor * sign > 0 and document.currency == of_statement.currency
        ]
        zone = clock_of(session, transaction_.market)
    keep_list(request, is_everybodys=True)  # whose it is stands in its documents, perhaps several
    rows = typed or [
        (document, minor_text(amount, of_statement.currency).replace("-", MINUS))
        for document, amount in found.amounts.items()
    ]
    context = {
        "found": found,
        "payment": transaction_,
        "statement": of_statement,
        "zone": zone,
        "open_documents": open_ones,
        "rows": rows + [("", "")] * max(1, SPARE_ROWS - len(rows)),
        "complaints": complaints,
        "told": told,
        "reason": reason,
        "section": "payments",
    }
    return render(request, "payments/page.html", context, status=400 if complaints else 200)


@takes_form
@open_to(allocates_payments)
@confirms("payment", "statement", "line")
def decide(request: SignedInRequest, statement: str, line: int) -> HttpResponse:
    """Show back what the form was understood as, and when that is sent too, allocate the payment.

    A return to the queue has no amount that could be misread, and is taken at once.
    """
    name = f"{statement}/{line}"
    returns = request.POST.get("decision") == "return"
    documents, amounts = request.POST.getlist("document"), request.POST.getlist("amount")
    typed = [
        (document.strip(), amount.strip())
        for document, amount in zip(documents, amounts, strict=False)
        if document.strip() or amount.strip()
    ]
    with transaction() as session:
        # `allocate` would refuse an unknown payment as a broken rule; here it has no page.
        found = _find_payment(session, name).transaction
        currency = queries.statement(session, found.market, found.statement_number).currency
    reason = request.POST.get("reason", "").strip()
    complaints = () if returns else tuple(_typing_errors(typed, currency))
    if complaints:
        return _page(request, name, complaints, typed, reason=reason)
    # `or 0` only for the types: amounts that cannot be read were complained of above.
    wanted = {} if returns else {each: parse_minor(text, currency) or 0 for each, text in typed}
    rest = found.amount_minor - sum(wanted.values())
    told = allocation_words(name, wanted, rest, currency)
    if not returns and request.POST.get("told") != told:
        return _page(request, name, typed=typed, told=told, reason=reason)
    arguments = {"reason": reason, "amounts": wanted, "typed": typed}
    kind = Act.Kind.RETURN if returns else Act.Kind.ALLOCATE
    return answer(request, ask(request.user, kind, name, arguments), show_refused_decision)


def show_refused_decision(request: SignedInRequest, act: Act) -> HttpResponse:
    """Show the form of a decision that was refused, as it was typed, with every reason."""
    typed = [(document, amount) for document, amount in act.arguments["typed"]]
    return _page(
        request, act.subject, page_sentences(act.findings), typed, reason=act.arguments["reason"]
    )


def _typing_errors(typed: list[tuple[str, str]], currency: str) -> list[str]:
    found = [
        f"“{document or 'No document'}: {amount or 'no amount'}” is not a document and an amount "
        f"in {currency}; {amount_form(currency)}."
        for document, amount in typed
        if not document or parse_minor(amount, currency) is None
    ]
    named = [document for document, _ in typed if document]
    repeated = sorted({name for name in named if named.count(name) > 1})
    return found + [f"{name} stands twice; give it one amount." for name in repeated]


def _find_payment(session: Session, name: str) -> Decided:
    try:
        return find_transaction(session, name)
    except Refused:
        raise Http404("no such payment") from None
