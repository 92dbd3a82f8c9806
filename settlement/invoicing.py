"""From ledger to invoice drafts: what a participant is billed for a month, line by line.

A line is one money account of the participant: a charge of a supply point or a payment for a unit.
Its amount is what the month's journals moved on that account less what earlier documents billed,
and its quantity is the same difference on the energy account beside it, so a document after a
later run holds differences only. Clauses and rule digests say which law made the line.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ledger.invoice import Family, InvoiceDraft, InvoiceLine
from ledger.journal import ENERGY
from rulebook.documents.base import Document
from rulebook.service import RuleSet
from settlement.compile import Register, register_of
from settlement.posting import CHARGE, DEMAND, GENERATION, PAYMENT, account_of

Item = TypeVar("Item")

AccountKey = tuple[str, str, str]
"""Participant, kind and subject."""

POT_TITLES = {
    "adequacy": "adequacy pot (serving the whole market's demand)",
    "location": "location pot (serving demand through the network)",
}
COMPONENT_TITLES = {
    "fuel": "fuel, as bid",
    "regulated": "regulated recovery of capital and fixed cost",
    **POT_TITLES,
}

GOVERNING_FIELDS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "charge.fuel": (
        ("registration", "units.offer_micro_per_mwh"),
        ("allocation-policy", "charging.mode"),
    ),
    "charge.regulated": (
        ("allocation-policy", "regulated_technologies"),
        ("allocation-policy", "charging.mode"),
    ),
    "charge.dynamic": (
        ("market-rules", "layers.curve"),
        ("market-rules", "price_cap_micro_per_mwh"),
        ("allocation-policy", "charging.mode"),
    ),
    "payment.fuel": (("registration", "units.offer_micro_per_mwh"),),
    "payment.regulated": (
        ("allocation-policy", "regulated_technologies"),
        ("registration", "units.annual_capital_micro"),
        ("registration", "units.annual_fixed_micro"),
    ),
}
POT_FIELDS = (
    ("allocation-policy", "target.rule"),
    ("allocation-policy", "pots.weight_ppm"),
    ("allocation-policy", "pots.timing"),
    ("allocation-policy", "shapley.method"),
)
"""Fields of documents that govern a line, by kind; a pot's lines rest on `POT_FIELDS`."""


@dataclass(frozen=True)
class Month:
    """What is posted for a month and what earlier documents billed, by account.

    Attributes:
        posted: sum of the month's journals by account code.
        billed_micro: sum of billed lines by participant, kind and subject.
        billed_energy_wh: the quantity of those lines.
    """

    market: str
    billing_month: dt.date
    currency: str
    posted: Mapping[str, int]
    billed_micro: Mapping[AccountKey, int]
    billed_energy_wh: Mapping[AccountKey, int]


def draft_invoices(
    month: Month, periods: Sequence[RuleSet], run_id: uuid.UUID, payment_term_days: int
) -> list[InvoiceDraft]:
    """Return a draft for every participant that has something to be billed for the month.

    Args:
        month: what is posted, and what is billed already.
        periods: the rules of the month, earliest first; the last one names and taxes.
        run_id: the latest run that the month rests on.
        payment_term_days: days from issue to payment.
    """
    registers = [register_of(rules.registrations) for rules in periods]
    lines: defaultdict[tuple[str, Family], list[InvoiceLine]] = defaultdict(list)
    for (participant, kind, subject), amount in sorted(_unbilled(month).items()):
        family = Family.INVOICE if kind.startswith(CHARGE) else Family.SELF_BILLED
        energy_wh = _energy(month, participant, kind, subject)
        if amount or energy_wh:
            lines[participant, family].append(
                InvoiceLine(
                    kind=kind,
                    subject=subject,
                    description=_described(registers, kind, subject),
                    quantity=energy_wh,
                    quantity_unit=None if energy_wh is None else "Wh",
                    amount_micro=amount,
                    clauses=clauses_of(rules, participant, kind),
                    rule_digests=tuple(
                        digests[instrument] for instrument in _instruments(rules, participant, kind)
                    ),
                )
            )
    tax = periods[-1].market_rules.tax
    return [
        InvoiceDraft(
            market=month.market,
            participant=participant,
            billing_month=month.billing_month,
            family=family,
            currency=month.currency,
            run_id=run_id,
            payment_term_days=payment_term_days,
            tax_category=tax.category,
            tax_rate_ppm=tax.rate_ppm,
            lines=tuple(of_family),
        )
        for (participant, family), of_family in sorted(lines.items())
    ]


