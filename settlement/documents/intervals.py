"""The intervals behind a document: what each line counted in each interval, with its amount.

Amounts and quantities have the sign of the document and sum to its lines exactly. A note counts
what changed: what the run that holds says, less what the run before it said.
"""

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.orm import Session

from settlement.billing.lines import PricedAt, Side, line_kind
from settlement.core.pass_through import charge_and_supplier
from settlement.documents.issued_document import IssuedDocument, IssuedLine
from settlement.explanations.explain import (
    LineReference,
    amounts_of,
    answers_for,
    day_facts,
    line_references,
)
from settlement.explanations.tree import DayFacts
from settlement.runs import store
from settlement.runs.pinned import law_read_once
from settlement.runs.run import Run


class IntervalRow(NamedTuple):
    """One interval of one line.

    Args:
        interval_start: with the offset of the market's clock; empty for what rests on no interval.
        quantity: in `quantity_unit`; empty where the line counts nothing.
        price_micro_per_mwh: of the interval, where one price holds for it.
        pot_micro: what everybody together was charged or paid of the line's kind in the interval,
            where the line is a share of a pot.
        amount_micro: exact.
        run, replaced_run: the run that holds, and the one that it corrected.
    """

    document: str
    line: int
    kind: str
    subject: str
    interval_start: str
    quantity: int | None
    quantity_unit: str | None
    price_micro_per_mwh: int | None
    pot_micro: int | None
    amount_micro: int
    run: str
    replaced_run: str | None


def interval_rows(session: Session, document: IssuedDocument) -> Iterator[IntervalRow]:
    """Yield the intervals of a document, line by line and day by day."""
    references = line_references(session, document.id)
    first = references[0]
    law_of = law_read_once(session)
    facts_of = cache(lambda run_id, day: day_facts(session, runs[run_id], day, law_of))
    posted = store.posted_days(session, document.market, document.billing_month)
    runs = {
        run_id: run
        for run_id in {run_id for _, _, run_id in posted}
        if (run := store.find_run(session, run_id)) is not None
    }
    # A journal whose run is gone has no results to show; manage.py verify names it.
    known = [row for row in posted if row[2] in runs]
    latest = {day: run_id for day, number, run_id in known if number <= first.up_to}
    replaced = {day: run_id for day, number, run_id in known if number <= first.after}
    days = [
        (day, runs[run_id], runs[replaced[day]] if day in replaced else None)
        for day, run_id in sorted(latest.items())
        if run_id != replaced.get(day)
    ]
    for reference, line in zip(references, document.lines, strict=True):
        rows = [
            row
            for day, run, before in days
            for row in _rows_of_day(document, reference, line, day, run, before, facts_of)
        ]
        rest_micro = line.exact_micro - sum(row.amount_micro for row in rows)
        if any(row.amount_micro or row.quantity for row in rows):
            yield from rows
        if rest_micro:
            yield _rest(document, line, rest_micro)


def as_csv(rows: Iterable[IntervalRow]) -> bytes:
    """Return interval rows as CSV with a header."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(IntervalRow._fields)
    writer.writerows(rows)
    return text.getvalue().encode()


def _rest(document: IssuedDocument, line: IssuedLine, amount_micro: int) -> IntervalRow:
    """Return what of a line rests on no interval, such as interest on late payment."""
    return IntervalRow(
        document=document.number,
        line=line.number,
        kind=line.kind,
        subject=line.subject,
        interval_start="",
        quantity=None,
        quantity_unit=None,
        price_micro_per_mwh=None,
        pot_micro=None,
        amount_micro=amount_micro,
        run="",
        replaced_run=None,
    )


def _rows_of_day(
    document: IssuedDocument,
    reference: LineReference,
    line: IssuedLine,
    day: dt.date,
    run: Run,
    before: Run | None,
    facts_of: Callable[[object, dt.date], DayFacts],
) -> Iterator[IntervalRow]:
    facts = facts_of(run.id, day)
    amounts, quantities = amounts_of(facts, reference), _quantities(facts, reference)
    if before is not None:
        replaced = facts_of(before.id, day)
        amounts = amounts - amounts_of(replaced, reference)
        quantities = quantities - _quantities(replaced, reference)
    zone = ZoneInfo(facts.rules.market_rules.time_zone)
    prices, pots = _prices(facts, line), _pots(facts, line)
    turned = -1 if document.is_credit else 1
    for number, start in enumerate(facts.starts):
        yield IntervalRow(
            document=document.number,
            line=line.number,
            kind=line.kind,
            subject=line.subject,
            interval_start=start.astimezone(zone).isoformat(),
            quantity=None if line.quantity is None else turned * int(quantities[number]),
            quantity_unit=line.quantity_unit,
            price_micro_per_mwh=None if prices is None else int(prices[number]),
            pot_micro=None if pots is None else int(pots[number]),
            amount_micro=document.sign * reference.kind.sign * int(amounts[number]),
            run=run.kind,
            replaced_run=before.kind if before else None,
        )


def _quantities(facts: DayFacts, reference: LineReference) -> np.ndarray:
    """Return what a line counts in each interval of a run's day, shape (T,), as sealed."""
    kind, subject = reference.kind, reference.line.subject
    counted = kind.quantity
    if counted is None or reference.line.quantity is None or not answers_for(facts, reference):
        values = None
    elif kind.is_pass_through:
        is_charge = kind.side is Side.CHARGE
        found = [
            vector
            for (name, entity), vector in facts.results.items()
            if name == counted.measure
            and (
                entity == reference.entity
                if is_charge
                else charge_and_supplier(entity)[0] == subject
            )
        ]
        values = np.sum(found, axis=0) if found else None
    elif counted.is_metered:
        reading = facts.readings.get((counted.measure, subject))
        values = None if reading is None else reading.values
    else:
        values = facts.results.get((counted.measure, subject))
    return np.zeros(len(facts.starts), dtype=np.int64) if values is None else values


def _prices(facts: DayFacts, line: IssuedLine) -> np.ndarray | None:
    """Return the price of each interval, where one price makes the line's amount."""
    priced_at = line_kind(line.kind).priced_at
    if priced_at is PricedAt.NODE and line.subject in facts.register.supply_points:
        node = facts.register.supply_points[line.subject][1].node
        ex_post = facts.results.get(("node_price_micro_per_mwh", node))
        return facts.results.get(("charged_price_micro_per_mwh", node), ex_post)
    if priced_at is PricedAt.OFFER and line.subject in facts.register.units:
        offer = facts.register.units[line.subject][1].offer_micro_per_mwh
        return np.full(len(facts.starts), offer)
    return None


def _pots(facts: DayFacts, line: IssuedLine) -> np.ndarray | None:
    """Return what everybody's lines of this kind come to in each interval; None for no pot."""
    kind = line_kind(line.kind)
    if not kind.is_share:
        return None
    found = [values for (name, _), values in facts.results.items() if name == kind.measure]
    return np.sum(found, axis=0) if found else None
