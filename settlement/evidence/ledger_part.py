"""The part of an evidence file that is of the ledger: every header, and the months of the run."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from ledger.chain import AccountRow
from ledger.invoice import document_number
from ledger.journal import STUDY
from settlement.evidence import store
from settlement.evidence.log_part import Fact, LogPart, require_covered
from settlement.evidence.rows import csv_rows, csv_table, json_lines
from settlement.runs.run import Run

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class LedgerPart:
    """Rows of the ledger, as they are stored.

    Attributes:
        journals: the row of every journal up to the checkpoint, with the Merkle root over its
            postings.
        postings: the columns of the postings of the months of the run.
        documents: the row of every document of the market, with the Merkle root over its lines.
        lines: the lines of the documents of the months of the run.
    """

    accounts: Sequence[Row]
    journals: Sequence[Row]
    postings: dict[str, list[Any]]
    documents: Sequence[Row]
    lines: Sequence[Row]

    @property
    def billed_documents(self) -> list[Row]:
        """The rows of the documents of the months of the run."""
        whole = {line["invoice_id"] for line in self.lines}
        return [row for row in self.documents if row["id"] in whole]

    @property
    def rule_digests(self) -> set[bytes]:
        """The digests of the rules that the lines name."""
        return {digest for line in self.lines for digest in line["rule_digests"]}

    def files(self) -> dict[str, bytes]:
        """Return the files, by name."""
        return {
            "ledger/accounts.csv": csv_rows((*AccountRow._fields, "digest"), self.accounts),
            "ledger/invoice-lines.jsonl": json_lines(self.lines),
            "ledger/invoices.jsonl": json_lines(self.documents),
            "ledger/journals.jsonl": json_lines(self.journals),
            "ledger/postings.csv": csv_table(self.postings),
        }


def ledger_part(session: Session, run: Run, log: LogPart) -> LedgerPart:
    """Return what the ledger held of a run at the checkpoint.

    Raises:
        Refused: a journal of the run came after it, so that the run would seem not to be posted.
    """
    stored = store.journals(session)
    of_run = [journal_fact(row) for row in stored if row["run_id"] == run.id]
    require_covered(session, log, of_run)
    journals = [row for row in stored if log.covers(*journal_fact(row)[:2])]
    documents = [
        row for row in store.documents(session, run.market) if log.covers(*document_fact(row)[:2])
    ]
    require_covered(session, log, [*map(journal_fact, journals), *map(document_fact, documents)])
    months = [] if run.kind == STUDY else list_months(run.days)
    of_months = [row for row in documents if row["billing_month"] in months]
    closing = {row["journal_number"] for row in of_months} - {None}
    moved = [
        row for row in journals if row["number"] in closing or is_of_months(run.market, row, months)
    ]
    postings = store.postings(session, [row["number"] for row in moved])
    return LedgerPart(
        accounts=store.accounts(session, set(postings["account"])),
        journals=journals,
        postings=postings,
        documents=documents,
        lines=store.lines(session, [row["id"] for row in of_months]),
    )


def list_months(days: Iterable[dt.date]) -> list[dt.date]:
    """Return the first day of each month that some days lie in.

    >>> list_months([dt.date(2024, 1, 31), dt.date(2024, 2, 1)])
    [datetime.date(2024, 1, 1), datetime.date(2024, 2, 1)]
    """
    return sorted({day.replace(day=1) for day in days})


def is_of_months(market: str, journal: Row, months: Sequence[dt.date]) -> bool:
    """Return whether a journal is of a market and of a day in some months."""
    day = journal["settlement_day"]
    return journal["market"] == market and day is not None and day.replace(day=1) in months


def journal_fact(row: Row) -> Fact:
    """Return a journal as a fact of the log."""
    return Fact("ledger.journal", str(row["number"]), row["digest"])


def document_fact(row: Row) -> Fact:
    """Return a document as a fact of the log."""
    return Fact("ledger.invoice", document_number(row["series"], row["number"]), row["digest"])
