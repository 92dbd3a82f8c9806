"""`manage.py credit MARKET [--at MOMENT]`: exposure of every participant to its cover."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from common.quantities import ppm
from database.session import transaction
from portal.amounts import money_exact
from portal.management.arguments import AT, JSON, MARKET
from portal.management.base import BaseCommand, Options, table_row
from settlement.accounts.credit import Credit
from settlement.accounts.credit_report import CreditReport, credit_report

NAME, COLUMN = 24, 26


class Command(BaseCommand[CreditReport]):
    help = (
        "Print what each participant owes against the cover lodged in its registration, by the "
        "settlement terms: exposure, cover, level reached, headroom. Derived from the ledger at "
        "any moment."
    )
    takes = (MARKET, AT, JSON)

    def run(self, options: Options) -> CreditReport:
        with transaction() as session:
            return credit_report(session, options.market, options.at or options.now)

    def as_json(self, outcome: CreditReport, options: Options) -> Any:
        return {
            "market": outcome.market,
            "at": outcome.at,
            "currency": outcome.currency,
            "participants": [_credit_as_json(credit) for credit in outcome.credits],
        }

    def lines(self, outcome: CreditReport, options: Options) -> Iterator[str]:
        heads = table_row("participant", ("exposure", "cover", "headroom"), NAME, COLUMN)
        yield f"{heads}  level"
        for credit in outcome.credits:
            amounts = (credit.exposure_micro, credit.cover_micro, credit.headroom_micro)
            cells = (money_exact(micro, outcome.currency) for micro in amounts)
            row = table_row(credit.participant, cells, NAME, COLUMN)
            yield f"{row}  {level_in_words(credit)}"


def level_in_words(credit: Credit) -> str:
    """Return the level that a participant reached, and the share of its cover that is used."""
    used = "no cover" if credit.used_ppm is None else f"{ppm(credit.used_ppm)} of its cover"
    level = credit.level
    return f"{level.level}: {level.title} ({used})" if level else f"within ({used})"


def _credit_as_json(credit: Credit) -> dict[str, Any]:
    return {
        "participant": credit.participant,
        "unpaid_micro": credit.unpaid_micro,
        "unbilled_micro": credit.unbilled_micro,
        "exposure_micro": credit.exposure_micro,
        "cover_micro": credit.cover_micro,
        "lodged": [dataclasses.asdict(each) for each in credit.lodged],
        "headroom_micro": credit.headroom_micro,
        "level": credit.level.level if credit.level else None,
    }
