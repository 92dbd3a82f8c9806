"""Checks of settlement terms, and of bank accounts."""

from collections.abc import Iterator
from itertools import pairwise

from stdnum import iban

from common.refusals import Finding, shown
from rulebook.checks.in_force import InForce
from rulebook.checks.parts import repeated
from rulebook.documents import Registration, SettlementTerms
from rulebook.documents.settlement_terms import Operator


def account_is_whole(holder: Operator | Registration, place: str) -> Iterator[Finding]:
    """An IBAN has the length of its country and its check digits (ISO 13616), and its end agrees.

    Args:
        place: of the holder, up to where its fields begin.
    """
    number, national = holder.iban, holder.national_account
    if number is None:
        return
    if not iban.is_valid(number):
        yield Finding(
            "iban-wrong",
            f"{place}iban",
            shown(number),
            "an IBAN has the length of its country and check digits that fit",
            "copy it from the account statement",
        )
    # In these countries an IBAN ends with sort code and number; elsewhere the parts are padded.
    elif national is not None and number[:2] in ("GB", "IE") and not number.endswith(national.key):
        yield Finding(
            "accounts-differ",
            f"{place}national_account",
            shown(national.printed),
            f"it is the account of the IBAN {number}",
            "correct the one that is wrong, or remove it",
        )


def operator_can_be_paid(terms: SettlementTerms, place: str) -> Iterator[Finding]:
    """The operator has a bank account, whose numbers are whole."""
    operator = terms.operator
    if not operator.account_names:
        yield Finding(
            "account-missing",
            f"{place}: operator.iban",
            "nothing",
            "the operator has a bank account that invoices are paid to",
            "state `iban`, or `national_account` where the account has none",
        )
    yield from account_is_whole(operator, f"{place}: operator.")


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