def month_sums(balances: Mapping[tuple[dt.date, str], int]) -> dict[str, int]:
    """Return the sum over days of each account."""
    sums: defaultdict[str, int] = defaultdict(int)
    for (_, code), amount in balances.items():
        sums[code] += amount
    return dict(sums)


def describe(register: Register, kind: str, subject: str) -> str:
    """Return the sentence that an invoice line prints."""
    component = kind.partition(".")[2]
    if kind.startswith(PAYMENT):
        unit = register.units[subject][1]
        return f"{unit.title}: {COMPONENT_TITLES[component]}"
    point = register.supply_points[subject][1]
    if component == "dynamic":
        return f"{point.title}: energy at the price of node {point.node}"
    return f"{point.title}: share of {COMPONENT_TITLES[component]}"


def clauses_of(rules: RuleSet, participant: str, kind: str) -> tuple[str, ...]:
    """Return the anchors of the clauses that govern a kind of line, in the order of its fields."""
    documents = _documents(rules, participant)
    anchors = [
        anchor
        for document, field in governing_fields(kind)
        if document in documents
        for anchor in documents[document].clauses_governing(field)
    ]
    return tuple(dict.fromkeys(anchors))


def governing_fields(kind: str) -> tuple[tuple[str, str], ...]:
    """Return the document kinds and field paths that govern a kind of line."""
    if kind in GOVERNING_FIELDS:
        return GOVERNING_FIELDS[kind]
    if kind.startswith(CHARGE):
        return (*POT_FIELDS, ("allocation-policy", "charging.mode"))
    return POT_FIELDS


def _documents(rules: RuleSet, participant: str) -> dict[str, Document]:
    own = [one for one in rules.registrations if one.participant == participant]
    return {
        "market-rules": rules.market_rules,
        "allocation-policy": rules.allocation_policy,
        **({"registration": own[0]} if own else {}),
    }


def _rule_digests(rules: RuleSet, participant: str, kind: str) -> tuple[bytes, ...]:
    documents = _documents(rules, participant)
    digests = {version.instrument: version.digest for version in rules.versions}
    names = dict.fromkeys(document for document, _ in governing_fields(kind))
    return tuple(digests[documents[name].instrument] for name in names if name in documents)


def _merged(sequences: Iterable[tuple[Item, ...]]) -> tuple[Item, ...]:
    return tuple(dict.fromkeys(item for sequence in sequences for item in sequence))


def _described(registers: Sequence[Register], kind: str, subject: str) -> str:
    """Describe by the latest register that has the subject: it may have left during the month."""
    for register in reversed(registers):
        if subject in register.units or subject in register.supply_points:
            return describe(register, kind, subject)
    return f"{subject}: {kind}"


def _unbilled(month: Month) -> dict[AccountKey, int]:
    unbilled: defaultdict[AccountKey, int] = defaultdict(int)
    for code, amount in month.posted.items():
        account = account_of(code)
        if account.commodity == month.currency and account.participant is not None:
            unbilled[account.participant, account.kind, account.subject] += amount
    for key, amount in month.billed_micro.items():
        unbilled[key] -= amount
    return dict(unbilled)


def _energy(month: Month, participant: str, kind: str, subject: str) -> int | None:
    """Return the energy beside a line, in Wh and positive for delivery; None for pots of units."""
    if kind.startswith(CHARGE):
        energy_kind, sign = DEMAND, 1
    elif kind == "payment.fuel":
        energy_kind, sign = GENERATION, -1
    else:
        return None
    code = f"{month.market}:{ENERGY}:{participant}:{energy_kind}:{subject}"
    posted = sign * month.posted.get(code, 0)
    return posted - month.billed_energy_wh.get((participant, kind, subject), 0)


def billed_sums(
    lines: Iterable[tuple[str, str, str, int, int | None]],
) -> tuple[dict[AccountKey, int], dict[AccountKey, int]]:
    """Return billed amounts and quantities by account, from lines of earlier documents.

    Args:
        lines: participant, kind, subject, amount in micro, quantity in Wh or None.
    """
    amounts: defaultdict[AccountKey, int] = defaultdict(int)
    energy: defaultdict[AccountKey, int] = defaultdict(int)
    for participant, kind, subject, amount_micro, quantity in lines:
        amounts[participant, kind, subject] += amount_micro
        energy[participant, kind, subject] += quantity or 0
    return dict(amounts), dict(energy)
