"""Try drafts of law on days of the past, beside the law as it was; nothing is posted.

As metered: nobody is taken to have acted otherwise, so readings stay, and what changes are prices,
charges, shares and payments. Made again: dispatch and Fair Play say on every side what would have
been metered, as studies do, so that what a draft changes of supply shows.

The readings are read in a transaction of their own, days are computed without any, and what came
out is stored in a third: nobody waits for a trial.
"""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

import ledger.store
from common.known_at import refuse_future
from common.refusals import Finding, Refused
from rulebook.law import rules_for_period
from rulebook.resolve import RuleSet
from rulebook.versions import instant_shown
from settlement.fairness.facts import DayLaw, law_of
from settlement.meters.store import files_known_at, lock_readings
from settlement.meters.terms import ruled_days
from settlement.runs.computing import ComputedDay, compute, model_on
from settlement.runs.inputs import pins_of
from settlement.runs.results import ResultVector, run_result_digest
from settlement.runs.run import ENGINE_VERSION
from settlement.runs.settle import Progress, no_progress
from settlement.studies.inputs import StudyInputs
from settlement.trials.baselines import BaselineFigures, DayPricing
from settlement.trials.beside import Told, beside
from settlement.trials.figures import ReadingQuality, SideDay, SideFigures, side_day
from settlement.trials.inputs import TrialInputs, TrialRequest, drafts_of, load_inputs
from settlement.trials.made import MadeVector, made_digest, made_totals, made_vectors
from settlement.trials.public import public_part
from settlement.trials.records import SideDigests, Trial, draft_record
from settlement.trials.report import LAW, Tried, trial_report
from settlement.trials.store import (
    append_made,
    append_trial,
    find_equal_trial,
    trials_sharing_days,
)

Transactions = Callable[[], AbstractContextManager[Session]]
"""Opens a transaction, which is committed as its block ends."""


@dataclass(frozen=True, eq=False)
class TrialOutcome:
    """A trial, and whether it was there already: equal inputs are tried once."""

    trial: Trial
    is_new: bool


@dataclass(frozen=True, eq=False)
class TriedDays:
    """What the days of a trial come to."""

    result_digests: dict[str, bytes]
    report: dict[str, Any]
    made: list[MadeVector]

    def digests(self, inputs: TrialInputs) -> tuple[SideDigests, ...]:
        """Return what each side was computed from, and came to."""
        made: dict[str, list[ResultVector]] = {}
        for side, vector in self.made:
            made.setdefault(side, []).append(vector)
        return tuple(
            SideDigests(
                name,
                digest,
                self.result_digests[name],
                made_digest(made[name]) if name in made else None,
            )
            for name, digest in inputs.side_inputs.items()
        )


def run_trial(
    transactions: Transactions,
    request: TrialRequest,
    *,
    now: dt.datetime,
    threads: int = 1,
    progress: Progress = no_progress,
) -> TrialOutcome:
    """Settle days under each draft beside the law, compare them, and store what came out.

    Raises:
        Refused: see `load_inputs`; `known_at` has not come yet; law or readings of the days moved
            meanwhile; or their sums have no room. Nothing is stored.
    """
    refuse_future(request.known_at, now)
    with transactions() as session:
        inputs = load_inputs(session, request)
        found = find_equal_trial(session, request.market, inputs.digest)
    if found is not None:
        return TrialOutcome(found, is_new=False)
    tried = try_days(inputs, threads, progress)
    days = (inputs.first_day, inputs.last_day)
    with transactions() as session:
        others = trials_sharing_days(session, inputs.market, *days)
    trial = Trial(
        id=uuid.uuid4(),
        market=inputs.market,
        first_day=inputs.first_day,
        last_day=inputs.last_day,
        known_at=inputs.known_at,
        threshold_ppm=inputs.threshold_ppm,
        pins=inputs.pins,
        drafts=[draft_record(name, draft) for name, draft in inputs.drafts.items()],
        sides=tried.digests(inputs),
        input_digest=inputs.digest,
        engine_version=ENGINE_VERSION,
        report=tried.report,
        created_at=now,
    )
    # Held to what is there before the locks are taken, and then to what came since: nobody waits.
    held = {other: _beside(trial, [told]) for other, told in others.items()}
    with transactions() as session:
        _refuse_moved(session, request, inputs)
        since = trials_sharing_days(session, inputs.market, *days, known=held.keys())
        held |= {other: _beside(trial, [told]) for other, told in since.items()}
        sums = [row for other in sorted(held, key=str) for row in held[other]]
        trial = dataclasses.replace(trial, report={**trial.report, "beside": sums})
        # Under the locks: of two trials of the same inputs at once, the second finds the first.
        found = find_equal_trial(session, request.market, inputs.digest)
        if found is None:
            append_trial(session, trial)
            append_made(session, trial.id, tried.made)
    return TrialOutcome(found or trial, is_new=found is None)


