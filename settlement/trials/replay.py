"""Replay a trial: compute it again from what it is pinned to, and compare."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from rulebook.drafting import Draft
from rulebook.publication import Placed
from rulebook.reading import document_of
from rulebook.resolve import RulePeriod
from rulebook.store import versions_with_digests
from settlement.runs.inputs import RunInputs, run_inputs
from settlement.runs.pinned import UNREADABLE, law_read_once, periods_of_pins
from settlement.runs.results import vector_of
from settlement.runs.run import ENGINE_VERSION
from settlement.runs.settle import Progress, no_progress
from settlement.studies.inputs import StudyInputs
from settlement.trials.inputs import TrialInputs, TrialRequest, inputs_of_law, law_of_sides
from settlement.trials.made import Made, MadeVector, made_by_side
from settlement.trials.records import MADE_AGAIN, REPORT_FORMAT, Trial
from settlement.trials.store import made_of
from settlement.trials.trial import Transactions, TriedDays, try_days


class ReplayedTrial(NamedTuple):
    """What came of it: in words where it first differs, or None."""

    trial: Trial
    first_difference: str | None


def replay_trial(
    transactions: Transactions,
    trial: Trial,
    *,
    threads: int = 1,
    progress: Progress = no_progress,
) -> ReplayedTrial:
    """Compute a trial again, and compare digests and report; nothing is written.

    What it is pinned to and is not there as it was is a difference too.
    """
    differences = _differences(transactions, trial, threads, progress)
    first = next(differences, None)
    return ReplayedTrial(trial, first and f"settlement.trial {trial.id}: {first}")


def _differences(
    transactions: Transactions, trial: Trial, threads: int, progress: Progress
) -> Iterator[str]:
    """Yield in words how a stored trial differs from what it comes to; the first is enough."""
    if trial.engine_version != ENGINE_VERSION:
        yield (
            f"version {trial.engine_version} of the engine computed it and this is version "
            f"{ENGINE_VERSION}; replay it with the release that has that version"
        )
    if not isinstance(trial.report, dict) or trial.report.get("format") != REPORT_FORMAT:
        yield "its report is not one of this release"
    try:
        with transactions() as session:
            inputs = stored_inputs(session, trial)
    except UNREADABLE as unreadable:
        reason = str(unreadable).partition("\n")[0]
        yield f"what it was computed from cannot be read: {reason}"
        return
    wanted = {side.side: side for side in trial.sides}
    if list(wanted) != list(inputs.sides):
        yield "its sides are not the law and its drafts"
        return
    for name, digest in inputs.side_inputs.items():
        if wanted[name].input_digest != digest:
            yield f"the inputs of {name} are not what it names"
    if inputs.digest != trial.input_digest:
        yield "its inputs are not what it names"
    try:
        tried = try_days(inputs, threads, progress, with_baselines=trial.mode == MADE_AGAIN)
    except UNREADABLE as unreadable:
        reason = str(unreadable).partition("\n")[0]
        yield f"what was made of its days cannot be read: {reason}"
        return
    yield from _differences_of(trial, inputs, tried)


def _differences_of(trial: Trial, inputs: TrialInputs, tried: TriedDays) -> Iterator[str]:
    wanted = {side.side: side for side in trial.sides}
    for name, digest in tried.result_digests.items():
        if wanted[name].result_digest != digest:
            yield f"the results of {name} differ"
    for side in tried.digests(inputs):
        if wanted[side.side].made_digest != side.made_digest:
            yield f"what was made of {side.side} is not what it names"
    # Of days as metered, another machine's solver may find other prices of the same cost.
    left_out = {"beside"} if trial.mode == MADE_AGAIN else {"beside", "baselines"}
    stored = {name: value for name, value in trial.report.items() if name not in left_out}
    if tried.report != stored:
        yield "stored and recomputed reports differ"


def stored_inputs(session: Session, trial: Trial) -> TrialInputs:
    """Return what a stored trial was computed from.

    Raises:
        Refused: some of it is not there as it was.
    """
    periods = periods_of_pins(trial.market, trial.pins, law_read_once(session))
    request = TrialRequest(
        trial.market,
        trial.first_day,
        trial.last_day,
        (),
        trial.known_at,
        trial.threshold_ppm,
        mode=trial.mode,
    )
    days = [trial.first_day + dt.timedelta(days=1) * day for day in range(trial.day_count)]
    made = _stored_made(session, trial, days)
    return inputs_of_law(session, request, periods, stored_drafts(session, trial), made)


def _stored_made(session: Session, trial: Trial, days: Sequence[dt.date]) -> Mapping[str, Made]:
    """Return what was made of all of its days, or of one; nothing where they are as metered."""
    # Of a day of which nothing is stored, that is named; it is not made anew.
    only = days[0] if len(days) == 1 else None
    return made_by_side(
        map(_with_own_digest, made_of(session, trial.id, only)),
        [side.side for side in trial.sides if trial.mode == MADE_AGAIN],
        days,
    )


def stored_law(session: Session, trial: Trial) -> dict[str, list[RulePeriod]]:
    """Return the law of each side of a stored trial, period by period.

    Raises:
        Refused: some of it is not there as it was.
    """
    periods = periods_of_pins(trial.market, trial.pins, law_read_once(session))
    return law_of_sides(periods, stored_drafts(session, trial), trial.mode)


def stored_day(
    session: Session, trial: Trial, law: Mapping[str, Sequence[RulePeriod]], day: dt.date
) -> dict[str, RunInputs | StudyInputs]:
    """Return what one day of each side of a stored trial was computed from.

    A day comes out the same alone as among the others of its trial.

    Args:
        session, trial: the caller's session, and the trial.
        law: of its sides, as `stored_law` returns it.
        day: one of its days.

    Raises:
        Refused: some of it is not there as it was.
    """
    made = _stored_made(session, trial, [day])
    sides: dict[str, RunInputs | StudyInputs] = {}
    for name, periods in law.items():
        # With the days before it: what its contracts begin with is what those of the side left.
        until = [
            RulePeriod(first, min(last, day), rules)
            for first, last, rules in periods
            if first <= day
        ]
        known = run_inputs(session, trial.market, until, trial.known_at)
        is_made = trial.mode == MADE_AGAIN
        sides[name] = StudyInputs(known, None, made.get(name)) if is_made else known
    return sides


def stored_drafts(session: Session, trial: Trial) -> dict[str, Draft]:
    """Return the drafts of a stored trial, by the name of their side.

    Raises:
        Refused: a text is not there as it was.
    """
    return {record["name"]: stored_draft(session, trial, record) for record in trial.drafts}


def _with_own_digest(made: MadeVector) -> MadeVector:
    """Return a vector with the digest that its values have, whatever is stored beside them."""
    vector = made.vector
    return MadeVector(
        made.side, vector_of(vector.day, vector.measure, vector.entity, vector.values)
    )


def stored_draft(session: Session, trial: Trial, record: dict[str, Any]) -> Draft:
    """Return a draft of a trial, with the texts that it was drawn from.

    Raises:
        Refused: a text is not there as it was.
    """
    digests = {name: bytes.fromhex(digest) for name, digest in record["base"].items()}
    base = {version.instrument: version.body for version in versions_with_digests(session, digests)}
    findings: list[Finding] = [
        Finding(
            "unknown-digest",
            f"settlement.trial {trial.id}",
            f"{name} {digests[name].hex()}",
            "a draft was drawn from a text that was published",
            "restore the rulebook that the trial was pinned to",
        )
        for name in sorted(digests.keys() - base.keys())
    ]
    documents = []
    for text in record["documents"].values():
        document, wrong = document_of(text["body"], text["place"])
        findings += wrong
        if document is not None:
            documents.append(Placed(text["place"], document))
    if findings:
        raise Refused(findings)
    drawn_from = dt.datetime.fromisoformat(record["drawn_from"])
    return Draft(trial.market, tuple(documents), base, drawn_from)
