"""The part of an evidence file that is of the ledger: what posts a run, and what bills it."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

import ledger.queries
from ledger.chain import AccountRow
from settlement.evidence import store
from settlement.evidence.rows import csv_rows, csv_table, json_lines
from settlement.evidence.selection import (
    billing_documents,
    billing_months,
    journal_numbers,
    preceding_numbers,
)
from settlement.runs.run import Run

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class LedgerPart:
    """Rows of the ledger, as they are stored.

    Attributes:
        postings: the columns of the postings of the journals.
        journal_links, invoice_links: rows that stand in a chain before those of the evidence,
            with the Merkle root over what they hold.
    """

    accounts: Sequence[Row]
    journals: Sequence[Row]
    postings: dict[str, list[Any]]
    journal_links: Sequence[Row]
    documents: Sequence[Row]
    lines: Sequence[Row]
    invoice_links: Sequence[Row]

    @property
    def rule_digests(self) -> set[bytes]:
        """The digests of the rules that the lines name."""
        return {digest for line in self.lines for digest in line["rule_digests"]}

    @property
    def last_issued_at(self) -> dt.datetime | None:
        """The moment of the last document."""
        return max((row["issued_at"] for row in self.documents), default=None)

    def files(self) -> dict[str, bytes]:
        """Return the files, by name."""
        return {
            "ledger/accounts.csv": csv_rows((*AccountRow._fields, "digest"), self.accounts),
            "ledger/invoice-lines.jsonl": json_lines(self.lines),
            "ledger/invoice-links.jsonl": json_lines(self.invoice_links),
            "ledger/invoices.jsonl": json_lines(self.documents),
            "ledger/journal-links.jsonl": json_lines(self.journal_links),
            "ledger/journals.jsonl": json_lines(self.journals),
            "ledger/postings.csv": csv_table(self.postings),
        }


def ledger_part(session: Session, run: Run) -> LedgerPart:
    """Return what the ledger holds of a run; nothing where it is not posted."""
    posted = {
        journal.settlement_day: journal.number
        for journal in ledger.queries.run_journals(session, run.id)
    }
    months = billing_months(list(posted))
    billing = billing_documents(store.documents(session, run.market, months), posted)
    of_months = [
        row
        for month in months
        for row in store.journals_of_days(session, run.market, *store.month_bounds(month))
    ]
    numbers = journal_numbers(of_months, posted, billing)
    postings = store.postings(session, numbers)
    stored = {(row["series"], row["number"]) for row in billing}
    links = {(series, number - 1) for series, number in stored if number > 1} - stored
    return LedgerPart(
        accounts=store.accounts(session, set(postings["account"])),
        journals=store.journals(session, numbers),
        postings=postings,
        journal_links=store.journal_links(session, preceding_numbers(numbers)),
        documents=billing,
        lines=store.lines(session, [row["id"] for row in billing]),
        invoice_links=store.invoice_links(session, links),
    )
