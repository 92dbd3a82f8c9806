"""Every fairness report hashed again, held to the posted runs that it names, and made again.

What other designs come to is a solver's, and is not solved again; all that follows from it, such as
where the market does worse, is. The rest is made again of the stored results, byte for byte, but
for the words that define figures: who words one better changes no figure of an earlier report, so
its digest and its leaf alone hold those.
"""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from common.damage import damage
from common.one_writing import canonical_value
from common.refusals import Finding
from settlement.fairness.definitions import WORDS
from settlement.fairness.make import sums_of, whole_report
from settlement.fairness.posted import LawOfRuns, days_of
from settlement.fairness.records import FairnessReport, PostedDay, fairness_input_digest
from settlement.fairness.store import report_rows, reports_beside
from settlement.runs.pinned import UNREADABLE

POSTED = text(
    "SELECT settlement_day, run_id FROM ledger.journal WHERE market = :market "
    "AND run_id IS NOT NULL AND settlement_day BETWEEN :first_day AND :last_day"
)


def verify_fairness(session: Session) -> Iterator[Finding]:
    """Hold every report to its digest, to what it rests on, and to what that comes to."""
    seen: set[uuid.UUID] = set()
    for report_id, report, stored_digest in report_rows(session):
        place = f"settlement.fairness_report {report_id}"
        if report_id in seen:
            yield damage("fairness-twice", place, "the row stands twice")
        seen.add(report_id)
        if report is None:
            yield damage("fairness-unreadable", place, "its columns cannot be read")
            continue
        if report.digest != stored_digest:
            yield damage("fairness-digest", place, "its columns do not give its digest")
        yield from _verify_report(session, report, place)


def _verify_report(session: Session, report: FairnessReport, place: str) -> Iterator[Finding]:
    days = days_of(report.first_day, report.last_day)
    if [pin.day for pin in report.pins] != days:
        yield damage("fairness-pins", place, "it does not name a run for each of its days")
        return
    named = {"market": report.market, "first_day": days[0], "last_day": days[-1]}
    posted = {(row.settlement_day, row.run_id) for row in session.execute(POSTED, named)}
    unposted = [pin for pin in report.pins if (pin.day, pin.run_id) not in posted]
    for pin in unposted:
        words = f"no journal posts {pin.day} of run {pin.run_id}, which it names"
        yield damage("fairness-pins", place, words)
    if unposted:
        return
    try:
        has_baselines = report.report["designs"] is not None
        inputs = fairness_input_digest(report.market, report.pins, with_baselines=has_baselines)
        if inputs != report.input_digest:
            yield damage("fairness-inputs", place, "what it rests on does not give its digest")
        made, found = _make_again(session, report)
        difference = first_difference(without_words(report.report), without_words(made))
    except UNREADABLE as unreadable:
        reason = str(unreadable).partition("\n")[0]
        yield damage("fairness-report", place, f"it cannot be made again: {reason}")
        return
    for pin, again in zip(report.pins, found, strict=True):
        if pin.digest != again.digest:
            words = f"of {pin.day} the results of run {pin.run_id} have another digest"
            yield damage("fairness-pins", place, words)
    if difference is not None:
        yield damage("fairness-report", place, f"stored and made again differ: {difference}")


def _make_again(
    session: Session, report: FairnessReport
) -> tuple[dict[str, Any], tuple[PostedDay, ...]]:
    """Return a report as its runs give it, with what it states of other designs."""
    runs = {pin.day: pin.run_id for pin in report.pins}
    found, sums = sums_of(session, LawOfRuns(session), runs)
    days, designs = (report.first_day, report.last_day), report.report["designs"]
    earlier = reports_beside(session, report.market, days, before=report)
    return whole_report(report.market, report.pins, sums, designs, earlier), found


def without_words(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report without the words that define its figures, in its public part too.

    >>> figures = [{"code": "carbon_g", "definition": "What is emitted", "value": 7}]
    >>> without_words({"figures": figures, "public": {"figures": figures}})["figures"]
    [{'code': 'carbon_g', 'value': 7}]
    """
    rows = [
        {name: value for name, value in row.items() if name not in WORDS}
        for row in report["figures"]
    ]
    public = {"public": without_words(report["public"])} if "public" in report else {}
    return {**report, **public, "figures": rows}


def first_difference(stored: object, made: object, path: str = "") -> str | None:
    """Return where two reports first differ, in words; None where they are the same.

    >>> first_difference({"a": [1, 2], "b": 3}, {"a": [1, 4], "b": 3})
    'a[1] is 2, and would be 4'
    >>> first_difference({"a": 1}, {"a": 1, "b": 2}), first_difference([1], [1])
    ('b is missing, and would be 2', None)
    """
    if isinstance(stored, Mapping) and isinstance(made, Mapping):
        for name in sorted(stored.keys() | made.keys(), key=str):
            below = f"{path}.{name}" if path else str(name)
            if name not in stored or name not in made:
                return _differ(below, stored.get(name, _MISSING), made.get(name, _MISSING))
            found = first_difference(stored[name], made[name], below)
            if found is not None:
                return found
        return None
    if isinstance(stored, list) and isinstance(made, list) and len(stored) == len(made):
        for number, (of_stored, of_made) in enumerate(zip(stored, made, strict=True)):
            found = first_difference(of_stored, of_made, f"{path}[{number}]")
            if found is not None:
                return found
        return None
    # By what is written: 1 and true are equal in Python, and no same bytes.
    return None if canonical_value(stored) == canonical_value(made) else _differ(path, stored, made)


_MISSING = object()
_LONGEST = 60


def _differ(path: str, stored: object, made: object) -> str:
    return f"{path} is {_shown(stored)}, and would be {_shown(made)}"


def _shown(value: object) -> str:
    written = "missing" if value is _MISSING else canonical_value(value)
    return written if len(written) <= _LONGEST else f"{written[:_LONGEST]}..."
