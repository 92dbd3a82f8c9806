"""The month of the two-region market as every test of it wants it: settled, posted and billed."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from ledger.billing import SealedInvoice
from settlement.billing.issuing import issue_month
from settlement.billing.post import post
from settlement.explanations.explain import day_facts
from settlement.explanations.tree import DayFacts
from settlement.meters.ingest import MeterFile, ingest
from settlement.runs.run import Run
from settlement.runs.settle import settle
from settlement.runs.store import day_vectors, stored_values
from tests.conftest import ROOT
from tests.two_region.readings import FIRST_DAY, FOLDER, HOURS, LAST_DAY, SATURDAY, TIGHT_HOURS
from tests.worlds.law import publish

MARKET = "two-region"
LAW = ROOT / "scenarios" / MARKET
LAW_FROM = dt.date(2025, 1, 1)
PUBLISHED = dt.datetime(2025, 3, 10, 9, tzinfo=dt.UTC)
WORKING_DAY = dt.date(2025, 2, 3)
INGESTED, SETTLED = (PUBLISHED + dt.timedelta(hours=hours) for hours in (1, 2))
INPUT_DIGEST = "8571e87176f1a9e2c83f8ed294a92c316168ee4456ccd459ce8241918f999996"
RESULT_DIGEST = "181d1efc96fdfac3941c2eb45b08879fa03f1521b245522fa14858b3f2c5c499"
"""They change with the law, the readings or the engine, which says so by its version."""

Results = dict[tuple[str, str], np.ndarray]
"""The results of a day by measure and entity, a value an hour."""


Hours = tuple[tuple[dt.date, int], ...]
"""Hours of the month: the day, and the hour from midnight."""


@dataclass(frozen=True)
class Month:
    """What came of the month.

    Attributes:
        days: the results of each day.
        facts: all that the run knows of a working day; the readings of its hours are those of all.
        documents: what was billed.
    """

    session: Session
    run: Run
    days: dict[dt.date, Results]
    facts: DayFacts
    documents: tuple[SealedInvoice, ...]

    @property
    def working_days(self) -> list[dt.date]:
        """Monday to Friday."""
        return [day for day in self.days if day.weekday() < SATURDAY]

    @property
    def days_of_rest(self) -> list[dt.date]:
        """Saturday and Sunday."""
        return [day for day in self.days if day.weekday() >= SATURDAY]

    @property
    def tight(self) -> Hours:
        """The tight hours."""
        return tuple((day, hour) for day in self.working_days for hour in TIGHT_HOURS)

    @property
    def calm(self) -> Hours:
        """The calm hours of working days."""
        calm = [hour for hour in HOURS if hour not in TIGHT_HOURS]
        return tuple((day, hour) for day in self.working_days for hour in calm)

    @property
    def at_rest(self) -> Hours:
        """The hours of days of rest."""
        return tuple((day, hour) for day in self.days_of_rest for hour in HOURS)

    def in_each(self, hours: Hours, measure: str, entity: str) -> int | None:
        """Return a result that is the same in all of the hours; None where there is none.

        Raises:
            ValueError: it is not the same in all of them.
        """
        found = {
            int(self.days[day][measure, entity][hour])
            if (measure, entity) in self.days[day]
            else None
            for day, hour in hours
        }
        if len(found) != 1:
            raise ValueError(f"{measure} of {entity}: {found} in hours that are said to be alike")
        return found.pop()

    def of_each(self, days: list[dt.date], measure: str, entity: str) -> int:
        """Return the sum of a day, which is the same for all of the days.

        Raises:
            ValueError: it is not the same for all of them.
        """
        found = {int(self.days[day][measure, entity].sum()) for day in days}
        if len(found) != 1:
            raise ValueError(f"{measure} of {entity}: {found} on days that are said to be alike")
        return found.pop()


def settle_month(session: Session) -> Month:
    """Publish the law, ingest the readings, settle the month, post it and bill it."""
    publish(session, [LAW], valid_from=LAW_FROM, known=PUBLISHED, reason="First law of the market")
    files = [MeterFile(path.name, path.read_bytes()) for path in sorted(FOLDER.glob("*.csv"))]
    ingest(session, MARKET, files, received_at=INGESTED)
    run = settle(session, MARKET, "II", FIRST_DAY, LAST_DAY, known_at=SETTLED, now=SETTLED).run
    post(session, run, now=SETTLED)
    billed = issue_month(session, MARKET, FIRST_DAY, now=SETTLED)
    return Month(
        session,
        run,
        {day: stored_values(day_vectors(session, run.id, day)) for day in run.days},
        day_facts(session, run, WORKING_DAY),
        billed.invoices,
    )
