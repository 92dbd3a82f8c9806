"""From results to journals: what a settled day moves in the ledger.

A day's journal holds money and energy, and each sums to zero:

    money    + charges of suppliers   - payments to owners   - equalisation   = 0
    energy   + metered demand         - metered generation   - imbalance      = 0

An account's movement is the difference between what the run says and what is posted already, so a
later run of a day posts only what changed, and reverses what no longer holds.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger.chain import encode
from ledger.journal import ENERGY, Account, JournalDraft, Posting
from ledger.tree import leaf_hash
from settlement.compile import Register
from settlement.core.engine import DayReadings, DayResult
from settlement.runs import Run

DAY_POSTING_TAG = "tallystick.day-posting.1"
CHARGE = "charge."
PAYMENT = "payment."
EQUALISATION = "equalisation"
GENERATION = "generation"
DEMAND = "demand"
IMBALANCE = "imbalance"
MARKET_SUBJECT = "market"


@dataclass(frozen=True)
class SettledDay:
    """What the ledger needs to know of a settled day: the sum of each account."""

    day: dt.date
    digest: bytes
    amounts: Mapping[Account, int]


def settled_day(
    market: str,
    currency: str,
    register: Register,
    readings: DayReadings,
    result: DayResult,
    digest: bytes,
) -> SettledDay:
    """Return the amounts that a day's results come to, by account; money and energy sum to zero."""
    amounts = _money(market, currency, register, result)
    amounts |= _energy(market, register, readings)
    return SettledDay(result.day, digest, amounts)


def _money(market: str, currency: str, register: Register, result: DayResult) -> dict[Account, int]:
    amounts: dict[Account, int] = {}
    for table in result.tables:
        kind = table.measure.removesuffix("_micro")
        sums = [int(total) for total in table.values.sum(axis=1)]
        if kind.startswith(CHARGE):
            for point, total in zip(table.entities, sums, strict=True):
                amounts[Account(market, currency, register.supplier(point), kind, point)] = total
        elif kind.startswith(PAYMENT):
            for unit, total in zip(table.entities, sums, strict=True):
                amounts[Account(market, currency, register.unit_owner(unit), kind, unit)] = -total
        elif kind == EQUALISATION:
            amounts[Account(market, currency, None, EQUALISATION, MARKET_SUBJECT)] = -sum(sums)
    return amounts


def _energy(market: str, register: Register, readings: DayReadings) -> dict[Account, int]:
    generation = [-int(total) for total in readings.generation_wh.sum(axis=1)]
    demand = [int(total) for total in readings.demand_wh.sum(axis=1)]
    imbalance = Account(market, ENERGY, None, IMBALANCE, MARKET_SUBJECT)
    return {
        **{
            Account(market, ENERGY, register.unit_owner(unit), GENERATION, unit): total
            for unit, total in zip(register.units, generation, strict=True)
        },
        **{
            Account(market, ENERGY, register.supplier(point), DEMAND, point): total
            for point, total in zip(register.supply_points, demand, strict=True)
        },
        imbalance: -(sum(generation) + sum(demand)),
    }


def draft_journals(
    run: Run, days: Sequence[SettledDay], posted: Mapping[tuple[dt.date, str], int]
) -> list[JournalDraft]:
    """Return one journal a day: the difference from what is posted.

    Args:
        run: the run that settled the days.
        days: its days, earliest first.
        posted: the sum of earlier journals by settlement day and account code.
    """
    posted_by_day: dict[dt.date, dict[str, int]] = {day.day: {} for day in days}
    for (day, code), amount in posted.items():
        if day in posted_by_day and amount:
            posted_by_day[day][code] = amount
    return [_draft(run, day, posted_by_day[day.day]) for day in days]


def _draft(run: Run, day: SettledDay, posted: Mapping[str, int]) -> JournalDraft:
    wanted = {account.code: (account, amount) for account, amount in day.amounts.items()}
    postings = []
    for code in sorted(wanted.keys() | posted.keys()):
        account, amount = wanted.get(code) or (account_of(code), 0)
        difference = amount - posted.get(code, 0)
        if difference:
            postings.append(Posting(account, difference))
    return JournalDraft(
        key=f"{run.market}:{day.day}:{run.kind}",
        market=run.market,
        settlement_day=day.day,
        run_id=run.id,
        run_kind=run.kind,
        reason=_reason(run.kind, day.day, bool(posted), bool(postings)),
        input_digest=posting_input_digest(run.id, day.day, day.digest),
        postings=tuple(postings),
    )


def posting_input_digest(run_id: uuid.UUID, day: dt.date, digest: bytes) -> bytes:
    """Return what identifies the input of a day's journal: the run and the day's results."""
    return leaf_hash(encode(DAY_POSTING_TAG, (run_id, day, digest)))


def account_of(code: str) -> Account:
    """Return the account that a code names.

    >>> account_of("gb12:GBP:-:equalisation:market").participant is None
    True
    """
    market, commodity, participant, kind, subject = code.split(":")
    return Account(market, commodity, None if participant == "-" else participant, kind, subject)


def _reason(kind: str, day: dt.date, is_later: bool, moves: bool) -> str:
    if not is_later:
        return f"Settlement {kind} of {day}"
    if moves:
        return f"Settlement {kind} of {day}: difference from what was posted before"
    return f"Settlement {kind} of {day}: no difference from what was posted before"
