"""The days within which each step of a dispute is taken, counted in local days.

A deadline is a day, and lasts to the end of it in the market's zone: it has passed once the local
day of a moment lies after it. So a month with a clock change needs no care of its own.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class DisputeTerms:
    """The rule that a dispute keeps to its end, whatever the law becomes.

    Args:
        digest: of the settlement terms in force when the document was issued.
        time_zone: the market's, in which days are counted.
    """

    digest: bytes
    time_zone: str
    raise_within_days: int
    answer_within_days: int
    escalate_within_days: int
    decide_within_days: int

    def day_of(self, moment: datetime) -> date:
        """Return the local day that a moment falls in."""
        return moment.astimezone(ZoneInfo(self.time_zone)).date()

    def raise_by(self, issued_at: datetime) -> date:
        """Return the last day on which a line of a document may be disputed.

        >>> terms = DisputeTerms(bytes(32), "Europe/London", 90, 15, 20, 30)
        >>> terms.raise_by(datetime.fromisoformat("2024-03-31T23:30:00+00:00"))
        datetime.date(2024, 6, 30)
        """
        return self._after(issued_at, self.raise_within_days)

    def answer_by(self, opened_at: datetime) -> date:
        """Return the last day for the operator's answer."""
        return self._after(opened_at, self.answer_within_days)

    def escalate_by(self, opened_at: datetime, answered_at: datetime | None) -> date:
        """Return the last day for escalating: from the answer, or from the day it was due."""
        if answered_at is None:
            return self.answer_by(opened_at) + timedelta(days=self.escalate_within_days)
        return self._after(answered_at, self.escalate_within_days)

    def decide_by(self, escalated_at: datetime) -> date:
        """Return the last day for the regulator's decision."""
        return self._after(escalated_at, self.decide_within_days)

    def has_passed(self, day: date, now: datetime) -> bool:
        """Return whether a deadline has passed."""
        return self.day_of(now) > day

    def _after(self, moment: datetime, days: int) -> date:
        return self.day_of(moment) + timedelta(days=days)
