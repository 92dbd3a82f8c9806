"""What decisions paid of each document, and between which journals each of them held."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from ledger.payments.statements import AllocationRow


class PaidSpan(NamedTuple):
    """A payment of a document, from the journal of its decision to before that of the next."""

    value_on: date
    amount_minor: int
    first_journal: int
    next_journal: int | None

    def is_known_to(self, journal_number: int) -> bool:
        """Return whether the decision held just before a journal was posted."""
        return self.first_journal < journal_number and (
            self.next_journal is None or journal_number <= self.next_journal
        )


def paid_spans(
    decided: Iterable[tuple[date, Sequence[AllocationRow]]],
) -> dict[str, list[PaidSpan]]:
    """Return document -> its payments.

    Args:
        decided: the value day of each transaction, with its decisions from the first to the last.
    """
    found: defaultdict[str, list[PaidSpan]] = defaultdict(list)
    for value_on, decisions in decided:
        following = [row.journal_number for row in decisions[1:]]
        for row, next_journal in zip(decisions, [*following, None], strict=True):
            for document, amount in row.amounts.items():
                span = PaidSpan(value_on, amount, row.journal_number, next_journal)
                found[document].append(span)
    return dict(found)
