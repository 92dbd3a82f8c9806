"""From a document to the journal of its rounding and tax, which the document causes."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from ledger.causes import ROUNDING, TAX, Cause, CauseSource
from ledger.chain import InvoiceRow, encode
from ledger.invoice import Subtotal, Tax, document_number
from ledger.journal import Account, JournalDraft, Posting
from ledger.tree import leaf_hash

DOCUMENT_POSTING_TAG = "tallystick.document-posting.1"


class Move(NamedTuple):
    """What a document moves beside its lines: an account's kind and subject, and how much."""

    kind: str
    subject: str
    amount_micro: int


def closing_moves(
    family: str, rounding_micro: int, taxes: Mapping[Tax, Subtotal], minor_unit_micro: int
) -> list[Move]:
    """Return what brings the participant's accounts to what the document says; + they owe more.

    Rounding goes against the market's account of the family, and tax against its account of the
    tax's category, by their letters.
    """
    of_category: defaultdict[str, int] = defaultdict(int)
    for tax, stated in sorted(taxes.items()):
        of_category[tax.category] += stated.tax_minor * minor_unit_micro
    moves = [
        Move(ROUNDING, family, rounding_micro),
        *(Move(TAX, category, micro) for category, micro in of_category.items()),
    ]
    return [move for move in moves if move.amount_micro]


def closing_journal(row: InvoiceRow, digest: bytes, taxes: Mapping[Tax, Subtotal]) -> JournalDraft:
    """Return the journal of a document's rounding and tax.

    It names no settlement day, so it is never billed itself.

    Args:
        row: the document.
        digest: of the document.
        taxes: what the document states of each tax.
    """
    name = document_number(row.series, row.number)
    family = row.series.removeprefix(f"{row.market}-")
    moves = closing_moves(family, row.rounding_micro, taxes, row.minor_unit_micro)
    postings = tuple(
        Posting(Account(row.market, row.currency, owner, move.kind, move.subject), amount)
        for move in moves
        for owner, amount in ((row.participant, move.amount_micro), (None, -move.amount_micro))
    )
    moved = [(posting.account.code, posting.amount) for posting in postings]
    return JournalDraft(
        key=name,
        market=row.market,
        settlement_day=None,
        run_id=None,
        run_kind=None,
        reason=f"Rounding and tax of {name}",
        input_digest=leaf_hash(encode(DOCUMENT_POSTING_TAG, (name, *moved))),
        cause=Cause(CauseSource.DOCUMENT, name, digest),
        postings=postings,
    )
