"""From results to journals: what a settled day moves in the ledger.

A day's journal holds money, energy and what pass-through charges count; each sums to zero:

    money    + charges of suppliers   - payments to owners   - equalisation   = 0
    energy   + metered demand  + losses  + imbalance  - metered generation    = 0
    charged  + Wh, days or pieces of suppliers  - the same, of the charges' owners  = 0

Losses and imbalance are the market's, by area where the rules account for areas; else there are no
losses, and one imbalance. Energy that Fair Play charges or compensates is stated beside it, each
kind against the market's own account of the kind.

An account's movement is the difference between what the run says and what is posted already, so a
later run of a day posts only what changed, and reverses what no longer holds.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ledger.causes import Cause, CauseSource
from ledger.chain import encode
from ledger.journal import ENERGY, Account, JournalDraft, Posting
from ledger.tree import leaf_hash
from settlement.billing.lines import (
    BOOKED,
    GENERATED,
    KIND_OF_MEASURE,
    KINDS_OF_QUANTITY,
    MONEY_SUFFIX,
    STATED_ENERGY,
    TAKEN,
    LineKind,
    Quantity,
    Side,
    Subject,
)
from settlement.core import energy_accounts
from settlement.core.booked import booking_and_point
from settlement.core.pass_through import charge_and_supplier
from settlement.rules.register import Register
from settlement.runs.results import VectorKey
from settlement.runs.run import Run

DAY_POSTING_TAG = "tallystick.day-posting.1"
EQUALISATION = "equalisation"
EQUALISATION_MEASURE = f"{EQUALISATION}{MONEY_SUFFIX}"
IMBALANCE = "imbalance"
LOSSES = "losses"
AREA_ACCOUNTS = {energy_accounts.LOSSES: LOSSES, energy_accounts.IMBALANCE: IMBALANCE}
"""The kind of energy account of each measure of an area that no participant's account states."""

STATED_MEASURES = (*AREA_ACCOUNTS, *(counted.measure for counted in STATED_ENERGY))
"""The energy among the results that journals move."""

MOVING_MEASURES = (MONEY_SUFFIX, *KINDS_OF_QUANTITY, *STATED_MEASURES)
"""What the measures of all results end with that journals move."""

MARKET_SUBJECT = "market"

_account = lru_cache(maxsize=100_000)(Account)
"""Makes each account once: the days of a year move the same few hundred."""


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
    totals: Mapping[VectorKey, int],
    day: dt.date,
    digest: bytes,
) -> SettledDay:
    """Return the amounts that a day comes to, by account; each commodity sums to zero.

    Args:
        market: the market of every account.
        currency: commodity of the money accounts.
        register: who answers for each unit and supply point.
        totals: the day's total of every metered vector, in Wh, and of every result that moves
            something: money in micro, quantities that are charged, energy that is stated; other
            measures move nothing.
        day: the settlement day.
        digest: the digest of the day's results.

    Raises:
        LookupError: a total is money, and no row of the catalogue of line kinds says whose.
    """
    amounts = _money(market, currency, register, totals) | _energy(market, register, totals)
    return SettledDay(day, digest, amounts | _charged(market, register, totals))


def _money(
    market: str, currency: str, register: Register, totals: Mapping[VectorKey, int]
) -> dict[Account, int]:
    amounts: dict[Account, int] = {}
    for (measure, entity), total in totals.items():
        if measure == EQUALISATION_MEASURE:
            amounts[_account(market, currency, None, EQUALISATION, entity)] = -total
        elif measure in KIND_OF_MEASURE:
            account = line_account(market, currency, register, measure, entity)
            amounts[account] = KIND_OF_MEASURE[measure].sign * total
        elif measure.endswith(MONEY_SUFFIX):
            raise LookupError(f"{measure}: no row of the catalogue of line kinds has this money")
    return amounts


def line_account(
    market: str, currency: str, register: Register, measure: str, entity: str
) -> Account:
    """Return the account of a participant that a result of `KIND_OF_MEASURE` moves.

    Raises:
        LookupError: nobody answers for the entity.
    """
    kind = KIND_OF_MEASURE[measure]
    participant, subject = _answers(register, kind, entity)
    return _account(market, currency, participant, kind.code, subject)


