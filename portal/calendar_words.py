"""What pages and commands say of the calendar: a range that is due, its command, late readings."""

from settlement.calendar.due import DueRange
from settlement.calendar.following import FollowingDays
from settlement.calendar.late import LateReadings

NO_RUN_LEFT = "no run is left: open a dispute, or adjust a later period"


def range_line(due_range: DueRange) -> str:
    """Return a range as a line of the list."""
    first_day, last_day = due_range.first_day, due_range.last_day
    days = f"{first_day}..{last_day}" if due_range.day_count > 1 else f"{first_day}"
    due_from, due_to = due_range.due_from, due_range.due_to
    due = f"{due_from}..{due_to}" if due_from != due_to else f"{due_from}"
    overdue = f", {due_range.overdue_days} overdue" if due_range.overdue_days else ""
    plural = "s" if due_range.day_count > 1 else ""
    return f"  {due_range.kind:<4}{days}: {due_range.day_count} day{plural}, due {due}{overdue}"


def settle_command(market: str, due_range: DueRange) -> str:
    """Return the command that settles and posts a range."""
    days = f"--from {due_range.first_day} --to {due_range.last_day}"
    return f"manage.py settle {market} {due_range.kind} {days}"


def late_words(late: LateReadings) -> str:
    """Return readings that came late, in words."""
    arrival = late.arrival
    counts = ((arrival.corrected, "corrected"), (arrival.first, "first known"))
    vectors = " and ".join(f"{count} {what}" for count, what in counts if count)
    late_by = f", {late.days_late} days late" if late.is_late else ""
    following = NO_RUN_LEFT
    if late.next_kind:
        following = f"{late.next_kind}, due {late.next_due_on}, takes them up"
    return (
        f"after {arrival.posted_kind}: {vectors} from {arrival.file}, received "
        f"{arrival.received_on}{late_by}; {following}"
    )


def following_words(days: FollowingDays) -> str:
    """Return posted days that begin otherwise since, in words, without the days themselves."""
    said = (
        f"after {days.posted_kind}: what contracts owe, remember and cover before them changed "
        f"with readings or law of {days.since}"
    )
    if days.next_kind is None:
        return f"{said}; {NO_RUN_LEFT}"
    due = days.next_due_from
    if due != days.next_due_to:
        return f"{said}; {days.next_kind}, due {due} to {days.next_due_to}, settles them again"
    return f"{said}; {days.next_kind}, due {due}, settles them again"
