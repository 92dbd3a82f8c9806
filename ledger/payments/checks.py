"""The law of allocation: what is wrong with what a person decides about a payment.

After every decision, what is paid of each document lies between nothing and what it asks for. Money
that goes out is thus allocated to an invoice only to take back what came in for it, and what others
took back, or paid on top, cannot lose the payment that it stands on:

    invoice 2.00    payment 1.00 in, then 1.00 out to give it back: paid 1.00, then 0.00
                    the first payment moved to another document:   refused, paid would be -1.00

And what is set off is one participant's: 80.00 pay an invoice of 100.00 less the credit note of
20.00 to the same participant, and not less the credit note to another, who is still owed it.
"""

from collections.abc import Iterator, Mapping, Sequence

from common.currencies import minor_text
from common.refusals import Finding
from ledger.payments.matching import OpenDocument, taken_from_others
from ledger.rules import LedgerRule


def check_decision(
    name: str,
    amount_minor: int,
    amounts: Mapping[str, int],
    documents: Mapping[str, OpenDocument],
    *,
    currency: str,
    left: Sequence[str] = (),
    decided_by: str,
    reason: str,
) -> Iterator[Finding]:
    """Yield every breach of a person's allocation.

    Args:
        name: the transaction.
        amount_minor: of the transaction; + came in.
        amounts: document -> what it gets, in minor units.
        documents: those of the market, as paid by all but this transaction.
        currency: of the transaction and of the documents.
        left: documents that the decision before gave something, and this one may give nothing.
    """
    place = f"payment {name}"
    if not decided_by.strip() or not reason.strip():
        value = f"by {decided_by!r}, reason {reason!r}"
        yield LedgerRule.DECISION_IS_NOT_SIGNED.finding(place, value)
    total = sum(amounts.values())
    if total * amount_minor < 0 or abs(total) > abs(amount_minor):
        value = f"{minor_text(total, currency)} of {minor_text(amount_minor, currency)} {currency}"
        yield LedgerRule.ALLOCATION_IS_TOO_MUCH.finding(place, value)
    else:
        known = {name: amount for name, amount in amounts.items() if name in documents}
        owner_of = {name: documents[name].participant for name in known}
        for participant in taken_from_others(amount_minor, known, owner_of):
            given = sum(amount for name, amount in known.items() if owner_of[name] == participant)
            value = f"{minor_text(given, currency)} {currency} for {participant}"
            yield LedgerRule.ALLOCATION_TAKES_FROM_OTHERS.finding(place, value)
    for document, amount in amounts.items():
        if document not in documents:
            yield LedgerRule.DOCUMENT_IS_UNKNOWN.finding(place, document)
        else:
            yield from _check_document(place, documents[document], amount)
    for document in left:
        if document not in amounts:
            yield from _check_document(place, documents[document], 0)


def _check_document(place: str, document: OpenDocument, amount_minor: int) -> Iterator[Finding]:
    # A credit note is paid out: its due and paid amounts are below zero.
    low, high = min(0, document.due_minor), max(0, document.due_minor)
    paid = document.paid_minor + amount_minor
    if low <= paid <= high:
        return
    of_others = minor_text(document.paid_minor, document.currency)
    due = f"{minor_text(document.due_minor, document.currency)} {document.currency}"
    if low <= document.paid_minor <= high:
        given = minor_text(amount_minor, document.currency)
        value = f"{given} to {document.name}, of whose {due} other payments paid {of_others}"
        yield LedgerRule.ALLOCATION_IS_TOO_MUCH.finding(place, value)
    else:
        leaves = minor_text(paid, document.currency)
        value = f"{document.name} asks for {due} and would be left with {leaves} paid"
        yield LedgerRule.ALLOCATION_IS_BUILT_UPON.finding(place, value)
