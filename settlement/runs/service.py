"""Settle, post and replay: each use case loads, computes, stores, and marks success last."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

import ledger.queries
import ledger.service
from ledger.journal import STUDY
from ledger.service import Posted
from rulebook.findings import Finding, Refused
from rulebook.resolve import RuleSet
from rulebook.service import rules_for_period
from settlement.billing.posting import (
    ENERGY_SUFFIX,
    MONEY_SUFFIX,
    QUANTITY_KINDS,
    SettledDay,
    draft_journals,
    settled_day,
)
from settlement.compile import register_of
from settlement.meters.store import lock_readings
from settlement.meters.terms import ruled_days
from settlement.runs import store
from settlement.runs.computing import ComputedDay, compute_days
from settlement.runs.inputs import RunInputs, run_inputs
from settlement.runs.pinned import pinned_inputs, pinned_periods
from settlement.runs.results import (
    ResultVector,
    first_difference,
    run_result_digest,
    vector_digest,
)
from settlement.runs.run import ENGINE_VERSION, Run, input_digest
from settlement.studies.inputs import StudyInputs
from settlement.studies.reporting import report_difference

Progress = Callable[[int, int], None]
"""Called with days done and days in all."""


def no_progress(_done: int, _total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class Settled:
    """A run, and whether it was there already: equal inputs are settled once."""

    run: Run
    is_new: bool


@dataclass(frozen=True)
class Replayed:
    """What came of a replay: whether the same inputs gave the same results."""

    run: Run
    result_digest: bytes
    first_difference: str | None

    @property
    def is_same(self) -> bool:
        """Whether every row came out as stored."""
        return self.first_difference is None and self.result_digest == self.run.result_digest


def settle(
    session: Session,
    market: str,
    kind: str,
    first_day: dt.date,
    last_day: dt.date,
    *,
    known_at: dt.datetime,
    now: dt.datetime,
    threads: int = 1,
    progress: Progress = no_progress,
) -> Settled:
    """Settle the days from `first_day` to `last_day` and store the results; nothing is posted.

    Equal inputs return the run that is there already.

    Raises:
        Refused: rules have a gap, the run kind is not in the calendar, readings are missing,
            `known_at` has not come yet, or one of the days is sealed, or posted under this kind or
            a later one.
    """
    refuse_future(known_at, now)
    lock_readings(session, market)  # what was known must not change while the run reads it
    periods = rules_for_period(session, market, first_day, last_day, known_at)
    _refuse_unknown_kind(kind, periods)
    inputs = run_inputs(session, market, periods, known_at)
    digest = input_digest(inputs.pins, inputs.reading_digests)
    same = store.find_equal_run(session, market, kind, first_day, last_day, digest, ENGINE_VERSION)
    if same is not None:
        return Settled(same, is_new=False)
    _refuse_sealed_days(session, market, periods)
    _refuse_posted_days(session, market, kind, periods)
    run_id = uuid.uuid4()
    day_digests = []
    for done, day in enumerate(compute(inputs, threads), start=1):
        store.append_results(session, run_id, day.vectors)
        day_digests.append(day.digest)
        progress(done, len(inputs.days))
    run = Run(
        id=run_id,
        market=market,
        kind=kind,
        first_day=first_day,
        last_day=last_day,
        known_at=known_at,
        pins=inputs.pins,
        input_digest=digest,
        engine_version=ENGINE_VERSION,
        result_digest=run_result_digest(day_digests),
        created_at=now,
    )
    store.append_run(session, run)
    return Settled(run, is_new=True)


def post(session: Session, run: Run, *, now: dt.datetime) -> list[Posted]:
    """Post every day of a run: all or nothing, once, and only the difference.

    Raises:
        Refused: the run is one of a study, or a day is posted under a later kind; nothing is
            posted.
        ledger.refusals.LedgerRefused: the ledger refused; nothing is posted.
    """
    _refuse_study(run)
    ledger.service.lock(session)
    _refuse_overtaken_days(session, run)
    posted = ledger.queries.balances(session, run.market, run.first_day, run.last_day)
    drafts = draft_journals(run, list(_settled_days(session, run)), posted)
    return ledger.service.post_many(session, drafts, now)


def replay(
    session: Session, run: Run, *, threads: int = 1, progress: Progress = no_progress
) -> Replayed:
    """Compute a run again from what it is pinned to, and compare every row.

    Nothing is written. A difference names the first row that differs, or the inputs if they do.
    """
    inputs = pinned_inputs(session, run)
    difference = None
    if run.engine_version != ENGINE_VERSION:
        difference = (
            f"engine of run {run.id}: version {run.engine_version} computed it and this is version "
            f"{ENGINE_VERSION}; replay it with the release that has that version"
        )
    elif input_digest(inputs.pins, inputs.reading_digests) != run.input_digest:
        difference = f"inputs of run {run.id}: their digest is not the one that the run names"
    digests = []
    for done, day in enumerate(compute(inputs, threads), start=1):
        digests.append(day.digest)
        difference = difference or _difference(session, run, day)
        progress(done, len(inputs.days))
    result_digest = run_result_digest(digests)
    if difference is None and result_digest != run.result_digest:
        difference = f"settlement.run {run.id}: result_digest is not that of its results"
    if difference is None and run.kind == STUDY:
        difference = report_difference(session, run)
    return Replayed(run, result_digest, difference)


def compute(inputs: RunInputs | StudyInputs, threads: int) -> Iterator[ComputedDay]:
    """Yield each day of a run as it is stored, in calendar order."""
    return compute_days(
        inputs.compiled(), inputs.days, inputs.day_readings, threads, inputs.told_of
    )


def _settled_days(session: Session, run: Run) -> Iterator[SettledDay]:
    """Yield what each day of a run comes to, from its stored results and readings."""
    for first_day, last_day, rules in pinned_periods(session, run):
        register = register_of(rules.registrations, rules.charge_lists)
        inputs = run_inputs(session, run.market, [(first_day, last_day, rules)], run.known_at)
        for day in inputs.days:
            sums = store.day_totals(session, run.id, day, (MONEY_SUFFIX, *QUANTITY_KINDS))
            energy_wh = store.day_totals(session, run.id, day, (ENERGY_SUFFIX,)) | {
                (measure, entity): int(values.sum())
                for measure, used in inputs.used[day].items()
                for entity, values in zip(used.entities, used.values, strict=True)
            }
            yield settled_day(
                run.market,
                rules.market_rules.currency,
                register,
                sums,
                energy_wh,
                day,
                store.stored_day_digest(session, run.id, day),
            )


def _difference(session: Session, run: Run, computed: ComputedDay) -> str | None:
    stored = store.day_vectors(session, run.id, computed.day)
    return first_difference(
        computed.day,
        {(vector.measure, vector.entity): _proven_digest(vector) for vector in stored},
        {(vector.measure, vector.entity): vector.digest for vector in computed.vectors},
    )


def _proven_digest(vector: ResultVector) -> bytes:
    """Return the digest stored with a vector, or nothing when its values do not give it."""
    actual = vector_digest(vector.day, vector.measure, vector.entity, vector.values)
    return vector.digest if vector.digest == actual else b""


def _refuse_study(run: Run) -> None:
    if run.kind == STUDY:
        raise Refused(
            [
                Finding(
                    "study-not-posted",
                    f"run {run.id}",
                    f"run kind {run.kind}",
                    "a study is made to look at: it is never posted and never billed",
                    "settle the days under a run kind of the calendar, and post that run",
                )
            ]
        )


def refuse_future(known_at: dt.datetime, now: dt.datetime) -> None:
    """Refuse to settle with what is known by a moment that has not come yet."""
    if known_at > now:
        raise Refused(
            [
                Finding(
                    "known-at-in-future",
                    "known_at",
                    known_at.isoformat(),
                    f"at most the present, {now.isoformat()}",
                    "settle with what is known by now",
                )
            ]
        )


def _refuse_unknown_kind(kind: str, periods: Sequence[tuple[dt.date, dt.date, RuleSet]]) -> None:
    refused = []
    for first_day, _, rules in periods:
        kinds = [entry.run for entry in rules.market_rules.settlement_calendar]
        if kind not in kinds:
            refused.append(
                Finding(
                    "unknown-run-kind",
                    f"run kind on {first_day}",
                    kind,
                    f"the settlement calendar in force has {', '.join(kinds)}",
                    "name one of these, or publish a calendar that has the kind",
                )
            )
    if refused:
        raise Refused(refused)


def _refuse_sealed_days(
    session: Session, market: str, periods: Sequence[tuple[dt.date, dt.date, RuleSet]]
) -> None:
    """Refuse to settle days to which nothing more is posted, before any of it is computed."""
    sealed = ledger.service.sealed_at(session, ((market, day) for day, _ in ruled_days(periods)))
    _refuse_any(
        Finding(
            "day-is-sealed",
            f"{market} {day}",
            f"sealed at {at.isoformat()}",
            "nothing is posted to a sealed day, so it is not settled again",
            "open a dispute of the document, or adjust a later period",
        )
        for (_, day), at in sorted(sealed.items())
    )


def _refuse_posted_days(
    session: Session,
    market: str,
    kind: str,
    periods: Sequence[tuple[dt.date, dt.date, RuleSet]],
) -> None:
    """Refuse to settle a day again under a kind that is posted, or before one that is."""
    _refuse_any(
        _out_of_order(market, day, kind, posted_kind, rules)
        for first_day, last_day, rules in periods
        for day, posted_kind in _posted_runs(session, market, first_day, last_day)
        if posted_kind in _kinds_from(rules, kind)
    )


def _refuse_overtaken_days(session: Session, run: Run) -> None:
    """Refuse to post a day that is posted under a later kind; what is posted stands."""
    for first_day, last_day, rules in pinned_periods(session, run):
        posted = _posted_runs(session, run.market, first_day, last_day)
        _refuse_any(
            _out_of_order(run.market, day, run.kind, kind, rules)
            for day, kind in posted
            if kind in _kinds_from(rules, run.kind) and (day, run.kind) not in posted
        )


def _posted_runs(
    session: Session, market: str, first_day: dt.date, last_day: dt.date
) -> list[tuple[dt.date, str]]:
    return ledger.queries.posted_runs(session, market, first_day, last_day)


def _kinds_from(rules: RuleSet, kind: str) -> list[str]:
    """Return the kinds of the calendar from `kind` on."""
    kinds = [entry.run for entry in rules.market_rules.settlement_calendar]
    return kinds[kinds.index(kind) :]


def _out_of_order(
    market: str, day: dt.date, kind: str, posted_kind: str, rules: RuleSet
) -> Finding:
    kinds = [entry.run for entry in rules.market_rules.settlement_calendar]
    return Finding(
        "day-already-posted",
        f"{market} {day}",
        f"run kind {kind}, after {posted_kind} was posted",
        f"a day is posted once a kind, in the order {', '.join(kinds)}",
        "settle a later kind; it posts the difference",
    )


def _refuse_any(findings: Iterable[Finding]) -> None:
    found = tuple(findings)
    if found:
        raise Refused(found)
