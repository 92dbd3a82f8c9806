"""What is wrong with a statement as a whole, and with what a person decides about a payment."""

from collections.abc import Iterator, Mapping

from common.refusals import Finding
from ledger.payments.matching import OpenDocument
from ledger.payments.statements import Statement, StatementRow
from ledger.rules import LedgerRule


def check_statement(
    statement: Statement, iban: str, currency: str, last: StatementRow | None
) -> Iterator[Finding]:
    """Yield every breach of a statement.

    Args:
        iban: the operator's account.
        currency: the market's.
        last: the statement of the account before this one, if any.
    """
    place = f"statement {statement.identification}"
    if statement.iban.replace(" ", "") != iban:
        value = f"account {statement.iban}, not {iban}"
        yield LedgerRule.STATEMENT_IS_OF_ANOTHER_ACCOUNT.finding(place, value)
    if statement.currency != currency:
        value = f"{statement.currency or 'none'}, not {currency}"
        yield LedgerRule.STATEMENT_CURRENCY_DIFFERS.finding(place, value)
    if statement.closed_on < statement.opened_on:
        value = f"opens on {statement.opened_on} and closes on {statement.closed_on}"
        yield LedgerRule.STATEMENT_IS_OUT_OF_SEQUENCE.finding(place, value)
    if last is not None:
        yield from _follows(statement, last, place)


def _follows(statement: Statement, last: StatementRow, place: str) -> Iterator[Finding]:
    rule = LedgerRule.STATEMENT_IS_OUT_OF_SEQUENCE
    # A bank may number the statements of a year from 1 again.
    begins_again = statement.closed_on.year > last.closed_on.year and statement.sequence_number == 1
    if statement.sequence_number != last.sequence_number + 1 and not begins_again:
        value = f"number {statement.sequence_number} after {last.sequence_number}"
        yield rule.finding(place, value)
    if statement.opening_minor != last.closing_minor:
        value = (
            f"it opens with {statement.opening_minor} minor units, {last.identification} closed "
            f"with {last.closing_minor}"
        )
        yield rule.finding(place, value)


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
