"""From an allocation to the journal that moves its money.

What came in is owed by the bank (+) and was owed by the participant (-): the account `paid` of the
participant has the document's number as its subject, so the balance of a document is what is due
less what is paid. What nobody knows the purpose of rests on the market's account `unallocated`,
whose subject is the transaction. A later decision moves the difference from the one before it and
never the bank.

No journal here names a settlement day, so none is ever billed.
"""

from collections.abc import Mapping

from common.currencies import minor_unit_micro
from ledger.causes import BANK, PAID, UNALLOCATED, Cause, CauseSource
from ledger.chain import encode
from ledger.journal import Account, JournalDraft, Posting
from ledger.payments.statements import AllocationRow, TransactionRow, allocation_digest
from ledger.tree import leaf_hash

JOURNAL_TAG = "tallystick.allocation-posting.1"


def allocation_journal(
    transaction: TransactionRow,
    digest: bytes,
    bank_account: str,
    currency: str,
    row: AllocationRow,
    held: Mapping[Account, int],
    before: Mapping[Account, int] | None,
) -> JournalDraft:
    """Return the journal of a decision about a transaction.

    Args:
        digest: of the transaction.
        bank_account: the operator's, that it went through.
        row: the decision.
        held: account -> minor units of the transaction that it holds by this decision, as
            `holdings` gives it.
        before: the same by the decision before this one; None for the first.
    """
    moves = {account: -held.get(account, 0) for account in held.keys() | (before or {}).keys()}
    for account, amount in (before or {}).items():
        moves[account] += amount
    if before is None:
        moves[Account(transaction.market, currency, None, BANK, bank_account)] = (
            transaction.amount_minor
        )
    unit = minor_unit_micro(currency)
    postings = tuple(
        Posting(account, moved * unit)
        for account, moved in sorted(moves.items(), key=lambda item: item[0].code)
        if moved
    )
    return JournalDraft(
        key=journal_key(transaction.name, row.decision),
        market=transaction.market,
        settlement_day=None,
        run_id=None,
        run_kind=None,
        reason=reason_of(row, transaction.name),
        input_digest=journal_input(digest, row.decision, postings),
        cause=Cause(
            CauseSource.ALLOCATION,
            journal_key(transaction.name, row.decision),
            allocation_digest(row),
        ),
        postings=postings,
    )


def holdings(
    transaction: TransactionRow,
    currency: str,
    amounts: Mapping[str, int],
    participant_of: Mapping[str, str],
) -> dict[Account, int]:
    """Return account -> minor units for what is allocated by document, and for the rest of it."""
    market = transaction.market
    held = {
        Account(market, currency, participant_of[name], PAID, name): amount
        for name, amount in amounts.items()
        if amount
    }
    rest = transaction.amount_minor - sum(amounts.values())
    if rest:
        held[Account(market, currency, None, UNALLOCATED, transaction.name)] = rest
    return held


def journal_key(name: str, decision: int) -> str:
    """Return how a decision is named: the key of its journal, and its own in the log.

    >>> journal_key("gb12-bank-000001/3", 2)
    'gb12-bank-000001/3:2'
    """
    return f"{name}:{decision}"


def journal_input(digest: bytes, decision: int, postings: tuple[Posting, ...]) -> bytes:
    """Return what identifies the input of a decision's journal."""
    moved = tuple(field for posting in postings for field in (posting.account.code, posting.amount))
    return leaf_hash(encode(JOURNAL_TAG, (digest, decision, *moved)))


def reason_of(row: AllocationRow, name: str) -> str:
    """Return the sentence that a decision's journal carries."""
    back = f"; reverses journal {row.reverses}" if row.reverses is not None else ""
    return f"Payment {name}, by {row.decided_by}: {row.reason}{back}"
