"""Payments and credit of a market under its law, which says whose account, and what counts."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.orm import Session

import ledger.payments.service
from ledger.payments.account_queries import standings
from ledger.payments.service import Imported
from rulebook.documents.settlement_terms import CreditTerms
from rulebook.service import rules_at
from settlement.accounts.credit import Credit, credits_of
from settlement.accounts.law import bank_account, terms_of


def import_statements(
    session: Session,
    market: str,
    name: str,
    content: bytes,
    *,
    received_by: str,
    now: dt.datetime,
) -> Imported:
    """Import a bank's camt.053 file; see `ledger.payments.service.import_file`.

    Args:
        name: of the file.
        received_by: the person or the process that imports it.

    Raises:
        Refused: the market has no settlement terms at this moment.
        ledger.refusals.LedgerRefused: the file or a statement in it breaks a rule.
    """
    account = bank_account(session, market, now)
    return ledger.payments.service.import_file(
        session, account, name, content, received_by=received_by, now=now
    )


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
    of_currency = {name: one for (name, commodity), one in found.items() if commodity == currency}
    registrations = {one.participant: one for one in rules.registrations}
    credits_ = credits_of(registrations, of_currency, terms)
    return CreditReport(market, at, currency, terms, tuple(credits_))
