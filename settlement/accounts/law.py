"""The settlement terms of a market, without which nothing here can be said."""

import datetime as dt

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from ledger.payments.import_file import BankAccount
from rulebook.documents import SettlementTerms
from rulebook.law import rules_at
from rulebook.resolve import RuleSet


def terms_of(rules: RuleSet) -> SettlementTerms:
    """Return the settlement terms of a rule set.

    Raises:
        Refused: it has none.
    """
    if rules.settlement_terms is None:
        raise Refused(
            [
                Finding(
                    "terms-missing",
                    f"{rules.market}/settlement-terms",
                    f"nothing in force at {rules.effective}",
                    "payments, interest and cover rest on settlement terms",
                    "publish the settlement terms for a validity that holds that moment",
                )
            ]
        )
    return rules.settlement_terms


def bank_account(session: Session, market: str, now: dt.datetime) -> BankAccount:
    """Return the account that a market is paid through, and who registered which account.

    Raises:
        Refused: the market has no law, or no settlement terms, at this moment.
    """
    rules = rules_at(session, market, now, now)
    owners: dict[str, frozenset[str]] = {}
    for registration in rules.registrations:
        for name in registration.account_names:
            owners[name] = owners.get(name, frozenset()) | {registration.participant}
    number, *others = terms_of(rules).operator.account_names
    return BankAccount(market, number, rules.market_rules.currency, owners, frozenset(others))
