"""Every trial hashed again, and held to the law of its days as it knew it."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Finding
from rulebook.law import rules_at, rules_for_period
from settlement.runs.inputs import pins_of
from settlement.runs.pinned import UNREADABLE
from settlement.runs.results import ResultVector, vector_of
from settlement.runs.run import ENGINE_VERSION, is_earlier_engine
from settlement.trials.beside import Told, beside
from settlement.trials.made import made_digest
from settlement.trials.public import public_part
from settlement.trials.records import (
    FIRST_FORMAT,
    FORMATS,
    FORMATS_ALONE,
    REPORT_FORMAT,
    Trial,
    trial_input_digest,
)
from settlement.trials.replay import stored_draft
from settlement.trials.report import DRAFTS, LAW, groups_of
from settlement.trials.store import made_of, orphan_made_trials, trial_rows

IN_ORDER = text(
    "SELECT trial.id, trial.market, trial.first_day, trial.last_day, trial.drafts, trial.report "
    "FROM settlement.trial JOIN ledger.log_leaf AS leaf "
    "ON leaf.source = 'settlement.trial' AND leaf.key = trial.id::text ORDER BY leaf.index"
)


def verify_trials(session: Session) -> Iterator[Finding]:
    """Re-hash every trial, and hold its law and its drafts to what was published.

    What came out is not computed again here, as no money rests on it: `replay` does that.
    """
    seen: set[uuid.UUID] = set()
    for trial_id, trial, stored_digest in trial_rows(session):
        place = f"settlement.trial {trial_id}"
        if trial_id in seen:
            yield damage("trial-twice", place, "the row stands twice")
        seen.add(trial_id)
        if trial is None:
            yield damage("trial-unreadable", place, "its columns cannot be read")
            continue
        if trial.digest != stored_digest:
            yield damage("trial-digest", place, "its columns do not give its digest")
        yield from _verify_law(session, trial, place)
        yield from _verify_report(trial, place)
        yield from _verify_made(session, trial)
    yield from _verify_beside(session)
    for trial_id in orphan_made_trials(session):
        yield damage("orphan-made", f"settlement.trial_made of {trial_id}", "no such trial")


def _verify_beside(session: Session) -> Iterator[Finding]:
    """Hold every trial to those before it in the log: which sums two of them do not tell."""
    before: list[tuple[Any, Told]] = []
    for row in session.execute(IN_ORDER):
        told = Told(row.id, row.drafts, row.report)
        place = f"settlement.trial {row.id}"
        try:
            if told.report["format"] not in FORMATS_ALONE:
                sharing = [
                    other
                    for (market, first, last), other in before
                    if market == row.market and first <= row.last_day and last >= row.first_day
                ]
                if told.report["beside"] != beside(told, sharing):
                    words = "what it withholds beside other trials is another"
                    yield damage("trial-report", place, words)
        except UNREADABLE as missing:
            yield damage("trial-report", place, f"its report lacks {missing}")
        before.append(((row.market, row.first_day, row.last_day), told))


def _verify_made(session: Session, trial: Trial) -> Iterator[Finding]:
    """Re-hash what was made of a trial's days, and hold it to the digest of each side."""
    made: dict[str, list[ResultVector]] = {}
    for side, vector in made_of(session, trial.id):
        again = vector_of(vector.day, vector.measure, vector.entity, vector.values)
        if again.digest != vector.digest:
            row = f"{trial.id} {side} {vector.day} {vector.measure} {vector.entity}"
            words = "its columns do not give its digest"
            yield damage("made-digest", f"settlement.trial_made {row}", words)
        made.setdefault(side, []).append(again)
    stated = {side.side: side.made_digest for side in trial.sides if side.made_digest is not None}
    for name in sorted(made.keys() | stated.keys()):
        if made_digest(made.get(name, ())) != stated.get(name):
            place = f"settlement.trial_made {trial.id} {name}"
            yield damage("trial-made", place, "its rows are not what the trial names")


