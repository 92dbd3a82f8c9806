"""From ledger to invoice drafts: what a participant is billed for a month, line by line.

A line is one money account of the participant under one tax: a charge of a supply point, a payment
for a unit, or a pass-through charge. Its amount is what the journals of the month moved on that
account since the participant's last document of the month, each day under the tax that its law
states, and its quantity the same movement of the account of energy, days or pieces beside it; so a
document after a later run holds differences only. Where a later run obeyed a law with another tax,
the old tax is taken back whole and the new one billed:

    billed for days 1 to 15    100.00 at 19 %
    SF, under a law with 16 %  101.00           note: -100.00 at 19 %, +101.00 at 16 %

A pass-through charge whose price is not published yet has a line without an amount, which states
its quantity and says that it awaits a price. Words, clauses and rule digests are those of the laws
of the days that the line bills. A name that changes in mid-month splits no line, as it changes
nothing of what is owed: the line has all its names, each with the day from which it holds.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter, itemgetter
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from ledger.invoice import OUTSIDE_SCOPE, Family, InvoiceDraft, InvoiceLine, Tax
from ledger.journal import CHARGED, ENERGY, DayMovement, is_money
from rulebook.documents.base import Clause, Document
from rulebook.documents.charge_list import ChargeKey, ChargeList
from rulebook.resolve import RuleSet
from settlement.billing.awaited import awaited_words
from settlement.billing.day_law import DayLaw, PostedMonth
from settlement.billing.line_quality import LineQualities
from settlement.billing.lines import (
    BOOKED,
    BOOKING,
    LineKind,
    Side,
    Subject,
    is_line,
    line_kind,
)
from settlement.billing.parties import StatedParties
from settlement.core.booked import booking_and_point
from settlement.rules.register import Register

Item = TypeVar("Item")
Reasons = Mapping[tuple[str, str, str], Sequence[str]]
"""By participant, kind and subject: why a line bears interest, journal by journal."""


class _Moved(NamedTuple):
    """What an account moved for a day, and how much of that documents cover."""

    amount: int
    covered: int


NOTHING_MOVED = _Moved(0, 0)

_ByAccount = Mapping[tuple[str, str, str], Mapping[dt.date, _Moved]]
"""By commodity, kind and subject of a participant's accounts, and by day."""


@dataclass
class _Part:
    """What a line comes to, and the laws of the days that it bills, as (day, law)."""

    amount_micro: int = 0
    quantity: int = 0
    named: list[tuple[dt.date, DayLaw]] = field(default_factory=list)
    cited: list[DayLaw] = field(default_factory=list)


def draft_invoices(
    billing_month: dt.date,
    month: PostedMonth,
    movements: Iterable[DayMovement],
    qualities: LineQualities,
    run_id: uuid.UUID,
    stated: StatedParties,
    interest: Reasons = MappingProxyType({}),
) -> list[InvoiceDraft]:
    """Return a draft for every participant that has something to be billed for the month.

    What is not subject to tax (category O) is drafted apart, as EN 16931 lets it share no document.

    Args:
        billing_month: its first day.
        month: the days of the month as they were posted, each with its law.
        movements: what each account of each participant moved, day by day.
        qualities: how good the readings behind a line are.
        run_id: the latest run that the month rests on.
        stated: who the parties are, and when payment is due.
        interest: why lines bear interest.
    """
    market = month.posted[-1].law.rules.market
    lines: defaultdict[tuple[str, Family, str, bool], list[InvoiceLine]] = defaultdict(list)
    for participant, accounts in sorted(_accounts(movements).items()):
        covered = qualities.covered.get(participant, 0)
        for (currency, kind, subject), moved in _lines(month, accounts):
            counted = _counted(accounts, kind, subject)
            is_charge = line_kind(kind).side is Side.CHARGE
            family = Family.INVOICE if is_charge else Family.SELF_BILLED
            parts = _parts(month, covered, kind, subject, moved, counted)
            reason = "; ".join(interest.get((participant, kind, subject), ()))
            for tax, part in parts.items():
                # The energy of a supply point that comes to no amount is no line; what a list
                # charges for is, as it may await its price, and what was booked, which is named.
                row = line_kind(kind)
                is_named = row.is_pass_through or row.is_booking
                if part.amount_micro or (part.quantity and is_named):
                    line = _line(participant, kind, subject, tax, part, qualities, reason)
                    key = (participant, family, currency, tax.category == OUTSIDE_SCOPE)
                    lines[key].append(line)
    return [
        InvoiceDraft(
            market=market,
            participant=participant,
            billing_month=billing_month,
            family=family,
            seller=stated.seller(participant, family),
            buyer=stated.buyer(participant, family),
            currency=currency,
            run_id=run_id,
            payment_term_days=stated.payment_term_days,
            lines=tuple(of_family),
        )
        for (participant, family, currency, _), of_family in sorted(lines.items())
    ]


