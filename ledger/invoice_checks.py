"""What an invoice draft must keep before it becomes a document."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date

from common.currencies import BILLABLE
from common.quantities import ppm
from common.refusals import Finding, in_rule_order
from ledger.invoice import (
    OUTSIDE_SCOPE,
    PAYMENT_TERM_LIMIT_DAYS,
    PPM,
    QUALITIES,
    STANDARD,
    TAX_CATEGORIES,
    InvoiceDraft,
    InvoiceLine,
)
from ledger.journal import INT64_MAX, is_digest, is_name
from ledger.parties import BUYER, SELLER, party_breaches
from ledger.rules import LedgerRule


def check_invoices(drafts: Sequence[InvoiceDraft]) -> list[Finding]:
    """Return every breach in a batch of drafts, in rule order; an empty list means none."""
    found = [finding for draft in drafts for finding in _draft_findings(draft)]
    keys = Counter(
        (
            draft.market,
            draft.participant,
            draft.billing_month,
            draft.family,
            draft.currency,
            draft.is_outside_scope,
        )
        for draft in drafts
    )
    found += [
        LedgerRule.DRAFT_IS_REPEATED.finding(place_of(market, participant, month), str(family))
        for (market, participant, month, family, *_), count in keys.items()
        if count > 1
    ]
    return in_rule_order(found)


def place_of(market: str, participant: str, billing_month: date) -> str:
    """Return how a refusal names a draft."""
    return f"invoice of {participant} in {market} for {billing_month:%Y-%m}"


def _draft_findings(draft: InvoiceDraft) -> Iterator[Finding]:
    place = place_of(draft.market, draft.participant, draft.billing_month)
    for name, part in (("market", draft.market), ("participant", draft.participant)):
        if not is_name(part):
            yield LedgerRule.NAME_IS_MALFORMED.finding(place, f"{name} {part!r}")
    if draft.billing_month.day != 1:
        yield LedgerRule.MONTH_IS_MALFORMED.finding(place, str(draft.billing_month))
    if draft.currency not in BILLABLE:
        yield LedgerRule.CURRENCY_IS_UNKNOWN.finding(place, draft.currency)
    if not 0 <= draft.payment_term_days <= PAYMENT_TERM_LIMIT_DAYS:
        value = f"{draft.payment_term_days} days"
        yield LedgerRule.PAYMENT_TERM_IS_OUT_OF_RANGE.finding(place, value)
    for side, party in ((SELLER, draft.seller), (BUYER, draft.buyer)):
        for value in party_breaches(side, party):
            yield LedgerRule.PARTY_IS_INCOMPLETE.finding(place, value)
    categories = {line.tax.category for line in draft.lines}
    if OUTSIDE_SCOPE in categories and len(categories) > 1:
        value = f"categories {', '.join(sorted(categories))}"
        yield LedgerRule.TAX_STANDS_ALONE.finding(place, value)
    for number, line in enumerate(draft.lines, start=1):
        for rule, value in _line_breaches(line):
            yield rule.finding(f"{place}, line {number}", value)


def _line_breaches(line: InvoiceLine) -> Iterator[tuple[LedgerRule, str]]:
    for name, part in (("kind", line.kind), ("subject", line.subject)):
        if not is_name(part):
            yield LedgerRule.NAME_IS_MALFORMED, f"{name} {part!r}"
    if not line.description.strip() or (line.quantity is None) != (line.quantity_unit is None):
        value = f"{line.description!r}, quantity {line.quantity} {line.quantity_unit}"
        yield LedgerRule.LINE_IS_INCOMPLETE, value
    category, rate_ppm = line.tax
    rate_limit = PPM if category == STANDARD else 0
    if category not in TAX_CATEGORIES or not 0 <= rate_ppm <= rate_limit:
        yield LedgerRule.TAX_IS_UNKNOWN, f"category {category}, rate {ppm(rate_ppm)}"
    if not line.tax_note.strip():
        yield LedgerRule.LINE_IS_INCOMPLETE, "tax_note is empty"
    is_metered = line.quantity is not None and line.quality != "none"
    if line.quality not in QUALITIES or (line.estimated_quantity is not None and not is_metered):
        value = f"quality {line.quality!r}, estimated quantity {line.estimated_quantity}"
        yield LedgerRule.QUALITY_IS_UNKNOWN, value
    for name in ("amount_micro", "quantity", "estimated_quantity"):
        number = getattr(line, name)
        if name != "amount_micro" and number is None:
            continue
        if type(number) is not int:  # a bool, a float or a numpy scalar
            yield LedgerRule.AMOUNT_IS_NOT_AN_INTEGER, f"{name} {number!r}"
        elif abs(number) > INT64_MAX:
            yield LedgerRule.AMOUNT_IS_OUT_OF_RANGE, f"{name} {number}"
    for digest in line.rule_digests:
        if not is_digest(digest):
            yield LedgerRule.DIGEST_IS_MALFORMED, f"rule digest {digest!r}"
