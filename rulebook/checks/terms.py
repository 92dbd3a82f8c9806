"""Checks of settlement terms, and of bank accounts."""

from collections.abc import Iterator
from itertools import pairwise

from stdnum import iban

from common.refusals import Finding, shown
from rulebook.checks.in_force import InForce
from rulebook.checks.parts import repeated
from rulebook.documents import SettlementTerms


def iban_is_whole(number: str, place: str) -> Iterator[Finding]:
    """A bank account number has the length of its country and its check digits (ISO 13616)."""
    if not iban.is_valid(number):
        yield Finding(
            "iban-wrong",
            place,
            shown(number),
            "an IBAN has the length of its country and check digits that fit",
            "copy it from the account statement, without spaces",
        )


def operator_can_be_paid(terms: SettlementTerms, place: str) -> Iterator[Finding]:
    """The operator's bank account carries its own check digits."""
    yield from iban_is_whole(terms.operator.iban, f"{place}: operator.iban")


def levels_in_order(terms: SettlementTerms, place: str) -> Iterator[Finding]:
    """Each kind of exposure and each warning level stands once, and later levels begin higher."""
    yield from repeated(
        terms.credit.exposure, f"{place}: credit.exposure[{{}}]", "exposure-repeated"
    )
    levels = terms.credit.levels
    yield from repeated(
        [level.level for level in levels], f"{place}: credit.levels[{{}}].level", "level-repeated"
    )
    for position, (before, after) in enumerate(pairwise(levels), start=1):
        if after.from_ppm <= before.from_ppm:
            yield Finding(
                "levels-not-in-order",
                f"{place}: credit.levels[{position}].from_ppm",
                f"{after.from_ppm:_} ppm",
                f"it lies above the {before.from_ppm:_} ppm of level {before.level}",
                "order the levels by the share from which they are reached",
            )


def sealed_after_the_last_run(law: InForce) -> Iterator[Finding]:
    """A settlement day is not sealed before the last run of the calendar is due."""
    terms, rules = law.settlement_terms, law.market_rules
    if terms is None or rules is None:
        return
    last = rules.settlement_calendar[-1]
    if terms.sealed_after_days < last.lag_days:
        yield Finding(
            "sealed-before-last-run",
            f"{law.place(terms)}: sealed_after_days",
            f"{terms.sealed_after_days} days",
            f"run {last.run} of {law.place(rules)} is due {last.lag_days} days after the day",
            "seal later, or shorten the calendar",
        )


TERMS_CHECKS = (operator_can_be_paid, levels_in_order)
