"""Hold every journal of a run to what the run's stored results come to, posting by posting."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Finding
from ledger.cause_verification import JOURNAL_CAUSE, StoredJournal, compare, read_journals
from ledger.causes import CauseSource
from settlement.billing.energy import verify_energy
from settlement.billing.held import HeldRuns
from settlement.billing.post import settled_days
from settlement.billing.posting import SettledDay, draft_journals
from settlement.runs.pinned import UNREADABLE, LawOf, law_read_once
from settlement.runs.run import Run
from settlement.runs.store import find_run


def verify_posted_runs(session: Session, held: HeldRuns | None = None) -> Iterator[Finding]:
    """Draft the journal of every posted day again, in the order of posting, and compare it.

    What earlier journals of a day posted is what is stored of them: each journal is held to the
    difference from that, as it was when it was posted. Energy of areas is held to theirs.

    Args:
        session: the caller's session.
        held: runs whose results and day totals were hashed again in this transaction.
    """
    held = held or {}
    law_of = law_read_once(session)
    days_of: defaultdict[uuid.UUID, set[dt.date | None]] = defaultdict(set)
    runs: dict[uuid.UUID, Run] = {}
    posted: defaultdict[tuple[str, dt.date | None], dict[str, int]] = defaultdict(dict)
    run_id: uuid.UUID | None = None
    settled: _Settled | None = None
    for journal in read_journals(session, CauseSource.RUN):
        if journal.run_id != run_id or settled is None:  # the days of a run come one after another
            run_id = journal.run_id
            settled = _Settled(session, run_id, law_of, held)
        if settled.run is not None:
            runs[settled.run.id] = settled.run
            days_of[settled.run.id].add(journal.settlement_day)
        of_day = posted[journal.market, journal.settlement_day]
        yield from settled.hold(journal, of_day)
        for code, amount in journal.moves:
            of_day[code] = of_day.get(code, 0) + amount
    for identity, run in runs.items():
        for day in sorted(set(run.days) - days_of[identity]):
            value = "other days of the run are posted, and a run is posted whole"
            yield damage(JOURNAL_CAUSE, f"ledger.journal of {run.market} run {run.id} {day}", value)
    yield from verify_energy(session)


class _Settled:
    """A run and what its days come to; nothing where it cannot be read."""

    def __init__(
        self, session: Session, run_id: uuid.UUID | None, law_of: LawOf, held: HeldRuns
    ) -> None:
        self.run: Run | None = None
        self.days: dict[dt.date, SettledDay] = {}
        self.is_named = False
        try:
            self.run = find_run(session, run_id) if run_id else None
            if self.run is not None:
                days = settled_days(session, self.run, law_of, held.get(self.run.id))
                self.days = {each.day: each for each in days}
        except UNREADABLE:  # which the checks of runs name
            self.is_named = True

    def hold(self, journal: StoredJournal, posted: dict[str, int]) -> Iterator[Finding]:
        """Compare a journal with the draft of its day after what was posted before."""
        day = journal.settlement_day
        if self.is_named:
            return
        if self.run is None or day not in self.days:
            value = f"run {journal.run_id} is not there, or did not settle {day}"
            yield damage(JOURNAL_CAUSE, journal.place, value)
            return
        before = {(day, code): amount for code, amount in posted.items()}
        (draft,) = draft_journals(self.run, [self.days[day]], before)
        yield from compare(journal, draft)
