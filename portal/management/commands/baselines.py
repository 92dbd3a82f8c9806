"""`manage.py baselines MARKET --month 2024-01`: the settled month beside three other designs."""

from collections.abc import Iterable, Iterator
from typing import Any

from database.session import transaction
from portal.management.arguments import JSON, MARKET, PERIOD
from portal.management.base import BaseCommand, Options, table_row
from portal.study_figures import carbon_not_stated
from settlement.baselines.carbon import Carbon
from settlement.baselines.comparison import Baselines, compare_baselines
from settlement.baselines.designs import BASELINES, Design
from settlement.baselines.totals import PartyTotal, Totals
from settlement.billing.lines import Side

MICRO = 1_000_000
NAME, COLUMN = 40, 20


class Command(BaseCommand[Baselines]):
    help = (
        "Show what participants paid and were paid by product, beside nodal marginal pricing, "
        "uniform marginal pricing and a flat tariff on the same readings. Each of these serves in "
        "its own way what the network can, and bills what it serves alone. The latest run that "
        "covers the days says what was settled; nothing is stored."
    )
    takes = (MARKET, PERIOD, JSON)

    def run(self, options: Options) -> Baselines:
        with transaction() as session:
            return compare_baselines(session, options.market, options.first_day, options.last_day)

    def as_json(self, outcome: Baselines, options: Options) -> Any:
        return {
            "market": outcome.run.market,
            "run": outcome.run.id,
            "first_day": outcome.first_day,
            "last_day": outcome.last_day,
            "flat_price_micro_per_mwh": outcome.totals.flat_price_micro_per_mwh,
            "asked_wh": outcome.totals.asked_wh,
            "totals": {design.value: _totals(outcome.totals, design) for design in Design},
            "parties": [
                {
                    "side": party.side,
                    "participant": party.participant,
                    "product": party.product,
                    **({"asked_wh": party.asked_wh} if party.side == Side.CHARGE else {}),
                    **{f"{design.value}_wh": wh for design, wh in party.energy_wh.items()},
                    **{
                        f"{design.value}_micro": amount
                        for design, amount in party.amount_micro.items()
                    },
                }
                for party in outcome.totals.parties
            ],
        }

    def lines(self, outcome: Baselines, options: Options) -> Iterator[str]:
        """Yield tables in whole units of the currency and MWh; JSON has the exact amounts."""
        days = f"{outcome.first_day} to {outcome.last_day}"
        totals = outcome.totals
        yield f"{outcome.run.market}, {days}, beside run {outcome.run.id}"
        yield table_row("billed and paid", (design.value for design in Design), NAME, COLUMN)
        for party in totals.parties:
            yield _row(_name_of(party), (party.amount_micro[design] for design in Design))
        for side in Side:
            yield _row(f"all {side.value}s", (totals.of(side, design) for design in Design))
        yield table_row("MWh generated and served", (d.value for d in Design), NAME, COLUMN)
        for party in totals.parties:
            yield _row(_name_of(party), (party.energy_wh[design] for design in Design))
        yield _row("all generated", (totals.energy_wh(Side.PAYMENT, d) for d in Design))
        yield _row("all served", (totals.energy_wh(Side.CHARGE, d) for d in Design))
        carbon = (_tonnes(totals.carbon[design]) for design in Design)
        yield table_row("t of carbon dioxide equivalent", carbon, NAME, COLUMN)
        not_stated = (totals.carbon[design].not_stated for design in Design)
        if words := carbon_not_stated(set().union(*not_stated)):
            yield words
        yield from _not_billed(outcome)


def _totals(totals: Totals, design: Design) -> dict[str, Any]:
    return {
        "payments_micro": totals.of(Side.PAYMENT, design),
        "charges_micro": totals.of(Side.CHARGE, design),
        "generated_wh": totals.energy_wh(Side.PAYMENT, design),
        "served_wh": totals.energy_wh(Side.CHARGE, design),
        "not_billed_micro": totals.not_billed_micro.get(design),
        **totals.carbon[design].as_json(),
    }


def _name_of(party: PartyTotal) -> str:
    return f"{party.side.value:<8} {party.participant} {party.product}"


def _row(name: str, millionths: Iterable[int]) -> str:
    """Return amounts in whole units of the currency, or energy in whole MWh, rounded down."""
    return table_row(name, (f"{each // MICRO:,}" for each in millionths), NAME, COLUMN)


def _tonnes(carbon: Carbon) -> str:
    return "-" if carbon.grams is None else f"{carbon.grams // MICRO:,}"


def _not_billed(outcome: Baselines) -> Iterator[str]:
    """Yield in words what of a bill is left out because it is not served."""
    totals = outcome.totals
    for design in BASELINES:
        short_wh = totals.asked_wh - totals.energy_wh(Side.CHARGE, design)
        if short_wh <= 0:
            continue
        asked = _mwh(totals.asked_wh)
        words = f"{design.value}: of {asked} asked for, {_mwh(short_wh)} are not served"
        micro = totals.not_billed_micro.get(design)
        if micro is None:
            yield f"{words}, and bear nothing of the payments."
        else:
            yield f"{words}, and not billed: at its prices they would cost {micro // MICRO:,} more."


def _mwh(wh: int) -> str:
    return f"{wh // MICRO:,} MWh"
