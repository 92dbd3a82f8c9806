"""The part of an evidence file that is of fairness: the row of every report, and those of its run.

A leaf of the log says only the number of a report, so that none can be left out each row is there,
of every market and run; its content is for the evidence of its run alone.
"""

from typing import Any

from sqlalchemy.orm import Session

from settlement.evidence.log_part import Fact, LogPart, require_covered
from settlement.evidence.rows import json_lines
from settlement.fairness.records import FairnessReport
from settlement.fairness.store import list_reports
from settlement.runs.run import Run
from verifier.fairness import FAIRNESS, FAIRNESS_COLUMNS

SOURCE = "settlement.fairness_report"


def fairness_files(session: Session, run: Run, log: LogPart) -> dict[str, bytes]:
    """Return the reports that the checkpoint covers, by id; no file where there is none.

    Raises:
        Refused: the log has one of them with another digest.
    """
    rows = [
        _row(report, run) for report in list_reports(session) if log.covers(SOURCE, str(report.id))
    ]
    facts = [Fact(SOURCE, str(row["id"]), row["digest"]) for row in rows]
    require_covered(session, log, facts)
    rows.sort(key=lambda row: str(row["id"]))
    return {FAIRNESS: json_lines(rows)} if rows else {}


def _row(report: FairnessReport, run: Run) -> dict[str, Any]:
    """Return the columns of a report in their order; its content where it is of the run alone."""
    row = {name: getattr(report, name) for name in FAIRNESS_COLUMNS}
    return row if report.runs == (run.id,) else row | {"content": None}
