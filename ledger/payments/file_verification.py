"""Read the bank's files again, and hold the statements that were stored of them to what they say.

A file is kept as it came, so that anybody can ask the bank whether it is the bank's. That proves
nothing of a payment unless its row stands in the file: whoever imports by the product's own
functions could keep the genuine file and store another payment, or another payee, beside it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from common.bank_accounts import account_names, is_iban
from common.damage import damage
from common.refusals import Finding
from ledger.payments import tables
from ledger.payments.camt import read_file
from ledger.payments.camt_statement import ReadStatement
from ledger.payments.sequence import without_bridge
from ledger.payments.statements import (
    StatementRow,
    TransactionRow,
    statement_name,
    stored_statement,
)

NOT_IN_FILE = "bank-file"

Stored = tuple[StatementRow, Sequence[TransactionRow]]
Closings = Mapping[tuple[str, str], Sequence[tuple[int, int]]]
"""By market and account: number and closing balance of each statement, in order."""


def verify_against_files(session: Session, stored: Sequence[Stored]) -> Iterator[Finding]:
    """Yield every statement that the bank's file does not hold as it is stored.

    Args:
        session: the caller's session.
        stored: every statement with its payments by line, as they are stored.
    """
    by_file: defaultdict[tuple[str, bytes], list[Stored]] = defaultdict(list)
    closings: defaultdict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for row, payments in stored:
        by_file[row.market, row.file_digest].append((row, payments))
        closings[row.market, row.account].append((row.number, row.closing_minor))
    # One at a time: a file may have megabytes, and is read as one.
    for (market, digest), of_file in by_file.items():
        content = session.scalar(
            select(tables.BankFile.content).where(
                tables.BankFile.market == market, tables.BankFile.content_digest == digest
            )
        )
        if content is None:  # that it does not exist, its statements' own check says
            continue
        read = read_file(content).statements
        for row, payments in of_file:
            yield from _compare(row, payments, read, closings)


def _compare(
    row: StatementRow,
    payments: Sequence[TransactionRow],
    read: Sequence[ReadStatement],
    closings: Closings,
) -> Iterator[Finding]:
    place = f"ledger.bank_statement {statement_name(row.market, row.number)}"
    statement = stored_statement(row, payments)
    in_file = without_bridge(statement)
    if not any(
        each.as_statement(row.account) == in_file and _is_of(row.account, each.account)
        for each in read
    ):
        yield damage(NOT_IN_FILE, place, "the file that it names holds no such statement")
    earlier = [
        closing for number, closing in closings[row.market, row.account] if number < row.number
    ]
    if in_file is not statement and statement.opening_minor not in earlier:
        words = "what moved before it without a statement follows no earlier balance"
        yield damage(NOT_IN_FILE, place, words)


def _is_of(account: str, named: str | None) -> bool:
    """Return whether a file can be of the account that its statement is stored under.

    One that names no account is of none, and an IBAN is the account's or has its national number.
    Of a national number that a file names nothing is held where the account has an IBAN: which is
    that of an IBAN of another form, the law of the day said.

    >>> _is_of("GB50TSBX00123412345678", None)
    False
    >>> _is_of("GB50TSBX00123412345678", "GB50TSBX00123412345678")
    True
    >>> _is_of("GB50TSBX00123412345678", "GB82WEST12345698765432")
    False
    >>> _is_of("00123412345678", "GB50TSBX00123412345678"), _is_of("00123412345678", "98765432")
    (True, False)
    >>> _is_of("GB50TSBX00123412345678", "12345678")
    True
    """
    if named is None:
        return False
    if is_iban(named):
        # Among the names of either, as the national number of an IBAN can have the form of one.
        return account in account_names(named, None) or named in account_names(account, None)
    return is_iban(account) or named == account
