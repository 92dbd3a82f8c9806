"""Why money moved: the one published fact that a journal follows from, of a closed list of kinds.

A cause is a leaf of the log: table, key there and sealed digest. So the ledger needs to know
nothing of what a run is, and a journal cannot name what was never published: the database holds
each to a leaf that stands before its own. What a cause must come to, verification computes again:
the ledger's for documents, allocations and seals, that of `settlement` for runs and interest.

What takes a payment back or moves it on is an allocation as well, which names the journal that it
reverses.
"""

from enum import StrEnum
from typing import NamedTuple


class CauseSource(StrEnum):
    """The tables whose rows move money, as the log names them."""

    RUN = "settlement.run"
    DOCUMENT = "ledger.invoice"
    ALLOCATION = "ledger.allocation"
    INTEREST = "ledger.interest"
    SEAL = "ledger.seal"


class Cause(NamedTuple):
    """A published fact that moves money, as its leaf in the log states it."""

    source: str
    key: str
    digest: bytes


BANK, PAID, UNALLOCATED = "bank", "paid", "unallocated"
ROUNDING, TAX = "rounding", "tax"
CHARGE_INTEREST, PAYMENT_INTEREST, INTEREST = "charge.interest", "payment.interest", "interest"

_SOURCE_OF_KIND = {
    **dict.fromkeys((BANK, PAID, UNALLOCATED), CauseSource.ALLOCATION),
    **dict.fromkeys((ROUNDING, TAX), CauseSource.DOCUMENT),
    **dict.fromkeys((CHARGE_INTEREST, PAYMENT_INTEREST, INTEREST), CauseSource.INTEREST),
}


def source_that_moves(kind: str) -> CauseSource:
    """Return the source of the causes that may move accounts of a kind.

    The function `ledger.source_that_moves` of the database says the same.

    >>> source_that_moves("paid").value, source_that_moves("charge.fuel").value
    ('ledger.allocation', 'settlement.run')
    """
    return _SOURCE_OF_KIND.get(kind, CauseSource.RUN)
