"""Bank statements as they are read and stored, and the digests that seal them.

Amounts are in minor units (pence), with the sign of the operator's bank account: + came in, - went
out. The bytes of a row are those of `ledger.chain.encode`: its tag, then its columns in order. A
statement ends with the Merkle root over its transactions and names the statement before it, so its
digest covers every transaction of the account so far.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import NamedTuple

from ledger.chain import encode
from ledger.tree import leaf_hash, merkle_root

FILE_TAG = "tallystick.bank-file.1"
STATEMENT_TAG = "tallystick.bank-statement.1"
TRANSACTION_TAG = "tallystick.bank-transaction.1"
ALLOCATION_TAG = "tallystick.allocation.2"


UNSTATED = 0
"""Number of the entry that no statement has: what moved while a statement is missing."""

CHARGES = 0
"""Number of the part that is no payment: what the bank deducted from those of its entry."""

UNDIVIDED = -1
"""Number of the part that is several: of payments of several payers, the bank gives the sum."""


@dataclass(frozen=True)
class Transaction:
    """One payment of a statement: an entry, or one of the payments of a batch entry.

    Attributes:
        entry: number of its entry in the statement, from 1; `UNSTATED` for none.
        part: number of the payment in its entry, from 1; `CHARGES` for none, `UNDIVIDED` for
            several of which only the sum is known.
        amount_minor: + came in, - went out.
        value_on: the day from which it counts for interest.
        is_reversal: the bank took back an earlier payment; its sign is already the opposite.
        bank_reference, end_to_end: references of the bank and of the payer; empty for none.
        counterparty, counterparty_account: the other side: who paid, or who was paid; the account
            as `common.bank_accounts` writes it.
        reference: structured references, separated by spaces.
        remittance: free text of the payer.
    """

    entry: int
    part: int
    amount_minor: int
    booked_on: date
    value_on: date
    is_reversal: bool
    bank_reference: str
    end_to_end: str
    counterparty: str
    counterparty_account: str
    reference: str
    remittance: str


@dataclass(frozen=True)
class Statement:
    """A statement as the bank's file holds it; not every bank numbers its statements."""

    identification: str
    sequence_number: int | None
    account: str
    currency: str
    opened_on: date
    closed_on: date
    opening_minor: int
    closing_minor: int
    transactions: tuple[Transaction, ...]


class FileRow(NamedTuple):
    """The sealed columns of `ledger.bank_file`."""

    content_digest: bytes
    market: str
    name: str
    received_at: datetime
    received_by: str


class StatementRow(NamedTuple):
    """The sealed columns of `ledger.bank_statement`."""

    market: str
    number: int
    file_digest: bytes
    identification: str
    sequence_number: int | None
    account: str
    currency: str
    opened_on: date
    closed_on: date
    opening_minor: int
    closing_minor: int
    transaction_count: int
    previous_digest: bytes

    @property
    def name(self) -> str:
        """How people and accounts name it: `gb12-bank-000001`."""
        return statement_name(self.market, self.number)


TransactionKey = tuple[str, int, int]
"""Market, number of the statement, and line."""


class TransactionRow(NamedTuple):
    """The sealed columns of `ledger.bank_transaction`."""

    market: str
    statement_number: int
    line: int
    entry: int
    part: int
    amount_minor: int
    booked_on: date
    value_on: date
    is_reversal: bool
    bank_reference: str
    end_to_end: str
    counterparty: str
    counterparty_account: str
    reference: str
    remittance: str

    @property
    def key(self) -> TransactionKey:
        """Market, statement and line."""
        return self.market, self.statement_number, self.line

    @property
    def name(self) -> str:
        """How people and accounts name it: `gb12-bank-000001/3`."""
        return transaction_name(self.market, self.statement_number, self.line)

    @property
    def statement_name(self) -> str:
        """How people name its statement: `gb12-bank-000001`."""
        return statement_name(self.market, self.statement_number)


