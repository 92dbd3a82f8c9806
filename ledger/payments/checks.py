"""What is wrong with what a person decides about a payment."""

from collections.abc import Iterator, Mapping

from common.refusals import Finding
from ledger.payments.matching import OpenDocument
from ledger.rules import LedgerRule


def check_decision(
    name: str,
    amount_minor: int,
    amounts: Mapping[str, int],
    documents: Mapping[str, OpenDocument],
    *,
    decided_by: str,
    reason: str,
) -> Iterator[Finding]:
    """Yield every breach of a person's allocation.

    Args:
        name: the transaction.
        amount_minor: of the transaction; + came in.
        amounts: document -> what it gets, in minor units.
        documents: those of the market, as paid by all but this transaction.
    """
    place = f"payment {name}"
    if not decided_by.strip() or not reason.strip():
        value = f"by {decided_by!r}, reason {reason!r}"
        yield LedgerRule.DECISION_IS_NOT_SIGNED.finding(place, value)
    total = sum(amounts.values())
    if total * amount_minor < 0 or abs(total) > abs(amount_minor):
        value = f"{total} of {amount_minor} minor units"
        yield LedgerRule.ALLOCATION_IS_TOO_MUCH.finding(place, value)
    for document, amount in amounts.items():
        if document not in documents:
            yield LedgerRule.DOCUMENT_IS_UNKNOWN.finding(place, document)
            continue
        due, paid = documents[document].due_minor, documents[document].paid_minor
        # Between nothing and what is due, on either side of zero: a credit note is paid out.
        if not min(0, due) <= paid + amount <= max(0, due):
            value = f"{amount} to {document}, of whose {due} minor units {paid} are paid"
            yield LedgerRule.ALLOCATION_IS_TOO_MUCH.finding(place, value)
