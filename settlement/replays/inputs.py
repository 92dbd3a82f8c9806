"""What any stored run was computed from, found again by its pins."""

from sqlalchemy.orm import Session

from ledger.journal import STUDY
from settlement.runs.computing import SettlementInputs
from settlement.runs.inputs import run_inputs
from settlement.runs.pinned import LawOf, pinned_periods
from settlement.runs.run import Run
from settlement.studies.store import stored_inputs


def pinned_inputs(session: Session, run: Run, law_of: LawOf | None = None) -> SettlementInputs:
    """Return the rules and readings of a run, and what a study laid over them.

    Args:
        session: the caller's session.
        run: the run.
        law_of: see `pinned_periods`.

    Raises:
        Refused: a rule or a reading is not there any more, or a study has lost its overlay.
    """
    periods = pinned_periods(session, run, law_of)
    known = run_inputs(session, run.market, periods, run.known_at)
    return stored_inputs(session, run, known) if run.kind == STUDY else known
