"""From ledger to invoice drafts: what a participant is billed for a month, line by line.

A line is one money account of the participant: a charge of a supply point, a payment for a unit, or
a pass-through charge. Its amount is what the month's journals moved on that account since the
participant's last document of the month, and its quantity the same movement of the account of
energy, days or pieces beside it, so a document after a later run holds differences only. Clauses
and rule digests say which law made the line.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

from ledger.invoice import UNTAXED, Family, InvoiceDraft, InvoiceLine
from ledger.journal import CHARGED, ENERGY, Account
from rulebook.documents.base import Clause, Document
from rulebook.documents.charge_list import ChargeList
from rulebook.resolve import RuleSet
from settlement.accounts.interest import INTEREST_KINDS
from settlement.billing.line_quality import LineQualities
from settlement.billing.parties import StatedParties
from settlement.billing.posting import (
    CHARGE,
    CHARGED_UNIT,
    DEMAND,
    FAIR_PLAY_ENERGY,
    GENERATION,
    PASS_THROUGH,
    PAYMENT,
)
from settlement.rules.register import Register, register_of

Item = TypeVar("Item")

POT_TITLES = {
    "adequacy": "adequacy pot",
    "location": "location pot",
    "flexibility": "flexibility pot",
    "reserve": "reserve pot",
}
COMPONENT_TITLES = {
    "fuel": "fuel cost, as bid",
    "regulated": "regulated recovery of annual cost",
    "availability": "price of reserve held",
    **POT_TITLES,
}

CHARGE_TITLES = {
    "over_take": "energy taken above its entitlement, at the price cap",
    "compensation": "compensation for energy promised and not delivered",
    "equalisation": "part of what the equalisation account returns",
}


def draft_invoices(
    billing_month: dt.date,
    periods: Sequence[RuleSet],
    unbilled: Mapping[str, Mapping[Account, int]],
    qualities: LineQualities,
    run_id: uuid.UUID,
    stated: StatedParties,
    interest: Mapping[tuple[str, str, str], Sequence[str]] = MappingProxyType({}),
) -> list[InvoiceDraft]:
    """Return a draft for every participant that has something to be billed for the month.

    Args:
        billing_month: its first day.
        periods: the rules of the month, earliest first; the last one names and taxes.
        unbilled: what each account of each participant moved and no document covers yet.
        qualities: how good the readings behind a line are.
        run_id: the latest run that the month rests on.
        stated: who the parties are, and when payment is due.
        interest: (participant, kind, subject) -> why it bears interest, journal by journal.
    """
    rules = periods[-1].market_rules
    registers = [register_of(each.registrations, each.charge_lists) for each in periods]
    lines: defaultdict[tuple[str, Family], list[InvoiceLine]] = defaultdict(list)
    for participant, moved in sorted(unbilled.items()):
        for (kind, subject), amount in _amounts(moved, rules.currency):
            family = Family.INVOICE if kind.startswith(CHARGE) else Family.SELF_BILLED
            quantity, unit = _quantity(moved, kind, subject)
            quality, estimated = qualities.of(participant, kind, subject)
            lines[participant, family].append(
                InvoiceLine(
                    kind=kind,
                    subject=subject,
                    description="; ".join(interest.get((participant, kind, subject), ()))
                    or _described(registers, kind, subject),
                    quantity=quantity,
                    quantity_unit=unit,
                    amount_micro=amount,
                    quality=quality,
                    estimated_quantity=estimated,
                    clauses=_merged(
                        clauses_of(period, participant, kind, subject) for period in periods
                    ),
                    rule_digests=_merged(
                        _rule_digests(period, participant, kind, subject) for period in periods
                    ),
                    tax_category=_tax_category(registers, kind, subject),
                )
            )
    return [
        InvoiceDraft(
            market=rules.market,
            participant=participant,
            billing_month=billing_month,
            family=family,
            seller=stated.seller(participant, family),
            buyer=stated.buyer(participant, family),
            currency=rules.currency,
            run_id=run_id,
            payment_term_days=stated.payment_term_days,
            tax_category=rules.tax.category,
            tax_rate_ppm=rules.tax.rate_ppm,
            tax_note=rules.tax.note,
            lines=tuple(of_family),
        )
        for (participant, family), of_family in sorted(lines.items())
    ]


def describe(register: Register, kind: str, subject: str) -> str:
    """Return the sentence that an invoice line prints."""
    component = kind.partition(".")[2]
    if kind in PASS_THROUGH:
        return register.charges[subject][1].title
    if kind.startswith(PAYMENT):
        unit = register.units[subject][1]
        return f"{unit.title}: {COMPONENT_TITLES[component]}"
    point = register.supply_points[subject][1]
    if component == "dynamic":
        return f"{point.title}: energy at the price of node {point.node}"
    what = CHARGE_TITLES.get(component) or f"share of the {COMPONENT_TITLES[component]}"
    return f"{point.title}: {what}"


def clauses_of(rules: RuleSet, participant: str, kind: str, subject: str) -> tuple[str, ...]:
    """Return the anchors of the clauses that a line rests on, document by document."""
    return tuple(
        clause.anchor
        for _, clauses in _grounds(rules, participant, kind, subject)
        for clause in clauses
    )


def clauses_of_charge(charges: ChargeList, code: str) -> tuple[Clause, ...]:
    """Return the clause that a pass-through charge of a list rests on; none if it has no such."""
    anchors = {charge.clause for charge in charges.charges if charge.code == code}
    return tuple(clause for clause in charges.clauses if clause.anchor in anchors)


def _rule_digests(rules: RuleSet, participant: str, kind: str, subject: str) -> tuple[bytes, ...]:
    digests = {version.instrument: version.digest for version in rules.versions}
    return tuple(
        digests[document.instrument]
        for document, clauses in _grounds(rules, participant, kind, subject)
        if clauses
    )


def _grounds(
    rules: RuleSet, participant: str, kind: str, subject: str
) -> list[tuple[Document, tuple[Clause, ...]]]:
    """Return the documents that a line may rest on, each with its clauses of the line."""
    if kind in PASS_THROUGH:
        return [(charges, clauses_of_charge(charges, subject)) for charges in rules.charge_lists]
    own = [one for one in rules.registrations if one.participant == participant]
    if kind in INTEREST_KINDS:
        terms = rules.settlement_terms
        return [] if terms is None else [(terms, terms.clauses_of_line(kind))]
    documents: list[Document] = [rules.market_rules, rules.allocation_policy, *own]
    return [(document, document.clauses_of_line(kind)) for document in documents]


def _merged(sequences: Iterable[tuple[Item, ...]]) -> tuple[Item, ...]:
    return tuple(dict.fromkeys(item for sequence in sequences for item in sequence))


def _described(registers: Sequence[Register], kind: str, subject: str) -> str:
    """Describe by the latest register that has the subject: it may have left during the month."""
    for register in reversed(registers):
        known = register.charges if kind in PASS_THROUGH else _answered_for(register)
        if subject in known:
            return describe(register, kind, subject)
    return f"{subject}: {kind}"


def _tax_category(registers: Sequence[Register], kind: str, subject: str) -> str | None:
    """Return the category of a charge that no tax is due on by the latest list that has it."""
    if kind in INTEREST_KINDS:
        return UNTAXED
    if kind in PASS_THROUGH:
        for register in reversed(registers):
            if subject in register.charges:
                return None if register.charges[subject][1].taxed else UNTAXED
    return None


def _answered_for(register: Register) -> set[str]:
    return register.units.keys() | register.supply_points.keys()


def _amounts(moved: Mapping[Account, int], currency: str) -> list[tuple[tuple[str, str], int]]:
    """Return kind and subject of each money account with what it moved, sorted."""
    return sorted(
        ((account.kind, account.subject), amount)
        for account, amount in moved.items()
        if account.commodity == currency and account.kind.startswith((CHARGE, PAYMENT))
    )


def _quantity(
    moved: Mapping[Account, int], kind: str, subject: str
) -> tuple[int | None, str | None]:
    """Return what a line counts and its unit, positive for delivery; None where it counts none."""
    if kind in INTEREST_KINDS:
        return None, None
    if kind in PASS_THROUGH:
        side, _, charge = kind.partition(".")
        unit, counted, sign = CHARGED_UNIT[charge], kind, 1 if side == "charge" else -1
        commodity = CHARGED[unit]
    elif kind.startswith(CHARGE):
        commodity, counted, sign, unit = ENERGY, FAIR_PLAY_ENERGY.get(kind, DEMAND), 1, "Wh"
    elif kind == "payment.fuel":
        commodity, counted, sign, unit = ENERGY, GENERATION, -1, "Wh"
    else:
        return None, None
    total = sum(
        amount
        for account, amount in moved.items()
        if (account.commodity, account.kind, account.subject) == (commodity, counted, subject)
    )
    return sign * total, unit
