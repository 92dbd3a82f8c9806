"""What other packages ask of the ledger.

Every function works in the caller's transaction. What appends does so under one advisory lock, so
numbers are gapless and nothing is half-posted: if the caller's transaction does not commit, nothing
was. A refusal is `LedgerRefused`, which carries every reason; roll the transaction back.
"""

from ledger.invoice_queries import billed_lines, invoice, invoices, unbilled
from ledger.issuing import Issued, NothingToInvoice, issue
from ledger.posting import Posted, post, post_many
from ledger.queries import (
    balances,
    journal_summaries,
    participant_balances,
    posted_runs,
    run_journals,
)
from ledger.refusals import LedgerRefused
from ledger.store import Head, journal_head
from ledger.verification import LedgerFinding, verify

__all__ = [
    "Head",
    "Issued",
    "LedgerFinding",
    "LedgerRefused",
    "NothingToInvoice",
    "Posted",
    "balances",
    "billed_lines",
    "invoice",
    "invoices",
    "issue",
    "journal_head",
    "journal_summaries",
    "participant_balances",
    "post",
    "post_many",
    "posted_runs",
    "run_journals",
    "unbilled",
    "verify",
]
