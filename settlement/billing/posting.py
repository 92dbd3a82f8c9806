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

from ledger.chain import encode
from ledger.journal import CHARGED, ENERGY, Account, JournalDraft, Posting
from ledger.tree import leaf_hash
from settlement.core import energy_accounts
from settlement.core.pass_through import QUANTITY_UNITS
from settlement.meters import register as meter_register
from settlement.rules.register import Register
from settlement.runs.results import VectorKey
from settlement.runs.run import Run

DAY_POSTING_TAG = "tallystick.day-posting.1"
CHARGE = "charge."
PAYMENT = "payment."
EQUALISATION = "equalisation"
GENERATION = "generation"
DEMAND = "demand"
IMBALANCE = "imbalance"
LOSSES = "losses"
AREA_ACCOUNTS = {energy_accounts.LOSSES: LOSSES, energy_accounts.IMBALANCE: IMBALANCE}
"""The kind of energy account of each measure of an area that no participant's account states."""

FAIR_PLAY_ENERGY = {"charge.over_take": "over_take", "charge.compensation": "missed"}
"""The kind of energy account beside each charge of Fair Play."""
MARKET_SUBJECT = "market"
MONEY_SUFFIX = "_micro"
ENERGY_SUFFIX = "_wh"
PASS_THROUGH = tuple(f"{prefix}{kind}" for kind in QUANTITY_UNITS for prefix in (CHARGE, PAYMENT))
"""Kinds of account whose subject is the code of a charge."""

CHARGED_UNIT = dict(zip(QUANTITY_UNITS, CHARGED, strict=True))
"""What a kind of pass-through charge counts, in the unit that invoices print."""

QUANTITY_KINDS = {f"quantity.{kind}_{unit}": kind for kind, unit in QUANTITY_UNITS.items()}
"""The kind of pass-through charge whose quantity a measure holds."""


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
    sums: Mapping[VectorKey, int],
    energy_wh: Mapping[VectorKey, int],
    day: dt.date,
    digest: bytes,
) -> SettledDay:
    """Return the amounts that a day comes to, by account; each commodity sums to zero.

    Args:
        market: the market of every account.
        currency: commodity of the money accounts.
        register: who answers for each unit and supply point.
        sums: the day's total of every charge, payment and equalisation vector, in micro, and of
            every quantity that is charged.
        energy_wh: the day's total of every metered vector, and of the over-take and missed energy
            among the results.
        day: the settlement day.
        digest: the digest of the day's results.
    """
    amounts = _money(market, currency, register, sums) | _energy(market, register, energy_wh)
    return SettledDay(day, digest, amounts | _charged(market, register, sums))


def _money(
    market: str, currency: str, register: Register, sums: Mapping[VectorKey, int]
) -> dict[Account, int]:
    amounts: dict[Account, int] = {}
    for (measure, entity), total in sums.items():
        kind = measure.removesuffix(MONEY_SUFFIX)
        if kind in PASS_THROUGH:
            code, _, supplier = entity.partition("/")
            sign = 1 if supplier else -1
            participant = supplier or register.charge_owner(code)
            amounts[Account(market, currency, participant, kind, code)] = sign * total
        elif kind.startswith(CHARGE):
            amounts[Account(market, currency, register.supplier(entity), kind, entity)] = total
        elif kind.startswith(PAYMENT):
            amounts[Account(market, currency, register.unit_owner(entity), kind, entity)] = -total
        elif kind == EQUALISATION:
            amounts[Account(market, currency, None, kind, entity)] = -total
    return amounts


def _energy(
    market: str, register: Register, energy_wh: Mapping[VectorKey, int]
) -> dict[Account, int]:
    amounts: dict[Account, int] = {}
    for (measure, entity), total in energy_wh.items():
        if measure == meter_register.GENERATION and entity in register.units:
            owner = register.unit_owner(entity)
            amounts[Account(market, ENERGY, owner, GENERATION, entity)] = -total
        elif measure == meter_register.DEMAND and entity in register.supply_points:
            supplier = register.supplier(entity)
            amounts[Account(market, ENERGY, supplier, DEMAND, entity)] = total
    amounts |= _of_areas(market, energy_wh) or {
        Account(market, ENERGY, None, IMBALANCE, MARKET_SUBJECT): -sum(amounts.values())
    }
    for kind in FAIR_PLAY_ENERGY.values():
        stated = {
            Account(market, ENERGY, register.supplier(entity), kind, entity): total
            for (measure, entity), total in energy_wh.items()
            if measure == f"{kind}{ENERGY_SUFFIX}"
        }
        whole = Account(market, ENERGY, None, kind, MARKET_SUBJECT)
        amounts |= stated | ({whole: -sum(stated.values())} if stated else {})
    return amounts


def _of_areas(market: str, energy_wh: Mapping[VectorKey, int]) -> dict[Account, int]:
    """Return the losses and the imbalance of each area; empty where there are no areas."""
    return {
        Account(market, ENERGY, None, AREA_ACCOUNTS[measure], area): total
        for (measure, area), total in energy_wh.items()
        if measure in AREA_ACCOUNTS
    }


def _charged(market: str, register: Register, sums: Mapping[VectorKey, int]) -> dict[Account, int]:
    """Return what suppliers are charged for, and the same as what owners are paid for."""
    amounts: defaultdict[Account, int] = defaultdict(int)
    for (measure, entity), total in sums.items():
        if measure not in QUANTITY_KINDS:
            continue
        kind = QUANTITY_KINDS[measure]
        code, _, supplier = entity.partition("/")
        commodity, owner = CHARGED[CHARGED_UNIT[kind]], register.charge_owner(code)
        amounts[Account(market, commodity, supplier, f"{CHARGE}{kind}", code)] += total
        amounts[Account(market, commodity, owner, f"{PAYMENT}{kind}", code)] -= total
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
