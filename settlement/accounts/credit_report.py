"""The credit of every participant at a moment, under the terms then in force."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.orm import Session

from ledger.payments.account_queries import standings
from rulebook.documents.settlement_terms import CreditTerms
from rulebook.law import rules_at
from settlement.accounts.credit import Credit, credits_of
from settlement.accounts.law import terms_of


@dataclass(frozen=True)
class CreditReport:
    """The credit of every participant of a market at a moment, by the terms then in force."""

    market: str
    at: dt.datetime
    currency: str
    terms: CreditTerms
    credits: tuple[Credit, ...]


def credit_report(session: Session, market: str, at: dt.datetime) -> CreditReport:
    """Return exposure, cover and level of every participant at a moment, as was known then.

    Raises:
        Refused: the market had no law, or no settlement terms, at that moment.
    """
    rules = rules_at(session, market, at, at)
    terms, currency = terms_of(rules).credit, rules.market_rules.currency
    found = standings(session, market, at)
    of_currency = {
        name: standing for (name, commodity), standing in found.items() if commodity == currency
    }
    registrations = {registration.participant: registration for registration in rules.registrations}
    credits_ = credits_of(registrations, of_currency, terms)
    return CreditReport(market, at, currency, terms, tuple(credits_))
