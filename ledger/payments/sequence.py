"""Which statements of a file are new, and where each stands among those of its account; pure.

A statement follows another where it opens with the balance that the other closed with, on no
earlier day. Its number is not needed for that: banks send none, skip some, and begin again; and an
identification may come again in another year. One that is there already, unchanged, is skipped, and
one that is there with other content is refused.

    1 Mar  opens 0.00, closes 50.00
    3 Mar  opens 70.00   refused: a statement that opens with 50.00 is missing
    2 Mar  opens 50.00, closes 70.00   follows, and then 3 Mar does

Where the bank cannot give what is missing, a person goes on with a reason: the difference becomes
a transaction of its own, which waits in the queue.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import takewhile
from typing import NamedTuple

from common.refusals import Finding
from ledger.payments.bank_files import Note
from ledger.payments.camt_fields import Money
from ledger.payments.camt_statement import ReadStatement
from ledger.payments.overlaps import booked_entries, held_again
from ledger.payments.statements import UNSTATED, Statement, Transaction
from ledger.rules import LedgerRule


class Known(NamedTuple):
    """A statement that is there, as it is stored, and how people name it."""

    name: str
    statement: Statement


@dataclass
class Judged:
    """What is to be imported, in this order; what is there already; notes, and what is wrong."""

    new: list[Statement] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def judge_statements(
    read: Sequence[ReadStatement],
    known: Sequence[Known],
    account: str,
    currency: str,
    *,
    missing: str = "",
) -> Judged:
    """Return which of the statements of a file are new, and everything that speaks against them.

    Args:
        read: of one account.
        known: those of the account that are there, in the order in which they were imported.
        account: under which statements are stored.
        missing: why a statement is missing, where a person goes on without it.
    """
    return _Judge(known, account, currency, missing.strip()).judge(read)


def without_bridge(statement: Statement) -> Statement:
    """Return a stored statement as its file held it, without what moved before it opened."""
    if not statement.transactions or statement.transactions[0].entry != UNSTATED:
        return statement
    bridge, *rest = statement.transactions
    opening = statement.opening_minor + bridge.amount_minor
    return replace(statement, opening_minor=opening, transactions=tuple(rest))


@dataclass(frozen=True)
class _Waiting:
    """A statement that waits for its place; one that was not read whole waits in vain."""

    read: ReadStatement
    statement: Statement | None

    @property
    def place(self) -> str:
        """How findings name it."""
        return self.read.place


class _Judge:
    def __init__(self, known: Sequence[Known], account: str, currency: str, missing: str) -> None:
        # By day, since a statement may arrive late; within a day as they came.
        self.stored = sorted(known, key=lambda each: each.statement.closed_on)
        self.chain = list(self.stored)
        self.account = account
        self.currency = currency
        self.missing = missing
        self.judged = Judged()

    def judge(self, read: Sequence[ReadStatement]) -> Judged:
        waiting = list[_Waiting]()
        for each in sorted(read, key=_order):
            whole = self._judge_alone(each)
            if whole is None or not self._is_there(each.place, whole, waiting):
                waiting.append(_Waiting(each, whole))
        waiting = self._place_all(waiting)
        while self.missing and waiting and self._bridge(waiting[0]):
            waiting = self._place_all(waiting[1:])
        self._refuse(waiting)
        return self.judged

    def _judge_alone(self, read: ReadStatement) -> Statement | None:
        """Return a statement where all of it could be read, and judge what it says by itself."""
        if read.currencies - {self.currency}:
            value = f"{'/'.join(sorted(read.currencies))}, not {self.currency}"
            self._find(LedgerRule.STATEMENT_CURRENCY_DIFFERS, read.place, value)
        if read.opened_on and read.closed_on and read.closed_on < read.opened_on:
            value = f"it opens on {read.opened_on} and closes on {read.closed_on}"
            self._find(LedgerRule.STATEMENT_IS_OUT_OF_SEQUENCE, read.place, value)
            return None
        return read.as_statement(self.account)

    def _is_there(self, place: str, statement: Statement, waiting: list[_Waiting]) -> bool:
        """Return whether a statement is there already: skipped unchanged, else refused."""
        of_file = [Known("", each.statement) for each in waiting if each.statement is not None]
        for there in (*self.chain, *of_file):
            where = f"as {there.name}" if there.name else "in the same file"
            if _is_same(statement, without_bridge(there.statement)):
                if there.name:
                    self.judged.repeated.append(there.name)
                words = "it was imported before, unchanged, " if there.name else "it stands "
                self.judged.notes.append(Note(place, f"left out: {words}{where}"))
                return True
            if _identity(statement) == _identity(there.statement):
                differs = ", ".join(_differences(statement, there.statement))
                value = f"another {where}: {differs}"
                self._find(LedgerRule.STATEMENT_HAS_OTHER_CONTENT, place, value)
                return True
        return False

    def _place_all(self, waiting: list[_Waiting]) -> list[_Waiting]:
        """Give every statement its place that has one now; return the others."""
        moved = True
        while moved:
            moved = False
            for each in list(waiting):
                statement = each.statement
                spot = None if statement is None else self._spot(statement)
                if statement is None or spot is None:
                    continue
                waiting.remove(each)
                moved = True
                if self._refuse_overlap(each.place, self._overlapped(statement, spot)):
                    continue
                if spot and spot == len(self.chain):
                    self._note_number(each.place, statement, self.chain[-1].statement)
                self._take(statement, spot)
        return waiting

    def _spot(self, statement: Statement) -> int | None:
        """Return where a statement stands: after the last if it can, else where it fits."""
        for spot in range(len(self.chain), -1, -1):
            before = self.chain[spot - 1].statement if spot else None
            after = self.chain[spot].statement if spot < len(self.chain) else None
            follows = before is None or (
                before.closing_minor == statement.opening_minor
                and before.closed_on <= statement.closed_on
                and (after is None or before.closed_on <= statement.opened_on)
            )
            leads = after is None or (
                statement.closing_minor == after.opening_minor
                and statement.closed_on <= after.opened_on
                and statement.closed_on < after.closed_on
            )
            if follows and leads:
                return spot
        return None

    def _overlapped(self, statement: Statement, spot: int, *, at_any_balance: bool = False) -> str:
        """Return which of its neighbours in a spot a statement holds again, in words."""
        before = takewhile(
            lambda each: each.statement.closed_on >= statement.opened_on,
            reversed(self.chain[:spot]),
        )
        after = takewhile(
            lambda each: each.statement.opened_on <= statement.closed_on, self.chain[spot:]
        )
        outwards = (
            [(_name(each), booked_entries(each.statement)[::-1]) for each in before],
            [(_name(each), booked_entries(each.statement)) for each in after],
        )
        held = booked_entries(statement)
        for others in outwards:
            names = held_again(held, others, at_any_balance=at_any_balance)
            if names:
                return " and ".join(sorted(names))
        return ""

    def _refuse_overlap(self, place: str, overlapped: str) -> bool:
        if overlapped:
            value = f"it holds again what {overlapped} holds"
            self._find(LedgerRule.STATEMENT_HAS_OTHER_CONTENT, place, value)
        return bool(overlapped)

    def _take(self, statement: Statement, spot: int) -> None:
        self.chain.insert(spot, Known("", statement))
        self.judged.new.append(statement)

    def _note_number(self, place: str, statement: Statement, last: Statement) -> None:
        number, before = statement.sequence_number, last.sequence_number
        if number is None or before is None or number == before + 1:
            return
        if number < before and statement.closed_on.year > last.closed_on.year:
            return
        text = f"its number is {number}, after {before} of {last.identification}"
        self.judged.notes.append(
            Note(place, f"{text}; the balances follow, so no money is missing")
        )

    def _bridge(self, waiting: _Waiting) -> bool:
        """Go on without a statement that is missing: put what moved meanwhile into the queue."""
        statement, last = waiting.statement, self.chain[-1].statement
        if statement is None or statement.opened_on < last.closed_on:
            return False
        overlapped = self._overlapped(statement, len(self.chain), at_any_balance=True)
        if self._refuse_overlap(waiting.place, overlapped):
            return True
        moved = Money(statement.opening_minor - last.closing_minor, self.currency)
        words = (
            f"Moved without a statement after {last.identification}, which closed on "
            f"{last.closed_on} with {self._money(last.closing_minor)}: {self.missing}"
        )
        bridge = Transaction(
            entry=UNSTATED, part=1, amount_minor=moved.minor,
            booked_on=statement.opened_on, value_on=statement.opened_on, is_reversal=False,
            bank_reference="", end_to_end="", counterparty="", counterparty_account="",
            reference="", remittance=words,
        )  # fmt: skip
        bridged = replace(
            statement,
            opening_minor=last.closing_minor,
            transactions=(bridge, *statement.transactions),
        )
        self._take(bridged, len(self.chain))
        text = f"goes on without a statement after {last.identification}: {moved} wait in the queue"
        self.judged.notes.append(Note(waiting.place, text))
        return True

    def _refuse(self, waiting: list[_Waiting]) -> None:
        """Say of each statement without a place why it does not follow the one before it.

        Of what could not be read nothing is said.
        """
        before: tuple[str | None, int | None, date | None] | None = None
        for each in waiting:
            read = each.read
            if before is None:
                # One that was not read whole has no place among the others of its file.
                chain = self.chain if each.statement is not None else self.stored
                last = chain[-1].statement if chain else None
                before = (
                    (last.identification, last.closing_minor, last.closed_on)
                    if last
                    else (None, None, None)
                )
            value = self._bridged(read) or self._why_out_of_order(read, *before)
            # What could not be read may be one that is there, sent again.
            may_be_there = each.statement is None and any(
                there.statement.identification == read.identification for there in self.stored
            )
            if value is not None and not may_be_there:
                self._find(LedgerRule.STATEMENT_IS_OUT_OF_SEQUENCE, each.place, value)
            before = read.identification, read.closing_minor, read.closed_on

    def _why_out_of_order(
        self, read: ReadStatement, name: str | None, closing: int | None, closed_on: date | None
    ) -> str | None:
        """Return why a statement does not follow another, as far as both are known."""
        if closing is not None and read.opening_minor not in (None, closing):
            return (
                f"it opens on {read.opened_on} with {self._money(read.opening_minor or 0)}, where "
                f"{name} closed on {closed_on} with {self._money(closing)}"
            )
        if closed_on and read.closed_on and read.closed_on < closed_on:
            return f"it closes on {read.closed_on}, {name} before it on {closed_on}"
        return None

    def _bridged(self, read: ReadStatement) -> str | None:
        """Return where the ledger went on without a statement that comes after all."""
        for there in self.chain:
            first = there.statement.transactions[:1]
            if (
                first
                and first[0].entry == UNSTATED
                and read.opening_minor == there.statement.opening_minor
                and read.closed_on is not None
                and read.closed_on <= there.statement.opened_on
            ):
                return (
                    f"{there.name or 'this file'} went on without it: its first payment holds all"
                )
        return None

    def _money(self, minor: int) -> Money:
        return Money(minor, self.currency)

    def _find(self, rule: LedgerRule, place: str, value: str) -> None:
        self.judged.findings.append(rule.finding(place, value))


def _order(read: ReadStatement) -> tuple[date, date, int]:
    """Return by what statements are ordered that come in any order; unreadable days last."""
    last = date.max
    return read.closed_on or last, read.opened_on or last, read.sequence_number or 0


def _identity(statement: Statement) -> tuple[str, int | None, date]:
    return statement.identification, statement.sequence_number, statement.closed_on


def _is_same(statement: Statement, there: Statement) -> bool:
    """Return whether two are one statement, whatever it is called if it has payments to show it."""
    if statement == there:
        return True
    renamed = replace(statement, identification=there.identification)
    return renamed == there and bool(statement.transactions)


def _name(known: Known) -> str:
    """Return how people name a statement; one of the same file by what the bank calls it."""
    return known.name or known.statement.identification


def _differences(statement: Statement, there: Statement) -> Iterator[str]:
    currency = statement.currency
    for words, name in (("opens with", "opening_minor"), ("closes with", "closing_minor")):
        minor, other = getattr(statement, name), getattr(there, name)
        if minor != other:
            yield f"it {words} {Money(minor, currency)}, not {Money(other, currency)}"
    if statement.opened_on != there.opened_on:
        yield f"it opens on {statement.opened_on}, not {there.opened_on}"
    if statement.transactions != there.transactions:
        count, before = len(statement.transactions), len(there.transactions)
        yield f"its {count} payments are not the {before} of before"
