"""What is claimed of a line and what is upheld of a claim: an amount or a quantity, never both.

A claim is the part of the line that is wrong, always above zero and in the participant's favour:
it says by how much less a charge, or by how much more a payment, should be. In the ledger's sign,
where + is what the participant pays, a correction that meets a claim of 100 moves its account by
-100.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ledger.disputes.rules import DisputeRule

LONGEST_REASON = 4_000


@dataclass(frozen=True)
class Claim:
    """Either an amount in micro of the document's currency, or a quantity in the line's unit."""

    amount_micro: int | None = None
    quantity: int | None = None

    @property
    def is_whole_and_one(self) -> bool:
        """Whether it is one whole number above zero."""
        given = [claimed for claimed in (self.amount_micro, self.quantity) if claimed is not None]
        return len(given) == 1 and type(given[0]) is int and given[0] > 0

    def __str__(self) -> str:
        if self.amount_micro is not None and self.quantity is None:
            return f"{self.amount_micro} micro"
        if self.quantity is not None and self.amount_micro is None:
            return f"quantity {self.quantity}"
        return f"amount {self.amount_micro}, quantity {self.quantity}"


def claim_breaches(
    claim: Claim, line_micro: int, line_quantity: int | None
) -> Iterator[tuple[DisputeRule, str]]:
    """Yield the rules that a claim on a line breaks, with the value found."""
    if not claim.is_whole_and_one:
        yield DisputeRule.CLAIM_IS_MALFORMED, str(claim)
    elif claim.amount_micro is not None:
        if claim.amount_micro > abs(line_micro):
            yield DisputeRule.CLAIM_IS_ABOVE_LINE, f"{claim} of {abs(line_micro)} micro"
    elif claim.quantity is not None:
        stated = abs(line_quantity or 0)
        if claim.quantity > stated:
            yield DisputeRule.CLAIM_IS_ABOVE_LINE, f"{claim} of {stated}"


def award_breaches(award: Claim, claim: Claim) -> Iterator[tuple[DisputeRule, str]]:
    """Yield the rules that upholding `award` of a claim breaks, with the value found."""
    is_of_its_kind = award.is_whole_and_one and (award.quantity is None) == (claim.quantity is None)
    if not is_of_its_kind or _size(award) > _size(claim):
        yield DisputeRule.AWARD_IS_ABOVE_CLAIM, f"{award} of {claim}"


def reason_breaches(reason: str) -> Iterator[tuple[DisputeRule, str]]:
    """Yield the rule that a reason breaks: it is text that says something, of a bounded length."""
    if not reason.strip():
        yield DisputeRule.REASON_IS_MALFORMED, "no reason"
    elif len(reason) > LONGEST_REASON:
        yield DisputeRule.REASON_IS_MALFORMED, f"{len(reason):,} characters"
    elif "\0" in reason:
        yield DisputeRule.REASON_IS_MALFORMED, "a zero character"


def _size(claim: Claim) -> int:
    return claim.quantity or claim.amount_micro or 0
