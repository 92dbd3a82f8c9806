"""Why is this line what it is? From an issued line to its days, a day's intervals, an interval.

A line covers the journals between the participant's previous document of the month and its own,
and of them the days that bear its tax. What a run posted for a day is the difference from the run
before it, so the explanation of a correction shows both: what holds now, and what it replaced.
Where only one of the two bears the tax of the line, the other counts as nothing in it.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from sqlalchemy.orm import Session

import ledger.invoice_queries
from common.quantities import with_unit
from ledger.chain import InvoiceLineRow, InvoiceRow
from ledger.invoice import Tax
from ledger.invoice_queries import next_month
from ledger.journal import Account
from rulebook.resolve import RulePeriod, RuleSet
from settlement.billing.day_law import tax_of_line
from settlement.billing.lines import LineKind, Side, Subject, line_kind
from settlement.billing.posted_month import posted_month
from settlement.core.engine import DayReadings, MarketModel
from settlement.core.pass_through import charged_entity
from settlement.core.periods import interval_starts
from settlement.explanations.charges import Charges
from settlement.explanations.pass_through import PassThroughCharges
from settlement.explanations.payments import Payments
from settlement.explanations.tree import DayFacts, Explanation, ReadingFact
from settlement.meters.readings import ReadingSource
from settlement.meters.sources import reading_sources
from settlement.rules.compile import compile_rules
from settlement.rules.register import register_of
from settlement.runs import store
from settlement.runs.inputs import RunInputs, run_inputs
from settlement.runs.pinned import LawOf, law_read_once, pinned_periods
from settlement.runs.results import VectorKey
from settlement.runs.run import Run


@dataclass(frozen=True)
class LineReference:
    """An issued line, and the journals that it covers: above `after`, up to and with `up_to`."""

    invoice: InvoiceRow
    line: InvoiceLineRow
    after: int
    up_to: int

    @property
    def kind(self) -> LineKind:
        """What the catalogue says of the line."""
        return line_kind(self.line.kind)

    @property
    def tax(self) -> Tax:
        """How the line is taxed."""
        return Tax(self.line.tax_category, self.line.tax_rate_ppm)

    @property
    def entity(self) -> str:
        """The entity whose results the line counts."""
        subject = self.line.subject
        if self.kind.is_pass_through and self.kind.side is Side.CHARGE:
            return charged_entity(subject, self.invoice.participant)
        return subject


@dataclass(frozen=True, eq=False)
class LineDay:
    """A day of a line, interval by interval.

    Attributes:
        amounts_micro: shape (T,), what the line counts for each interval.
        run: the run that holds; `replaced` the run that it corrected, None for a first run.
        facts: what the run knows of the day; `replaced_facts` the same of the run before it.
    """

    day: dt.date
    starts: tuple[dt.datetime, ...]
    amounts_micro: np.ndarray
    run: Run
    replaced: Run | None
    facts: DayFacts
    replaced_facts: DayFacts | None


def find_line(session: Session, invoice_id: uuid.UUID, line: int) -> LineReference | None:
    """Return a line of an issued document, or None."""
    found = line_references(session, invoice_id)
    return found[line - 1] if 1 <= line <= len(found) else None


def line_references(session: Session, invoice_id: uuid.UUID) -> list[LineReference]:
    """Return every line of an issued document; none where there is no such document."""
    found = ledger.invoice_queries.invoice(session, invoice_id)
    if found is None:
        return []
    earlier = [
        other.last_journal_number
        for other in ledger.invoice_queries.invoices(
            session, participant=found.row.participant, market=found.row.market
        )
        if other.billing_month == found.row.billing_month
        and other.last_journal_number < found.row.last_journal_number
    ]
    after = max(earlier, default=0)
    return [
        LineReference(found.row, line, after, found.row.last_journal_number) for line in found.lines
    ]


def explain_line(session: Session, reference: LineReference) -> Explanation:
    """Return the line as the sum of its days."""
    invoice, line = reference.invoice, reference.line
    account = Account(
        invoice.market, invoice.currency, invoice.participant, line.kind, line.subject
    )
    days = tuple(
        Explanation(f"{day}", amount, "micro", day=day)
        for day, amount in _amounts_by_day(session, reference, account.code)
    )
    return Explanation(
        line.description,
        line.amount_micro,
        "micro",
        f"the sum of what was posted for {len(days)} settlement days",
        children=days,
    )


def _amounts_by_day(
    session: Session, reference: LineReference, account: str
) -> Iterator[tuple[dt.date, int]]:
    """Yield what a line counts for each day on which a run moved its account."""
    invoice, line = reference.invoice, reference.line
    month = posted_month(session, invoice.market, invoice.billing_month)
    following = next_month(invoice.billing_month)
    amounts: dict[dt.date, int] = {}
    # What holds is billed, and what held is taken back, each where its law has the line's tax.
    for up_to, sign in ((reference.up_to, 1), (reference.after, -1)):
        posted = store.posted_amounts(session, account, 0, up_to)
        if reference.kind.is_booking:
            # A day of a booking is told, be it that no money moved for it.
            booked = _account_beside(reference)
            posted = dict.fromkeys(store.posted_amounts(session, booked, 0, up_to), 0) | posted
        for (day, _), amount in posted.items():
            law = month.law_on(day, up_to)
            if law is None or not invoice.billing_month <= day < following:
                continue
            if law.tax_of(line.kind, line.subject).tax == reference.tax:
                amounts[day] = amounts.get(day, 0) + sign * amount
    told = amounts.items() if reference.kind.is_booking else _moved(amounts)
    yield from sorted(told)


def _moved(amounts: Mapping[dt.date, int]) -> list[tuple[dt.date, int]]:
    return [(day, amount) for day, amount in amounts.items() if amount]


def _account_beside(reference: LineReference) -> str:
    """Return the code of the account of what a line counts."""
    invoice, counted = reference.invoice, reference.kind.quantity
    assert counted is not None, "a booking counts what was booked"
    beside = (counted.commodity, invoice.participant, counted.account, reference.line.subject)
    return Account(invoice.market, *beside).code


def line_day(session: Session, reference: LineReference, day: dt.date) -> LineDay | None:
    """Return one day of a line, interval by interval; None when it bills nothing of it."""
    if reference.kind.is_interest:  # it rests on payments, not on a run
        return None
    market = reference.invoice.market
    run = store.latest_posted_run(session, market, day, reference.up_to)
    if run is None:
        return None
    replaced = store.latest_posted_run(session, market, day, reference.after)
    if replaced is not None and replaced.id == run.id:
        return None
    # A run mostly corrects readings under the law of the run before it.
    law_of = law_read_once(session)
    facts = day_facts(session, run, day, law_of)
    before = None if replaced is None else day_facts(session, replaced, day, law_of)
    if not any(_bears_tax(known, reference) for known in (facts, before) if known is not None):
        return None
    amounts = amounts_of(facts, reference)
    if before is not None:
        amounts = amounts - amounts_of(before, reference)
    signed = reference.kind.sign * amounts
    return LineDay(day, tuple(facts.starts), signed, run, replaced, facts, before)


def explain_interval(reference: LineReference, of_day: LineDay, interval: int) -> Explanation:
    """Return the tree behind one interval of a line, and behind what it replaced."""
    now = _tree(of_day.facts, reference, interval)
    children: tuple[Explanation, ...] = (now,)
    formula = ""
    if of_day.replaced is not None and of_day.replaced_facts is not None:
        before = _tree(of_day.replaced_facts, reference, interval)
        children = (now, before)
        formula = (
            f"{_money(now.value, reference)} by run {of_day.run.kind}, less "
            f"{_money(before.value, reference)} by run {of_day.replaced.kind}, which it corrects"
        )
    return Explanation(
        reference.line.description,
        int(of_day.amounts_micro[interval]),
        "micro",
        formula,
        children=children,
        day=of_day.day,
        interval=interval,
    )


def day_facts(session: Session, run: Run, day: dt.date, law_of: LawOf | None = None) -> DayFacts:
    """Return all that a run knows of one of its days.

    Args:
        session: the caller's session.
        run, day: the run, and one of its days.
        law_of: `law_read_once`, where many days are asked for.
    """
    rules = next(
        rules
        for first_day, last_day, rules in pinned_periods(session, run, law_of)
        if first_day <= day <= last_day
    )
    # Of the day alone, without the rest of the run: a day comes out the same either way.
    inputs = run_inputs(session, run.market, [RulePeriod(day, day, rules)], run.known_at)
    results = store.stored_values(store.day_vectors(session, run.id, day))
    readings = readings_used(day, inputs, reading_sources(session, run.market, day, run.known_at))
    facts = facts_of(day, rules, results, readings, inputs.day_readings)
    return replace(facts, online=inputs.online_on(day, facts.model))


def facts_of(
    day: dt.date,
    rules: RuleSet,
    results: Mapping[VectorKey, np.ndarray],
    readings: Mapping[VectorKey, ReadingFact],
    day_readings: Callable[[dt.date, MarketModel], DayReadings],
) -> DayFacts:
    """Return what is known of a day that was settled under some rules.

    Args:
        day, rules: the day, and its law.
        results: what it came to, by measure and entity.
        readings: what it was settled from, by measure and entity.
        day_readings: returns the same as the engine is given it.
    """
    market_rules, model = rules.market_rules, compile_rules(rules)
    return DayFacts(
        day=day,
        starts=interval_starts(day, market_rules.time_zone, market_rules.interval_minutes),
        rules=rules,
        model=model,
        register=register_of(rules.registrations, rules.charge_lists),
        results=results,
        readings=readings,
        day_readings=cache(lambda: day_readings(day, model)),
    )


def readings_used(
    day: dt.date, inputs: RunInputs, sources: Mapping[VectorKey, ReadingSource]
) -> dict[VectorKey, ReadingFact]:
    """Return the readings of a day as they settle, by measure and entity, with their sources."""
    return {
        (measure, entity): ReadingFact(
            used.values[row],
            used.codes[row],
            inputs.estimates.get((day, measure, entity), {}),
            sources.get((measure, entity)),
        )
        for measure, used in inputs.used[day].items()
        for row, entity in enumerate(used.entities)
    }


def _money(micro: int, reference: LineReference) -> str:
    return with_unit(micro, "micro", reference.invoice.currency)


def _tree(facts: DayFacts, reference: LineReference, interval: int) -> Explanation:
    """Return the tree behind one interval; nothing, where another answers for it or taxes it."""
    owner = _owner(facts, reference)
    if owner != reference.invoice.participant:
        answers = owner or "nobody"
        label = f"{reference.line.subject}: {answers} answers for it on this day"
        return Explanation(label, 0, "micro")
    if not _bears_tax(facts, reference):
        label = (
            f"{reference.line.subject}: under this run another tax is due on it, so another line"
        )
        return Explanation(label, 0, "micro")
    return line_tree(facts, reference.kind, reference.line.subject, owner, interval, sign=-1)


def line_tree(
    facts: DayFacts, kind: LineKind, subject: str, participant: str, interval: int, sign: int
) -> Explanation:
    """Return the tree behind one interval of what a participant is charged or paid.

    Args:
        facts: of the day.
        kind, subject: the line: its kind, and the unit, supply point or charge that it is about.
        participant: who answers for it.
        interval: of the day, from 0.
        sign: what turns a payment to its unit; a charge, and what is passed through, is as stored.
    """
    if kind.is_pass_through:
        if kind.is_paid_on:
            return PassThroughCharges(facts, interval).paid_on(kind.charge_type, subject)
        of = participant if kind.side is Side.CHARGE else ""
        return PassThroughCharges(facts, interval).line(kind.component, subject, of)
    if kind.side is Side.PAYMENT:
        return Payments(facts, interval).payment(kind.component, subject, sign=sign)
    return Charges(facts, interval).charge(kind.component, subject)


def amounts_of(facts: DayFacts, reference: LineReference) -> np.ndarray:
    """Return what a run's results come to for the line, shape (T,), unsigned as stored."""
    measure = reference.kind.measure
    values = None if measure is None else facts.results.get((measure, reference.entity))
    if values is None or not answers_for(facts, reference):
        return np.zeros(len(facts.starts), dtype=np.int64)
    return values


