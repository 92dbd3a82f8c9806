"""The law that a stored run obeyed, found again by its pins."""

import datetime as dt

from sqlalchemy.orm import Session

from rulebook.law import rule_set_by_digests
from rulebook.resolve import RulePeriod
from settlement.runs.run import Pin, Run


def pinned_periods(session: Session, run: Run) -> list[RulePeriod]:
    """Return the published rules that a run obeyed, period by period."""
    pins: dict[tuple[dt.date, dt.date], list[Pin]] = {}
    for pin in run.law_pins:
        pins.setdefault((pin.first_day, pin.last_day), []).append(pin)
    return [
        RulePeriod(
            first_day,
            last_day,
            rule_set_by_digests(
                session, run.market, {pin.instrument: pin.digest for pin in period_pins}
            ),
        )
        for (first_day, last_day), period_pins in sorted(pins.items())
    ]