def _verify_report(trial: Trial, place: str) -> Iterator[Finding]:
    """Hold a report to itself, and its trial to what it was computed from, without computing."""
    names = [LAW, *DRAFTS[: len(trial.drafts)]]
    if [side.side for side in trial.sides] != names or _names_of(trial) != names[1:]:
        yield damage("trial-sides", place, "its sides are not the law and its drafts")
        return
    if not (trial.engine_version == ENGINE_VERSION or is_earlier_engine(trial.engine_version)):
        yield damage("trial-engine", place, "no release had the version of its engine")
    report = trial.report
    try:
        holds = report["format"] in FORMATS
        holds &= report["threshold_ppm"] == trial.threshold_ppm
        holds &= set(report["totals"]) == set(names)
        kept = {name: report["totals"][name]["equalisation_micro"] for name in names}
        received = {
            name: sum(row[f"{name}_micro"] for row in report["participants"]) for name in names
        }
        holds &= all(received[name] == -kept[name] for name in names)
        holds &= all(
            row["difference_micro"] == row["draft_micro"] - row["law_micro"]
            for row in report["participants"]
        )
        holds &= report["format"] == FIRST_FORMAT or _are_sums(report, names)
    except UNREADABLE as missing:
        yield damage("trial-report", place, f"its report lacks {missing}")
        return
    if not holds:
        yield damage("trial-report", place, "the figures of its report do not agree")


def _are_sums(report: Mapping[str, Any], names: Sequence[str]) -> bool:
    """Return whether participants, groups and what everybody may read are made of the cells."""
    received = {
        row["participant"]: [row[f"{name}_micro"] for name in names]
        for row in report["participants"]
    }
    sums = {participant: [0] * len(names) for participant in received}
    for cell in report["cells"]:
        for place, name in enumerate(names):
            sums[cell["participant"]][place] += cell[f"{name}_micro"]
    return (
        sums == received
        and report["groups"] == groups_of(report["cells"], names)
        and report["public"] == public_part(report)
    )


def _names_of(trial: Trial) -> list[object]:
    """Return what the drafts of a stored trial are called; None for one that is no record."""
    return [record.get("name") if isinstance(record, dict) else None for record in trial.drafts]


def _format_of(trial: Trial) -> str:
    """Return the format of a stored report, or this release's for one that is no report."""
    stated = trial.report.get("format") if isinstance(trial.report, dict) else None
    return stated if stated in FORMATS else REPORT_FORMAT


def _verify_law(session: Session, trial: Trial, place: str) -> Iterator[Finding]:
    """Hold a trial to the law of its days, and of the day that its drafts were drawn from."""
    days = (trial.first_day, trial.last_day)
    try:
        law = pins_of(rules_for_period(session, trial.market, *days, trial.known_at))
        drafts = {record["name"]: stored_draft(session, trial, record) for record in trial.drafts}
        in_force = {
            name: rules_at(session, trial.market, draft.drawn_from, trial.known_at).digests
            for name, draft in drafts.items()
        }
    except UNREADABLE as unreadable:
        reason = str(unreadable).partition("\n")[0]
        yield damage("trial-law", place, f"what it was tried on cannot be read: {reason}")
        return
    if set(law) != set(trial.pins):
        yield damage("trial-law", place, "the law in force on its days, as it knew it, is another")
    for record in trial.drafts:
        found = drafts[record["name"]].digest.hex()
        if record["digest"] != found:
            stated = record["digest"]
            yield damage(
                "trial-draft", place, f"a draft has digest {found}, and it states {stated}"
            )
        for instrument, digest in record["base"].items():
            if in_force[record["name"]].get(instrument) != bytes.fromhex(digest):
                words = f"{instrument} was not in force as a draft was drawn from it"
                yield damage("trial-draft", place, words)
    inputs = {side.side: side.input_digest for side in trial.sides}
    if trial.input_digest != trial_input_digest(
        days, trial.threshold_ppm, drafts, inputs, trial.engine_version, _format_of(trial)
    ):
        yield damage("trial-inputs", place, "what it was computed from does not give its digest")
