"""From ledger to invoice drafts: what a participant is billed for a month, line by line.

A line is one money account of the participant: a charge of a supply point, a payment for a unit, or
a pass-through charge. Its amount is what the month's journals moved on that account since the
participant's last document of the month, and its quantity the same movement of the account of
energy, days or pieces beside it, so a document after a later run holds differences only. Clauses
and rule digests say which law made the line. A pass-through charge whose price is not published yet
has a line without an amount, which states its quantity and says that it awaits a price.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

from ledger.invoice import UNTAXED, Family, InvoiceDraft, InvoiceLine
from ledger.journal import CHARGED, Account
from rulebook.documents.base import Clause, Document
from rulebook.documents.charge_list import ChargeKey, ChargeList
from rulebook.resolve import RuleSet
from settlement.billing.awaited import awaited_words
from settlement.billing.line_quality import LineQualities
from settlement.billing.lines import LineKind, Side, Subject, is_line, line_kind
from settlement.billing.parties import StatedParties
from settlement.rules.register import Register, register_of

Item = TypeVar("Item")


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
    registers = [register_of(rules.registrations, rules.charge_lists) for rules in periods]
    ruled = list(zip(periods, registers, strict=True))
    lines: defaultdict[tuple[str, Family], list[InvoiceLine]] = defaultdict(list)
    for participant, moved in sorted(unbilled.items()):
        for (kind, subject), amount in _amounts(moved, rules.currency):
            is_charge = line_kind(kind).side is Side.CHARGE
            family = Family.INVOICE if is_charge else Family.SELF_BILLED
            counted, unit = _quantity(moved, kind, subject)
            quality, estimated = qualities.of(participant, kind, subject)
            lines[participant, family].append(
                InvoiceLine(
                    kind=kind,
                    subject=subject,
                    description="; ".join(interest.get((participant, kind, subject), ()))
                    or _described(registers, kind, subject)
                    + awaited_words(qualities.awaited(participant, kind, subject), unit),
                    quantity=counted,
                    quantity_unit=unit,
                    amount_micro=amount,
                    quality=quality,
                    estimated_quantity=estimated,
                    clauses=_merged(clauses_of(*of, participant, kind, subject) for of in ruled),
                    rule_digests=_merged(
                        _rule_digests(*of, participant, kind, subject) for of in ruled
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
    row = line_kind(kind)
    if row.is_pass_through:
        return register.charges[row.component, subject][1].title
    if row.subject is Subject.UNIT:
        return f"{register.units[subject][1].title}: {row.sentence}"
    point = register.supply_points[subject][1]
    return f"{point.title}: {row.sentence.format(node=point.node)}"


def clauses_of(
    rules: RuleSet, register: Register, participant: str, kind: str, subject: str
) -> tuple[str, ...]:
    """Return the anchors of the clauses that a line rests on, document by document."""
    return tuple(
        clause.anchor
        for _, clauses in _grounds(rules, register, participant, kind, subject)
        for clause in clauses
    )


def grounds_of_charge(
    rules: RuleSet, register: Register, key: ChargeKey
) -> list[tuple[ChargeList, tuple[Clause, ...]]]:
    """Return the list of a pass-through charge with the clause that it rests on; none of none."""
    if key not in register.charges:
        return []
    owner, charge = register.charges[key]
    return [
        (listed, tuple(clause for clause in listed.clauses if clause.anchor == charge.clause))
        for listed in rules.charge_lists
        if listed.owner == owner
    ]


def _rule_digests(
    rules: RuleSet, register: Register, participant: str, kind: str, subject: str
) -> tuple[bytes, ...]:
    digests = {version.instrument: version.digest for version in rules.versions}
    return tuple(
        digests[document.instrument]
        for document, clauses in _grounds(rules, register, participant, kind, subject)
        if clauses
    )


def _grounds(
    rules: RuleSet, register: Register, participant: str, kind: str, subject: str
) -> Sequence[tuple[Document, tuple[Clause, ...]]]:
    """Return the documents that a line may rest on, each with its clauses of the line."""
    row = line_kind(kind)
    if row.is_pass_through:
        return grounds_of_charge(rules, register, (row.component, subject))
    own = [
        registration
        for registration in rules.registrations
        if registration.participant == participant
    ]
    if row.is_interest:
        terms = rules.settlement_terms
        return [] if terms is None else [(terms, terms.clauses_of_line(kind))]
    documents: list[Document] = [rules.market_rules, rules.allocation_policy, *own]
    return [(document, document.clauses_of_line(kind)) for document in documents]


def _merged(sequences: Iterable[tuple[Item, ...]]) -> tuple[Item, ...]:
    return tuple(dict.fromkeys(item for sequence in sequences for item in sequence))


def _described(registers: Sequence[Register], kind: str, subject: str) -> str:
    """Describe by the latest register that has the subject: it may have left during the month."""
    for register in reversed(registers):
        if _is_known(register, line_kind(kind), subject):
            return describe(register, kind, subject)
    return f"{subject}: {kind}"


def _tax_category(registers: Sequence[Register], kind: str, subject: str) -> str | None:
    """Return the category of a charge that no tax is due on by the latest list that has it."""
    row = line_kind(kind)
    if row.is_interest:
        return UNTAXED
    if row.is_pass_through:
        for register in reversed(registers):
            if (row.component, subject) in register.charges:
                taxed = register.charges[row.component, subject][1].taxed
                return None if taxed else UNTAXED
    return None


def _is_known(register: Register, kind: LineKind, subject: str) -> bool:
    """Return whether a register has what a line of a kind is about."""
    if kind.subject is Subject.UNIT:
        return subject in register.units
    if kind.subject is Subject.SUPPLY_POINT:
        return subject in register.supply_points
    return kind.is_pass_through and (kind.component, subject) in register.charges


def _amounts(moved: Mapping[Account, int], currency: str) -> list[tuple[tuple[str, str], int]]:
    """Return kind and subject of each line with what its money account moved, sorted.

    The money of a pass-through charge stands still where its price is not published yet.
    """
    amounts = {
        (account.kind, account.subject): 0
        for account in moved
        if account.commodity in CHARGED.values() and is_line(account.kind)
    }
    for account, amount in moved.items():
        if account.commodity == currency and is_line(account.kind):
            amounts[account.kind, account.subject] = amount
    return sorted(amounts.items())


def _quantity(
    moved: Mapping[Account, int], kind: str, subject: str
) -> tuple[int | None, str | None]:
    """Return what a line counts and its unit, positive for delivery; None where it counts none."""
    row = line_kind(kind)
    if row.quantity is None:
        return None, None
    counted = (row.quantity.commodity, row.quantity.account, subject)
    total = sum(
        amount
        for account, amount in moved.items()
        if (account.commodity, account.kind, account.subject) == counted
    )
    return row.sign * total, row.quantity.unit
