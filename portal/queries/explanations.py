"""Why a line is what it is: the settlement's explanation with the sign that the document shows.

A self-billed document states what the market pays as a positive amount, while the ledger holds it
as a negative one. A credit note states as positive what a later run took back; its explanation
shows what the run changed, a minus. Inside the tree, what was paid is positive already; only its
top is turned.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from sqlalchemy.orm import Session

from common.quantities import energy
from portal.access import Viewer
from portal.amounts import local_time
from portal.queries.cited import CitedText
from portal.queries.invoices import InvoicePage
from settlement.core.booked import BOOKED, LATE
from settlement.documents.issued_document import IssuedLine
from settlement.explanations.explain import (
    LineDay,
    LineReference,
    explain_interval,
    explain_line,
    find_line,
    line_day,
)
from settlement.explanations.tree import CitedClause, Explanation, cited_clauses
from settlement.runs.run import Run


@dataclass(frozen=True)
class Interval:
    """One interval of a day of a line; `clock` is its start and end by the local clock.

    Attributes:
        booked: of the line of a booking, what was booked there and what is served late of it.
    """

    number: int
    start: str
    clock: str
    amount_micro: int
    booked: str = ""


@dataclass(frozen=True)
class NamedRun:
    """What a page says of a run."""

    id: uuid.UUID
    kind: str
    result_digest: bytes


@dataclass(frozen=True)
class LinePage:
    """A line as the sum of its days."""

    days: tuple[Explanation, ...]


@dataclass(frozen=True)
class DayPage:
    """A day of a line, interval by interval; `replaced` is the run that it corrected."""

    day: dt.date
    intervals: tuple[Interval, ...]
    amount_micro: int
    run: NamedRun
    replaced: NamedRun | None


@dataclass(frozen=True)
class IntervalPage:
    """The tree behind one interval of a day: what holds, and what it replaced."""

    day: DayPage
    interval: Interval
    amount_micro: int
    now: Explanation
    before: Explanation | None
    clauses: tuple[CitedClause, ...]


@dataclass(frozen=True)
class LineExplanation:
    """A line of a document, ready to be explained in the document's sign."""

    invoice: InvoicePage
    line: IssuedLine
    reference: LineReference

    @property
    def sign(self) -> int:
        """What turns the ledger's sign into that of the explanation: a minus is a credit."""
        return -1 if self.invoice.summary.is_self_billed else 1

    @property
    def clauses(self) -> tuple[CitedText, ...]:
        """The clauses that the line cites, in the versions that it obeyed."""
        return self.invoice.clauses[self.line.number]

    def by_day(self, session: Session) -> LinePage:
        """Return what was posted for each settlement day."""
        tree = explain_line(session, self.reference)
        return LinePage(
            tuple(replace(child, value=self.sign * child.value) for child in tree.children)
        )

    def read_day(self, session: Session, day: dt.date) -> LineDay | None:
        """Return what was read for a day, in the ledger's sign; None when it has nothing on it."""
        return line_day(session, self.reference, day)

    def day(self, read: LineDay) -> DayPage:
        """Return a day, interval by interval."""
        amounts = [self.sign * int(value) for value in read.amounts_micro]
        intervals = tuple(
            Interval(number, start, clock, amount, self._booked(read, number))
            for number, ((start, clock), amount) in enumerate(
                zip(local_times(read.starts, self.invoice.summary.zone), amounts, strict=True),
                start=1,
            )
        )
        replaced = None if read.replaced is None else _named(read.replaced)
        return DayPage(read.day, intervals, sum(amounts), _named(read.run), replaced)

    def _booked(self, read: LineDay, number: int) -> str:
        """Return what the line of a booking is about in an interval: by money it may be nothing."""
        if not self.reference.kind.is_booking:
            return ""
        energies = (
            (word, abs(read.facts.result(measure, self.reference.entity, number - 1)))
            for word, measure in (("", BOOKED), (" served late", LATE))
        )
        return ", ".join(f"{energy(each)}{word}" for word, each in energies if each)

    def interval(self, read: LineDay, number: int, viewer: Viewer) -> IntervalPage | None:
        """Return the tree behind an interval of a day, from 1; None where it has no such interval.

        What others were paid is summed up for those who may not see it.
        """
        day = self.day(read)
        if not 1 <= number <= len(day.intervals):
            return None
        market = self.reference.invoice.market
        whole = explain_interval(self.reference, read, number - 1)
        # Whoever may open the line may read what is its participant's: who decides a dispute, too.
        own = self.reference.invoice.participant
        tree = sum_up_others(whole, lambda owner: owner == own or viewer.may_see(market, owner))
        now, *before = (self._with_document_sign(child) for child in tree.children)
        return IntervalPage(
            day=day,
            interval=day.intervals[number - 1],
            amount_micro=self.sign * tree.value,
            now=now,
            before=before[0] if before else None,
            clauses=tuple(
                {(clause.digest, clause.anchor): clause for clause in cited_clauses(tree)}.values()
            ),
        )

    def _with_document_sign(self, tree: Explanation) -> Explanation:
        """Return a tree whose top has the document's sign, as what stands below it has."""
        return replace(tree, value=self.reference.kind.sign * tree.value)


def local_times(starts: Sequence[dt.datetime], zone: str) -> Iterator[tuple[str, str]]:
    """Yield the local start of every interval of a day, and its start and end, with zone."""
    step = starts[1] - starts[0] if len(starts) > 1 else dt.timedelta(hours=1)
    for start, end in pairwise((*starts, starts[-1] + step)):
        begins, ends = _clock_time(start, zone), _clock_time(end, zone)
        same_offset = begins.partition(" ")[2] == ends.partition(" ")[2]
        shown = begins.partition(" ")[0] if same_offset else begins
        yield begins, f"{shown} to {ends}"


def find_line_explanation(
    session: Session, invoice: InvoicePage, number: int
) -> LineExplanation | None:
    """Return a line of a document, to explain; None when the document has no such line."""
    reference = find_line(session, invoice.summary.id, number)
    line = invoice.line(number)
    if reference is None or line is None:
        return None
    if invoice.document.is_credit:
        line = replace(
            line,
            exact_micro=-line.exact_micro,
            quantity=None if line.quantity is None else -line.quantity,
        )
    return LineExplanation(invoice, line, reference)


def _named(run: Run) -> NamedRun:
    return NamedRun(run.id, run.kind, run.result_digest)


def sum_up_others(tree: Explanation, may_see: Callable[[str], bool]) -> Explanation:
    """Return a tree in which the numbers of others stand as one sum, without what is behind."""
    others = [child for child in tree.children if child.owner and not may_see(child.owner)]
    shown = [sum_up_others(child, may_see) for child in tree.children if child not in others]
    if others:
        count = f"{len(others)} figure{'s' if len(others) > 1 else ''} of other participants"
        words = "each is open to the participant, the operator and auditors"
        total = sum(child.value for child in others)
        shown.append(Explanation(count, total, others[0].unit, words))
    return replace(tree, children=tuple(shown))


def _clock_time(instant: dt.datetime, zone: str) -> str:
    return local_time(instant, zone).partition(", ")[2]