def answers_for(facts: DayFacts, reference: LineReference) -> bool:
    """Return whether a day counts in the line: its participant answers, and its tax is due."""
    return _owner(facts, reference) == reference.invoice.participant and _bears_tax(
        facts, reference
    )


def _bears_tax(facts: DayFacts, reference: LineReference) -> bool:
    """Return whether the line's subject bears the line's tax under the run's rules."""
    found = tax_of_line(facts.rules, facts.register, reference.line.kind, reference.line.subject)
    return found.tax == reference.tax


def _owner(facts: DayFacts, reference: LineReference) -> str | None:
    """Return who answers for the line's unit, supply point or charge under the run's rules."""
    register, subject = facts.register, reference.line.subject
    if reference.kind.is_pass_through:
        key = reference.kind.charge_type, subject
        if key not in register.charges:
            return None
        if reference.kind.is_paid_on:
            recipient = register.charge_recipient(key)
            is_collector = reference.kind.side is Side.CHARGE
            return register.charge_owner(key) if recipient and is_collector else recipient
        is_charge = reference.kind.side is Side.CHARGE
        return reference.invoice.participant if is_charge else register.charge_owner(key)
    is_unit = reference.kind.subject is Subject.UNIT
    answered = register.units if is_unit else register.supply_points
    subject = reference.kind.entity_of(subject)
    return answered[subject][0] if subject in answered else None
