"""Whether a statement holds entries again that another of its account holds; pure.

An export of days that were exported before opens with a balance that the account had then, so it
follows only where the account has that balance again: where what lies between moved nothing in all.

    Monday's export     opens 0.00     500.00 in     500.00 out     closes 0.00
    Tuesday's           opens 0.00     500.00 in     500.00 out     7.00 in     closes 7.00

An entry is known by its day and the bank's reference, and where the bank gives each none of its own
by its day and amount. What else a bank says of it comes otherwise in another form of export: names
in capitals, texts cut off, a batch in one sum.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import NamedTuple

from ledger.payments.statements import Statement


class BookedEntry(NamedTuple):
    """What identifies an entry, whatever words come with it."""

    booked_on: date
    amount_minor: int
    bank_reference: str


def booked_entries(statement: Statement) -> list[BookedEntry]:
    """Return the entries of a statement that moved money, in order, each with its batch summed."""
    grouped = groupby(statement.transactions, key=lambda each: each.entry)
    entries = []
    for _, of_entry in grouped:
        first, *others = of_entry
        amount = sum(each.amount_minor for each in (first, *others))
        if amount:
            entries.append(BookedEntry(first.booked_on, amount, first.bank_reference))
    return entries


def held_again(
    held: Sequence[BookedEntry],
    others: Sequence[tuple[str, Sequence[BookedEntry]]],
    *,
    at_any_balance: bool = False,
) -> list[str]:
    """Return the statements of which one holds entries again; nothing where it holds none.

    Args:
        held: the entries of the statement.
        others: name and entries of its neighbours, from it outwards.
        at_any_balance: whether it may overlap where the balance is another, since a person goes on
            without a statement.
    """
    known = [entry for _, entries in others for entry in entries]
    named, named_before = _references(held), _references(known)
    again, are_told = named & named_before, bool(named and named_before)
    left = Counter(_moved(entry) for entry in held)
    is_met, is_whole, total = False, bool(held), 0
    names: list[str] = []
    for name, entries in others:
        names.append(name)
        for entry in entries:
            total += entry.amount_minor
            is_met = is_met or _named(entry) in again
            is_whole = is_whole and left[_moved(entry)] > 0
            left[_moved(entry)] -= 1
            # Without references a part of what is there may as well be another payment of the same
            # amount, sent back and paid again; all of it since a balance, and no less, is not.
            if (is_met if are_told else is_whole) and (total == 0 or at_any_balance):
                return names
    return []


def _references(entries: Sequence[BookedEntry]) -> set[tuple[date, str]]:
    """Return days and references, without those of several entries; none where one has none."""
    count = Counter(_named(entry) for entry in entries)
    if not all(entry.bank_reference for entry in entries):
        return set()
    return {named for named, times in count.items() if times == 1}


def _named(entry: BookedEntry) -> tuple[date, str]:
    return entry.booked_on, entry.bank_reference


def _moved(entry: BookedEntry) -> tuple[date, int]:
    return entry.booked_on, entry.amount_minor