def _answers(register: Register, kind: LineKind, entity: str) -> tuple[str, str]:
    """Return the participant that a result of a kind of line falls on, and the line's subject."""
    if kind.subject is Subject.UNIT:
        return register.unit_owner(entity), entity
    if kind.subject in (Subject.SUPPLY_POINT, Subject.BOOKING):
        return register.supplier(kind.entity_of(entity)), entity
    if kind.side is Side.CHARGE:
        code, supplier = charge_and_supplier(entity)
        return supplier, code
    key = kind.charge_type, entity
    recipient = register.charge_recipient(key) if kind.is_paid_on else None
    return recipient or register.charge_owner(key), entity


def _energy(market: str, register: Register, totals: Mapping[VectorKey, int]) -> dict[Account, int]:
    amounts: dict[Account, int] = {}
    for (measure, entity), total in totals.items():
        if measure == GENERATED.measure and entity in register.units:
            owner = register.unit_owner(entity)
            amounts[_account(market, ENERGY, owner, GENERATED.account, entity)] = -total
        elif measure == TAKEN.measure and entity in register.supply_points:
            supplier = register.supplier(entity)
            amounts[_account(market, ENERGY, supplier, TAKEN.account, entity)] = total
    # Energy that no meter explains stands somewhere too, as each commodity sums to zero.
    amounts |= _of_areas(market, totals) or {
        _account(market, ENERGY, None, IMBALANCE, MARKET_SUBJECT): -sum(amounts.values())
    }
    for counted in STATED_ENERGY:
        stated = {
            _account(
                market, ENERGY, _supplier(register, counted, entity), counted.account, entity
            ): (total)
            for (measure, entity), total in totals.items()
            if measure == counted.measure
        }
        whole = _account(market, ENERGY, None, counted.account, MARKET_SUBJECT)
        amounts |= stated | ({whole: -sum(stated.values())} if stated else {})
    return amounts


def _supplier(register: Register, counted: Quantity, entity: str) -> str:
    return register.supplier(booking_and_point(entity)[1] if counted == BOOKED else entity)


def _of_areas(market: str, totals: Mapping[VectorKey, int]) -> dict[Account, int]:
    """Return the losses and the imbalance of each area; empty where there are no areas."""
    return {
        _account(market, ENERGY, None, AREA_ACCOUNTS[measure], area): total
        for (measure, area), total in totals.items()
        if measure in AREA_ACCOUNTS
    }


def _charged(
    market: str, register: Register, totals: Mapping[VectorKey, int]
) -> dict[Account, int]:
    """Return what suppliers are charged for, and the same as what owners are paid for."""
    amounts: defaultdict[Account, int] = defaultdict(int)
    for (measure, entity), total in totals.items():
        for kind, counted in KINDS_OF_QUANTITY.get(measure, ()):
            code, participant = charge_and_supplier(entity)
            if kind.side is Side.PAYMENT:
                participant = register.charge_owner((kind.component, code))
            account = _account(market, counted.commodity, participant, counted.account, code)
            amounts[account] += kind.sign * total
    return dict(amounts)


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
    # What was posted and no longer holds is wanted at 0, so it is reversed. Sorted, because the
    # journal's digest is over its postings in their order.
    for code in sorted(wanted.keys() | posted.keys()):
        account, amount = wanted.get(code) or (account_of(code), 0)
        difference = amount - posted.get(code, 0)
        if difference:
            postings.append(Posting(account, difference))
    # Drafted even where nothing moves: it marks the day as posted under this kind. The key names
    # no run, so whichever run of a kind is posted first is the only one.
    return JournalDraft(
        key=f"{run.market}:{day.day}:{run.kind}",
        market=run.market,
        settlement_day=day.day,
        run_id=run.id,
        run_kind=run.kind,
        reason=_reason(run.kind, day.day, bool(posted), bool(postings)),
        input_digest=posting_input_digest(run.id, day.day, day.digest),
        cause=Cause(CauseSource.RUN, str(run.id), run.digest),
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
