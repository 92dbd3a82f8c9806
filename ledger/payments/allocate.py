"""A person's allocation of a payment to documents, where the matching rules found none or erred."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from common.refusals import refuse_any
from ledger import store as ledger_store
from ledger.payments import queries, store
from ledger.payments.checks import check_decision
from ledger.payments.journals import allocation_journal, holdings
from ledger.payments.matching import Method
from ledger.payments.queries import Decided
from ledger.payments.statements import (
    AllocationRow,
    transaction_key,
)
from ledger.posting import Posted, post, require_zone
from ledger.rules import LedgerRule


def allocate(
    session: Session,
    name: str,
    amounts: Mapping[str, int],
    *,
    decided_by: str,
    reason: str,
    now: datetime,
) -> Posted:
    """Allocate a transaction to documents as a person decides; what is left rests in the queue.

    Nothing allocated returns it to the queue whole. The journal moves the difference from the
    decision before, which it names.

    Args:
        name: the transaction, such as `gb12-bank-000001/3`.
        amounts: document -> minor units, with the sign of the transaction.

    Raises:
        Refused: the transaction or a document is unknown, or the amounts do not fit.
    """
    require_zone(now)
    ledger_store.lock(session)
    found = find_transaction(session, name)
    transaction, latest = found.transaction, found.latest
    currency = queries.statement(session, transaction.market, transaction.statement_number).currency
    # Without what this transaction paid of them, since its decision is being made anew.
    documents = {
        document.name: document.without(found.amounts.get(document.name, 0))
        for document in queries.documents(session, transaction.market)
        if document.currency == currency
    }
    breaches = check_decision(
        name,
        transaction.amount_minor,
        amounts,
        documents,
        currency=currency,
        left=tuple(found.amounts),
        decided_by=decided_by,
        reason=reason,
    )
    refuse_any(breaches)
    participant_of = {each: document.participant for each, document in documents.items()}
    after = holdings(transaction, currency, amounts, participant_of)
    before = {document.account: document.amount_minor for document in found.held}
    if after == before:
        refuse_any(
            [LedgerRule.ALLOCATION_CHANGES_NOTHING.finding(f"payment {name}", latest.reason)]
        )
    row = AllocationRow(
        market=transaction.market,
        statement_number=transaction.statement_number,
        line=transaction.line,
        decision=latest.decision + 1,
        method=Method.PERSON.value,
        reason=reason.strip(),
        decided_by=decided_by.strip(),
        decided_at=now,
        documents=tuple(sorted(document for document, amount in amounts.items() if amount)),
        amounts_minor=tuple(amount for _, amount in sorted(amounts.items()) if amount),
        journal_number=ledger_store.journal_head(session).number + 1,
        reverses=latest.journal_number,
    )
    # No account of the bank: its money came in with the first decision, and only changes hands now.
    draft = allocation_journal(transaction, found.digest, "", currency, row, after, before)
    store.insert_allocations(session, [row])
    return post(session, draft, now)


def find_transaction(session: Session, name: str) -> Decided:
    """Return a transaction by its name.

    Raises:
        Refused: there is none.
    """
    key = transaction_key(name)
    found = queries.decided_transactions(session, *key) if key else []
    if not found:
        refuse_any([LedgerRule.TRANSACTION_IS_UNKNOWN.finding(f"payment {name}", "not there")])
    return found[0]
