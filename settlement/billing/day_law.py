"""The law that each settlement day is billed by: that which the run that posted it was pinned to.

A document bills days, and each day under its own law: how its lines are taxed, what they are
called, on which clauses they rest. What a later run of a day changes is billed under the law of
that run, and what it replaces is taken back under the law by which it was billed. So neither the
day on which a document is issued nor the order in which days were settled changes what is owed.

Interest is posted for a day without a run. It goes by the law of the last day before it that a run
posted, else of the first after it.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from ledger.invoice import OUTSIDE_SCOPE, Tax
from rulebook.resolve import RuleSet
from settlement.billing.lines import line_kind
from settlement.rules.register import Register, register_of

EXEMPT = Tax("E", 0)
"""What bears no tax beside lines that do. EN 16931 lets no other category stand beside O, not
subject to tax, so that cannot be it."""

UNTAXED_NOTE = "Outside the tax base: no tax is due on this charge"


class LineTax(NamedTuple):
    """How a law taxes a line, and what it says about that."""

    tax: Tax
    note: str


@dataclass(frozen=True, eq=False)
class DayLaw:
    """A whole law, as lines are billed by it."""

    rules: RuleSet
    _taxes: dict[tuple[str, str], LineTax] = field(default_factory=dict)

    @cached_property
    def register(self) -> Register:
        """Who answers for what under it."""
        return register_of(self.rules.registrations, self.rules.charge_lists)

    def tax_of(self, kind: str, subject: str) -> LineTax:
        """Return how a line of a kind and subject is taxed."""
        key = (kind, subject)
        if key not in self._taxes:
            self._taxes[key] = tax_of_line(self.rules, self.register, kind, subject)
        return self._taxes[key]


def tax_of_line(rules: RuleSet, register: Register, kind: str, subject: str) -> LineTax:
    """Return how a line of a kind and subject is taxed under rules, with their register."""
    stated = rules.market_rules.tax
    of_market = Tax(stated.category, stated.rate_ppm)
    row = line_kind(kind)
    is_taxed = not row.is_interest
    if row.is_pass_through and (row.charge_type, subject) in register.charges:
        is_taxed = register.charges[row.charge_type, subject][1].taxed
    if is_taxed:
        return LineTax(of_market, stated.note)
    return LineTax(of_market if stated.category == OUTSIDE_SCOPE else EXEMPT, UNTAXED_NOTE)


class PostedDay(NamedTuple):
    """A settlement day as a run posted it: by which journal, and under which law."""

    day: dt.date
    number: int
    run_id: uuid.UUID
    law: DayLaw


@dataclass(frozen=True, eq=False)
class PostedMonth:
    """The days of a month as they were posted, in the order of their journals."""

    posted: Sequence[PostedDay]
    _held: dict[int | None, Mapping[dt.date, PostedDay]] = field(default_factory=dict)

    def until(self, up_to: int) -> "PostedMonth":
        """Return the month as it was posted up to a journal."""
        return PostedMonth([row for row in self.posted if row.number <= up_to])

    def held(self, up_to: int | None = None) -> Mapping[dt.date, PostedDay]:
        """Return each day as it stood after a journal, by day in order; None: as it stands."""
        # Participants that are billed together share their last journal, so few are asked for.
        if up_to not in self._held:
            latest = {row.day: row for row in self.posted if up_to is None or row.number <= up_to}
            self._held[up_to] = dict(sorted(latest.items()))
        return self._held[up_to]

    def law_on(self, day: dt.date, up_to: int | None = None) -> DayLaw | None:
        """Return the law of a day as it stood after a journal; None where no day was posted yet."""
        held = self.held(up_to)
        if day in held:
            return held[day].law
        # Of a day without a run: the module says why.
        before = [other for other in held if other < day]
        nearest = max(before, default=min(held, default=None))
        return None if nearest is None else held[nearest].law


def notes_in(tax_note: str) -> list[str]:
    """Return what laws say about the tax of a line, a text each."""
    return tax_note.split("\n")
