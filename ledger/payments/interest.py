"""Interest as it is stored: what a document has borne up to a day, and at what rate.

What a row moves is `borne_micro` less that of the row before it. How it is computed, of documents,
payments and terms, `settlement.accounts` knows, and verification computes it again there.
"""

from datetime import date
from typing import NamedTuple

from ledger.causes import Cause, CauseSource
from ledger.chain import encode
from ledger.tree import leaf_hash

INTEREST_TAG = "tallystick.interest.1"


class InterestRow(NamedTuple):
    """The sealed columns of `ledger.interest`; + the participant owes it.

    `number` counts from 1 what was posted of the document, and `journal_number` is that of the
    journal which this row causes.
    """

    market: str
    document: str
    number: int
    until: date
    borne_micro: int
    annual_rate_ppm: int
    days_in_year: int
    grace_days: int
    journal_number: int

    @property
    def name(self) -> str:
        """How the log names it."""
        return f"{self.document}:{self.number}"

    @property
    def digest(self) -> bytes:
        """The digest over every column."""
        return leaf_hash(encode(INTEREST_TAG, self))

    @property
    def cause(self) -> Cause:
        """What its journal names."""
        return Cause(CauseSource.INTEREST, self.name, self.digest)
