"""Mark a run complete, last of all, while its law is still what was in force."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

import ledger.store
from common.refusals import Finding, Refused
from rulebook.versions import instant_shown
from settlement.runs import store
from settlement.runs.pinned import pins_in_force
from settlement.runs.run import Run


def complete(session: Session, runs: Sequence[Run]) -> None:
    """Append the rows of runs whose results are stored: the mark that they are complete.

    Waits for the ledger's lock, as their rows are facts of the log. Nobody approves law without it,
    so here it shows whether an approval of an earlier moment, which waited, became law while the
    days were computed. One that comes later sees the runs, and is refused.

    Raises:
        Refused: the law of a run's days, as the run knew it, is another by now; nothing is stored.
    """
    ledger.store.lock(session)
    for run in runs:
        if pins_in_force(session, run) != set(run.law_pins):
            raise Refused([_law_moved(run)])
        store.append_run(session, run)


def _law_moved(run: Run) -> Finding:
    return Finding(
        "law-moved-while-settling",
        f"{run.market} {run.first_day} to {run.last_day}",
        f"the law that was known at {instant_shown(run.known_at)} was changed meanwhile",
        "a run obeys the law in force on its days, as it was known then",
        "settle the days again",
    )