def _beside(trial: Trial, others: Sequence[Told]) -> list[dict[str, Any]]:
    return beside(Told(trial.id, trial.drafts, trial.report), others)


def try_days(
    inputs: TrialInputs,
    threads: int,
    progress: Progress = no_progress,
    *,
    with_baselines: bool = True,
) -> TriedDays:
    """Settle every day of each side, and return the report on them.

    Args:
        inputs: what the trial is computed from.
        threads: days computed at once, at least 1.
        progress: called with (done, total).
        with_baselines: whether the days are priced under other designs, too; a replay of a trial
            as metered compares none, as their prices are a solver's.

    Raises:
        Refused: the sums of a day have no room in 64 bits.
    """
    days = inputs.days
    progress(0, len(days))
    figures = {name: SideFigures() for name in inputs.sides}
    quality, made = ReadingQuality(), list[MadeVector]()
    baselines, law_models = BaselineFigures(), inputs.sides[LAW].compiled()
    with DayPricing(baselines, threads) as pricing:
        for done, computed in enumerate(settled_sides(inputs, threads), start=1):
            for name, (rules, of_side, side) in computed.items():
                if isinstance(inputs.sides[name], StudyInputs):
                    made += [MadeVector(name, vector) for vector in made_vectors(of_side)]
                figures[name].add(side, rules)
            quality.add(inputs.known_of(LAW).used[days[done - 1]])
            if with_baselines:
                rules, law, _ = computed[LAW]
                model = model_on(law_models, law.day)
                readings, is_made = inputs.known_of(LAW).metered(law.day, model), bool(made)
                pricing.add(rules, model, law, readings, is_made=is_made)
            progress(done, len(days))
        pricing.finish()
    last = inputs.known_of(LAW).periods[-1].rules
    report = trial_report(
        Tried(
            last.market_rules.currency,
            figures,
            inputs.drafts,
            quality,
            inputs.threshold_ppm,
        )
    )
    report["public"] = public_part(report)
    if with_baselines:
        report["baselines"] = baselines.report(figures[LAW])
    digests = {name: run_result_digest(side.day_digests) for name, side in figures.items()}
    return TriedDays(digests, report, made)


class SettledSide(NamedTuple):
    """A day of a side: its rules, its results, and what they come to."""

    rules: RuleSet
    computed: ComputedDay
    day: SideDay


def settled_sides(inputs: TrialInputs, threads: int) -> Iterator[dict[str, SettledSide]]:
    """Yield the days of all sides together, so that none is kept longer than it is compared.

    Raises:
        Refused: the sums of a day have no room in 64 bits.
    """
    laws = {name: dict(ruled_days(inputs.known_of(name).periods)) for name in inputs.sides}
    sides = [compute(side, threads) for side in inputs.sides.values()]
    models = {name: side.compiled() for name, side in inputs.sides.items()}
    known: dict[int, DayLaw] = {}  # by rules, which the days of a period share
    for of_sides in zip(*sides, strict=True):
        settled = {}
        for name, computed in zip(inputs.sides, of_sides, strict=True):
            side, rules = inputs.sides[name], laws[name][computed.day]
            is_made = isinstance(side, StudyInputs)
            totals = made_totals(computed) if is_made else side.day_totals(computed.day)
            if id(rules) not in known:
                known[id(rules)] = law_of(rules, model_on(models[name], computed.day))
            day = side_day(inputs.market, rules, known[id(rules)], computed, totals)
            settled[name] = SettledSide(rules, computed, day)
        yield settled


def _refuse_moved(session: Session, request: TrialRequest, inputs: TrialInputs) -> None:
    """Refuse to keep a trial whose law or readings are others by now, as they were known then."""
    lock_readings(session, inputs.market)
    known = files_known_at(session, inputs.market, inputs.known_at)
    ledger.store.lock(session)  # nobody approves law without it, and the trial is a leaf
    days = (inputs.first_day, inputs.last_day)
    law = pins_of(rules_for_period(session, inputs.market, *days, inputs.known_at))
    moved = []
    bases = {name: draft.base for name, draft in drafts_of(session, request).items()}
    if law != inputs.pins or bases != {name: d.base for name, d in inputs.drafts.items()}:
        moved.append(("law-moved-while-trying", "the law"))
    if known != inputs.files:
        moved.append(("readings-moved-while-trying", "readings"))
    if moved:
        raise Refused(
            [
                Finding(
                    code,
                    f"{inputs.market} {inputs.first_day} to {inputs.last_day}",
                    f"{what} known at {instant_shown(inputs.known_at)} were added to meanwhile",
                    "a trial says what was known when it began",
                    "try it again",
                )
                for code, what in moved
            ]
        )
