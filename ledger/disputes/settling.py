"""When a run and a note settle a dispute: pure checks over what was posted and billed.

An upheld dispute ends with a correction, not with a promise: a later run, posted after the disputed
document for days that the document bills, and, where that run moved the disputed account, the note
that bills its journals to the same participant. Where an amount is upheld it must have moved it; an
energy or a count may be corrected without any money.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from ledger.disputes.rules import DisputeRule


@dataclass(frozen=True)
class Billed:
    """A document as settling needs it; it bills journals from `first` to `last`, both included."""

    id: UUID
    number: str
    series: str
    participant: str
    billing_month: date
    first_journal: int
    last_journal: int


@dataclass(frozen=True)
class Correction:
    """What a run posted, after a document, for days that the document bills.

    Args:
        run_id: the run.
        run_kind: its name in the settlement calendar; empty where it posted nothing.
        journal_numbers: its journals of those days.
        days: those days.
        moved_micro: what they moved the disputed account by, + the participant pays more.
    """

    run_id: UUID
    run_kind: str
    journal_numbers: tuple[int, ...]
    days: tuple[date, ...]
    moved_micro: int


@dataclass(frozen=True)
class NoteLine:
    """The line of a note that bills the disputed charge and subject; + the participant pays."""

    line: int
    amount_micro: int


def settling_breaches(
    disputed: Billed,
    correction: Correction,
    note: Billed | None,
    line: NoteLine | None,
    *,
    is_of_money: bool,
) -> Iterator[tuple[DisputeRule, str]]:
    """Yield the rules that settling by a run and a note would break, with the value found.

    Args:
        disputed: the document whose line is disputed.
        correction: what the run posted for its days.
        note: the note that is linked, if any.
        line: its line of the disputed charge and subject, if it has one.
        is_of_money: whether an amount is upheld, and not a quantity.
    """
    if not correction.journal_numbers:
        value = f"run {correction.run_id} posted none of them after {disputed.number}"
        yield DisputeRule.RUN_IS_NOT_LATER, value
    elif is_of_money and not correction.moved_micro:
        yield DisputeRule.RUN_CORRECTS_NOTHING, f"run {correction.run_id} moved it by nothing"
    if note is None:
        if correction.moved_micro:
            value = f"run {correction.run_id} moved the account, and no note is named"
            yield DisputeRule.NOTE_IS_MISSING, value
        return
    if not bills_correction(disputed, correction, note):
        value = (
            f"{note.number} of {note.participant} for {note.billing_month:%Y-%m}, "
            f"journals {note.first_journal} to {note.last_journal}"
        )
        yield DisputeRule.NOTE_IS_OF_ANOTHER, value
    elif line is None or line.amount_micro == 0:
        yield DisputeRule.NOTE_LEAVES_THE_LINE, f"{note.number} does not hold it"


def bills_correction(disputed: Billed, correction: Correction, note: Billed) -> bool:
    """Return whether a note follows the disputed document and bills journals of the run."""
    same = (note.series, note.participant, note.billing_month) == (
        disputed.series,
        disputed.participant,
        disputed.billing_month,
    )
    covered = (
        note.first_journal <= number <= note.last_journal for number in correction.journal_numbers
    )
    return same and note.last_journal > disputed.last_journal and any(covered)
