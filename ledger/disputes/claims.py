"""What is claimed of a line and what is upheld of a claim: an amount or a quantity, never both.

A claim is the part of the line that is wrong, always above zero and in the participant's favour:
it says by how much less a charge, or by how much more a payment, should be. In the ledger's sign,
where + is what the participant pays, a correction that meets a claim of 100 moves its account by
-100.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from common.quantities import quantity, with_unit
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

    def in_words(self, currency: str, unit: str | None) -> str:
        """Return what is claimed as people read it.

        >>> Claim(quantity=1_500).in_words("GBP", "Wh"), Claim(12_340_000).in_words("GBP", None)
        ('1.5\xa0kWh', '£12.34')
        """
        given = []
        if self.amount_micro is not None:
            given.append(with_unit(self.amount_micro, "micro", currency))
        if self.quantity is not None:
            given.append(quantity(self.quantity, unit or ""))
        return " and ".join(given) or "nothing"


def claim_breaches(
    claim: Claim, line_micro: int, line_quantity: int | None, currency: str, unit: str | None
) -> Iterator[tuple[DisputeRule, str]]:
    """Yield the rules that a claim on a line breaks, with the value found, in people's units."""
    found = claim.in_words(currency, unit)
    if not claim.is_whole_and_one:
        yield DisputeRule.CLAIM_IS_MALFORMED, found
    elif claim.amount_micro is not None:
        if claim.amount_micro > abs(line_micro):
            stated = Claim(abs(line_micro)).in_words(currency, unit)
            yield DisputeRule.CLAIM_IS_ABOVE_LINE, f"{found} of {stated}"
    elif line_quantity is None:
        yield DisputeRule.CLAIM_IS_ABOVE_LINE, f"{found} of a line that states no quantity"
    elif claim.quantity is not None and claim.quantity > abs(line_quantity):
        stated = Claim(quantity=abs(line_quantity)).in_words(currency, unit)
        yield DisputeRule.CLAIM_IS_ABOVE_LINE, f"{found} of {stated}"


def award_breaches(
    award: Claim, claim: Claim, currency: str, unit: str | None
) -> Iterator[tuple[DisputeRule, str]]:
    """Yield the rules that upholding `award` of a claim breaks, with the value found, in words."""
    is_of_its_kind = award.is_whole_and_one and (award.quantity is None) == (claim.quantity is None)
    if not is_of_its_kind or _size(award) > _size(claim):
        yield (
            DisputeRule.AWARD_IS_ABOVE_CLAIM,
            (f"{award.in_words(currency, unit)} of {claim.in_words(currency, unit)}"),
        )


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