def _accounts(movements: Iterable[DayMovement]) -> dict[str, _ByAccount]:
    """Return participant -> what each of its accounts moved, by day."""
    found: defaultdict[str, defaultdict[tuple[str, str, str], dict[dt.date, _Moved]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for account, of_account in groupby(movements, key=attrgetter("account")):
        key = (account.commodity, account.kind, account.subject)
        moved = found[str(account.participant)][key]
        moved.update((day, _Moved(amount, covered)) for _, day, amount, covered in of_account)
    return dict(found)


def _lines(
    month: PostedMonth, accounts: _ByAccount
) -> list[tuple[tuple[str, str, str], Mapping[dt.date, _Moved]]]:
    """Return currency, kind and subject of what lines bill, sorted, with what its money moved.

    The money of a pass-through charge stands still where its price is not published yet, and that
    of a booking where its price was charged anyway; then its currency is that of the law of its
    last day.
    """
    found = {
        (currency, kind, subject): moved
        for (currency, kind, subject), moved in accounts.items()
        if is_money(currency) and is_line(kind)
    }
    priced = {(kind, subject) for _, kind, subject in found}
    for (commodity, kind, subject), counted in accounts.items():
        law = month.law_on(max(counted))
        is_booked = (commodity, kind) == (ENERGY, BOOKED.account)
        line = (BOOKING if is_booked else kind, subject)
        if (is_booked or commodity in CHARGED.values()) and line not in priced and law is not None:
            found[law.rules.market_rules.currency, *line] = {}
    return sorted(found.items(), key=itemgetter(0))


def _counted(accounts: _ByAccount, kind: str, subject: str) -> Mapping[dt.date, _Moved]:
    """Return what the account beside a line counts, day by day, positive for delivery."""
    row = line_kind(kind)
    if row.quantity is None:
        return {}
    moved = accounts.get((row.quantity.commodity, row.quantity.account, subject), {})
    return {
        day: _Moved(row.sign * amount, row.sign * covered)
        for day, (amount, covered) in moved.items()
    }


def _parts(
    month: PostedMonth,
    covered: int,
    kind: str,
    subject: str,
    moved: Mapping[dt.date, _Moved],
    counted: Mapping[dt.date, _Moved],
) -> dict[Tax, _Part]:
    """Return what is billed of an account by tax, in the order of the first day of each.

    Args:
        covered: the last journal that the participant's documents take into account.
        moved, counted: what the accounts of money and quantity moved, by day.
    """
    parts: defaultdict[Tax, _Part] = defaultdict(_Part)
    for day in sorted(moved.keys() | counted.keys()):
        money, quantity = moved.get(day, NOTHING_MOVED), counted.get(day, NOTHING_MOVED)
        now, before = month.law_on(day), month.law_on(day, covered)
        if now is None:
            continue
        tax = now.tax_of(kind, subject).tax
        if before is None:
            _add(parts[tax], day, [now], money.amount, quantity.amount)
        elif before.tax_of(kind, subject).tax == tax:
            change = (money.amount - money.covered, quantity.amount - quantity.covered)
            _add(parts[tax], day, [now, before], *change)
        else:
            # What documents bill of the day under its old tax goes; all of it comes under the new.
            old = parts[before.tax_of(kind, subject).tax]
            _add(old, day, [before], -money.covered, -quantity.covered)
            _add(parts[tax], day, [now], money.amount, quantity.amount)
    return dict(parts)


def _add(
    part: _Part, day: dt.date, laws: Sequence[DayLaw], amount_micro: int, quantity: int
) -> None:
    """Add a day to a line: named by the first of its laws, and resting on all of them."""
    if amount_micro or quantity:
        part.amount_micro += amount_micro
        part.quantity += quantity
        part.named.append((day, laws[0]))
        part.cited += laws


def _line(
    participant: str,
    kind: str,
    subject: str,
    tax: Tax,
    part: _Part,
    qualities: LineQualities,
    reason: str,
) -> InvoiceLine:
    """Return a line; `reason` is why it bears interest, and empty where it is none."""
    counted = line_kind(kind).quantity
    unit = counted.unit if counted else None
    quality, estimated = qualities.of(participant, kind, subject, tax)
    awaited = qualities.awaited(participant, kind, subject, tax)
    laws = list(dict.fromkeys(part.cited))
    notes = _merged((law.tax_of(kind, subject).note,) for _, law in part.named)
    return InvoiceLine(
        kind=kind,
        subject=subject,
        description=reason or _described(part.named, kind, subject) + awaited_words(awaited, unit),
        quantity=part.quantity if counted else None,
        quantity_unit=unit,
        amount_micro=part.amount_micro,
        tax=tax,
        tax_note="\n".join(notes),
        quality=quality,
        estimated_quantity=estimated,
        clauses=_merged(clauses_of(law, participant, kind, subject) for law in laws),
        rule_digests=_merged(_rule_digests(law, participant, kind, subject) for law in laws),
    )


def describe(register: Register, kind: str, subject: str) -> str:
    """Return the sentence that an invoice line prints."""
    row = line_kind(kind)
    if row.is_pass_through:
        owner, charge = register.charges[row.charge_type, subject]
        words = row.sentence.format(collector=owner, recipient=charge.paid_on_to)
        return f"{charge.title}: {words}" if words else charge.title
    if row.subject is Subject.UNIT:
        return f"{register.units[subject][1].title}: {row.sentence}"
    point = register.supply_points[row.entity_of(subject)][1]
    words = f"{point.title}: {row.sentence.format(node=point.node)}"
    return f"Booking {booking_and_point(subject)[0]}: {words}" if row.is_booking else words


def clauses_of(law: DayLaw, participant: str, kind: str, subject: str) -> tuple[str, ...]:
    """Return the anchors of the clauses that a line rests on, document by document."""
    return tuple(
        clause.anchor
        for _, clauses in _grounds(law, participant, kind, subject)
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


def _rule_digests(law: DayLaw, participant: str, kind: str, subject: str) -> tuple[bytes, ...]:
    digests = {version.instrument: version.digest for version in law.rules.versions}
    return tuple(
        digests[document.instrument]
        for document, clauses in _grounds(law, participant, kind, subject)
        if clauses
    )


def _grounds(
    law: DayLaw, participant: str, kind: str, subject: str
) -> Sequence[tuple[Document, tuple[Clause, ...]]]:
    """Return the documents that a line may rest on, each with its clauses of the line."""
    row, rules = line_kind(kind), law.rules
    if row.is_pass_through:
        return grounds_of_charge(rules, law.register, (row.charge_type, subject))
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


def _described(named: Sequence[tuple[dt.date, DayLaw]], kind: str, subject: str) -> str:
    """Return what a line is called on its days: its first name, then each other from its day."""
    names: dict[str, dt.date] = {}
    for day, law in named:
        if _is_known(law.register, line_kind(kind), subject):
            names.setdefault(describe(law.register, kind, subject), day)
    first, *others = names.items() or [(f"{subject}: {kind}", named[0][0])]
    return "; ".join([first[0], *(f"from {day.day} {day:%B %Y} {name}" for name, day in others)])


def _is_known(register: Register, kind: LineKind, subject: str) -> bool:
    """Return whether a register has what a line of a kind is about."""
    if kind.subject is Subject.UNIT:
        return subject in register.units
    if kind.subject in (Subject.SUPPLY_POINT, Subject.BOOKING):
        return kind.entity_of(subject) in register.supply_points
    key = kind.charge_type, subject
    if not kind.is_pass_through or key not in register.charges:
        return False
    # Of a day on which the owner keeps the charge, nothing is said of whom it is paid on to.
    return not kind.is_paid_on or register.charge_recipient(key) is not None
