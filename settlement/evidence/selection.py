"""Which journals and documents belong into the evidence of a run: pure choices over rows.

Of the run: the journals that post it, and those that posted the same days before it, as each run
posts the difference. Of what bills it: for each participant the documents of the month, from the
first to the one that takes the last of the run's journals into account, with every journal of the
month that they bill and the journals of their rounding and tax. So results, journals and lines can
all be added up from the file alone.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

Row = dict[str, Any]


def billing_months(days: Sequence[dt.date]) -> list[dt.date]:
    """Return the first day of each month that some days lie in."""
    return sorted({day.replace(day=1) for day in days})


def billing_documents(documents: Sequence[Row], posted: Mapping[dt.date, int]) -> list[Row]:
    """Return the documents that bill the journals of a run, and those before them in the month.

    Args:
        documents: those of the run's months, in the order of series and number.
        posted: settlement day -> number of the run's journal.
    """
    of_month: defaultdict[dt.date, list[int]] = defaultdict(list)
    for day, number in posted.items():
        of_month[day.replace(day=1)].append(number)
    taken: defaultdict[tuple[str, dt.date], set[int]] = defaultdict(set)
    for row in documents:
        taken[row["participant"], row["billing_month"]].add(row["last_journal_number"])
    last = {
        (participant, month): _last_that_bills(sorted(numbers), of_month[month])
        for (participant, month), numbers in taken.items()
    }
    return [
        row
        for row in documents
        if row["last_journal_number"] <= last[row["participant"], row["billing_month"]]
    ]


def _last_that_bills(taken: Sequence[int], journals: Sequence[int]) -> int:
    """Return up to which journal a participant's documents take those of the run into account.

    0 where none does.

    >>> [_last_that_bills([3, 7, 9], [4, 6]), _last_that_bills([5], [4, 6])]
    [7, 5]
    >>> [_last_that_bills([3], [4, 6]), _last_that_bills([3], [])]
    [0, 0]
    """
    if not journals or taken[-1] < min(journals):
        return 0
    return next((number for number in taken if number >= max(journals)), taken[-1])


def journal_numbers(
    of_months: Sequence[tuple[int, dt.date]], posted: Mapping[dt.date, int], billing: Sequence[Row]
) -> list[int]:
    """Return the numbers of the journals of an evidence file.

    Args:
        of_months: number and settlement day of every journal of the run's months.
        posted: settlement day -> number of the run's journal.
        billing: the documents that bill them.
    """
    billed: defaultdict[dt.date, int] = defaultdict(int)
    for row in billing:
        month = row["billing_month"]
        billed[month] = max(billed[month], row["last_journal_number"])
    of_run = {
        number
        for number, day in of_months
        if number <= max(posted.get(day, 0), billed[day.replace(day=1)])
    }
    closing = {row["journal_number"] for row in billing if row["journal_number"] is not None}
    return sorted(of_run | closing)


def preceding_numbers(numbers: Sequence[int]) -> list[int]:
    """Return the numbers that stand before some numbers and are not among them.

    >>> preceding_numbers([1, 4, 5, 9])
    [3, 8]
    """
    return sorted({number - 1 for number in numbers} - set(numbers) - {0})
