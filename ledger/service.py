"""What appends to the ledger and what verifies it; `queries` and `invoice_queries` answer.

Every function works in the caller's transaction. What appends does so under one advisory lock, so
numbers are gapless and nothing is half-posted: if the caller's transaction does not commit, nothing
was. A refusal is `LedgerRefused`, which carries every reason; roll the transaction back.
"""

from ledger.issuing import Issued, NothingToInvoice, issue
from ledger.posting import Posted, post, post_many
from ledger.refusals import LedgerRefused
from ledger.sealing import seal_days
from ledger.store import Head, journal_head, lock, sealed_at
from ledger.verification import LedgerFinding, verify

__all__ = [
    "Head",
    "Issued",
    "LedgerFinding",
    "LedgerRefused",
    "NothingToInvoice",
    "Posted",
    "issue",
    "journal_head",
    "lock",
    "post",
    "post_many",
    "seal_days",
    "sealed_at",
    "verify",
]
