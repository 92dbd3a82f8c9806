"""A market's bank statements, imported under its law, which says what account they are of."""

import datetime as dt

from sqlalchemy.orm import Session

from ledger.payments.import_file import Imported, import_file
from settlement.accounts.law import bank_account


def import_statements(
    session: Session,
    market: str,
    name: str,
    content: bytes,
    *,
    received_by: str,
    now: dt.datetime,
    missing: str = "",
) -> Imported:
    """Import a bank's camt.053 file; see `ledger.payments.import_file`.

    Args:
        name: of the file.
        received_by: the person or the process that imports it.
        missing: why the bank cannot give a statement that is missing before those of the file.

    Raises:
        Refused: the market has no settlement terms at this moment, or the file or a statement in
            it breaks a rule.
    """
    account = bank_account(session, market, now)
    return import_file(
        session, account, name, content, received_by=received_by, now=now, missing=missing
    )
