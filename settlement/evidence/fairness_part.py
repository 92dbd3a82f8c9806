"""The part of an evidence file that tells how fair its run was: reports of its days alone."""

from sqlalchemy.orm import Session

from common.one_writing import canonical
from settlement.evidence.log_part import Fact, LogPart, require_covered
from settlement.evidence.rows import json_lines
from settlement.fairness.store import list_reports
from settlement.runs.run import Run
from verifier.fairness import FAIRNESS, FAIRNESS_LAYOUT

SOURCE = "settlement.fairness_report"


def fairness_files(session: Session, run: Run, log: LogPart) -> dict[str, bytes]:
    """Return the reports whose days are all of a run, by id; no file where there is none.

    Raises:
        Refused: the log has one of them with another digest.
    """
    reports = [
        report
        for report in list_reports(session, run.market)
        if {pin.run_id for pin in report.pins} == {run.id} and log.covers(SOURCE, str(report.id))
    ]
    facts = [Fact(SOURCE, str(report.id), report.digest) for report in reports]
    require_covered(session, log, facts)
    rows = [
        {
            **{name: getattr(report, name) for name in FAIRNESS_LAYOUT if name != "content"},
            "content": canonical({"pins": report.pins_as_json, "report": report.report}),
            "digest": report.digest,
        }
        for report in sorted(reports, key=lambda report: str(report.id))
    ]
    in_order = ({name: row[name] for name in (*FAIRNESS_LAYOUT, "digest")} for row in rows)
    return {FAIRNESS: json_lines(in_order)} if rows else {}