class AllocationRow(NamedTuple):
    """The sealed columns of `ledger.allocation`: what each document gets, in minor units.

    `journal_number` is that of the journal which the decision causes; `reverses` names the journal
    whose allocation this one replaces; None for the first.
    """

    market: str
    statement_number: int
    line: int
    decision: int
    method: str
    reason: str
    decided_by: str
    decided_at: datetime
    documents: tuple[str, ...]
    amounts_minor: tuple[int, ...]
    journal_number: int
    reverses: int | None

    @property
    def amounts(self) -> dict[str, int]:
        """Return document -> minor units."""
        # Not strict: the database holds the two to one length, and of a changed row digests tell.
        return dict(zip(self.documents, self.amounts_minor, strict=False))


class SealedStatement(NamedTuple):
    """A statement ready to store: its row, its digest, its transactions and theirs, in order."""

    row: StatementRow
    digest: bytes
    transactions: list[TransactionRow]
    transaction_digests: list[bytes]


def content_digest(content: bytes) -> bytes:
    """Return the digest of a file's bytes."""
    return leaf_hash(content)


def file_digest(row: FileRow) -> bytes:
    """Return the digest of a file's row; its content is in it by its own digest."""
    return leaf_hash(encode(FILE_TAG, row))


def transaction_digest(row: TransactionRow) -> bytes:
    """Return the digest of a transaction."""
    # Sealed as 0 or 1: the chain has no layout for a bool.
    columns = row._replace(is_reversal=int(row.is_reversal))  # type: ignore[arg-type]  # as above
    return leaf_hash(encode(TRANSACTION_TAG, columns))


def statement_digest(row: StatementRow, transaction_digests: Sequence[bytes]) -> bytes:
    """Return the digest of a statement over its row and the digests of its transactions."""
    return leaf_hash(encode(STATEMENT_TAG, (*row, merkle_root(transaction_digests))))


def allocation_digest(row: AllocationRow) -> bytes:
    """Return the digest of an allocation."""
    return leaf_hash(encode(ALLOCATION_TAG, row))


def seal_statement(
    statement: Statement, market: str, number: int, file: bytes, previous_digest: bytes
) -> SealedStatement:
    """Return a statement as number `number` of its market, chained to the one before it.

    Args:
        file: the digest of the content it was read from.
    """
    transactions = [
        TransactionRow(market, number, line, *vars(transaction).values())
        for line, transaction in enumerate(statement.transactions, start=1)
    ]
    digests = [transaction_digest(row) for row in transactions]
    row = StatementRow(
        market=market,
        number=number,
        file_digest=file,
        identification=statement.identification,
        sequence_number=statement.sequence_number,
        account=statement.account,
        currency=statement.currency,
        opened_on=statement.opened_on,
        closed_on=statement.closed_on,
        opening_minor=statement.opening_minor,
        closing_minor=statement.closing_minor,
        transaction_count=len(transactions),
        previous_digest=previous_digest,
    )
    return SealedStatement(row, statement_digest(row, digests), transactions, digests)


def stored_statement(row: StatementRow, transactions: Sequence[TransactionRow]) -> Statement:
    """Return a statement as its rows hold it."""
    return Statement(
        identification=row.identification,
        sequence_number=row.sequence_number,
        account=row.account,
        currency=row.currency,
        opened_on=row.opened_on,
        closed_on=row.closed_on,
        opening_minor=row.opening_minor,
        closing_minor=row.closing_minor,
        transactions=tuple(
            Transaction(**{each.name: getattr(of_it, each.name) for each in fields(Transaction)})
            for of_it in transactions
        ),
    )


def statement_name(market: str, number: int) -> str:
    """Return how people and accounts name a statement.

    >>> statement_name("gb12", 7)
    'gb12-bank-000007'
    """
    return f"{market}-bank-{number:06d}"


def transaction_name(market: str, number: int, line: int) -> str:
    """Return how people and accounts name a transaction.

    >>> transaction_name("gb12", 7, 2)
    'gb12-bank-000007/2'
    """
    return f"{statement_name(market, number)}/{line}"


def transaction_key(name: str) -> tuple[str, int, int] | None:
    """Return (market, statement number, line) of a transaction's name; None for another text.

    >>> transaction_key("gb12-bank-000007/2"), transaction_key("gb12-bank-7/2")
    (('gb12', 7, 2), None)
    """
    statement, _, line = name.partition("/")
    market, _, number = statement.rpartition("-bank-")
    if not all(part.isascii() and part.isdecimal() and len(part) < 19 for part in (number, line)):
        return None
    key = (market, int(number), int(line))
    return key if transaction_name(*key) == name else None
