"""Studies of the tiny market: overlays in a line, and a study made."""

from typing import Any

from sqlalchemy.orm import Session

from settlement.runs.settle import Progress, no_progress
from settlement.studies.overlay import Overlay
from settlement.studies.study import StudyOutcome, run_study
from tests.worlds.settled import FIRST_DAY, LAST_DAY, SETTLED, ingest_tiny, publish_tiny

OUTAGE: dict[str, Any] = {"outages": [{"units": ["U2"]}]}


def response(**told: Any) -> dict[str, Any]:
    """Return a response of offices: a hundredth of it waits for each pound above 50."""
    return {
        "products": ["office"],
        "reference_price_micro_per_mwh": 50_000_000,
        "response_ppm_per_unit": 10_000,
        "most_moved_ppm": 500_000,
        "assumption": "A round number",
        **told,
    }


def overlay(**shocks: Any) -> Overlay:
    """Return an overlay with these shocks."""
    return Overlay.model_validate(
        {"kind": "overlay", "title": "A shock", "reason": "To see what it does", **shocks}
    )


def study_tiny(
    session: Session,
    *,
    now=SETTLED,
    days=(FIRST_DAY, LAST_DAY),
    progress: Progress = no_progress,
    threads: int = 1,
    **shocks: Any,
) -> StudyOutcome:
    """Study the tiny market, published and metered before."""
    return run_study(
        session,
        "tiny",
        overlay(**(shocks or OUTAGE)),
        *days,
        source="o.yaml",
        known_at=now,
        now=now,
        progress=progress,
        threads=threads,
    )


def metered(session: Session) -> None:
    """Publish and meter the tiny market."""
    publish_tiny(session)
    ingest_tiny(session)
