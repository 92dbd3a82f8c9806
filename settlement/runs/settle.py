"""Settle days: load, compute, store, and mark success last."""

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.orm import Session

import ledger.store
from common.known_at import refuse_future
from common.refusals import Finding, Refused, refuse_any
from rulebook.days import range_words, ranges_alike
from rulebook.law import rules_for_period
from rulebook.resolve import RulePeriod
from settlement.meters.store import lock_readings
from settlement.meters.terms import ruled_days
from settlement.runs import day_total_store as totals
from settlement.runs import store
from settlement.runs.calendar_order import refuse_posted_days
from settlement.runs.completing import complete
from settlement.runs.computing import compute
from settlement.runs.inputs import run_inputs
from settlement.runs.results import run_result_digest
from settlement.runs.run import ENGINE_VERSION, Run, input_digest

Progress = Callable[[int, int], None]
"""Called with days done and days in all."""


def no_progress(_done: int, _total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class Settled:
    """A run, and whether it was there already: equal inputs are settled once."""

    run: Run
    is_new: bool


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
            `known_at` has not come yet, one of the days is sealed, or posted under this kind or a
            later one, or the law moved meanwhile.
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
    # Only now: whoever asks again for a run that is there gets it, even of sealed or posted days.
    _refuse_sealed_days(session, market, periods)
    refuse_posted_days(session, market, kind, periods)
    run_id = uuid.uuid4()
    day_digests = []
    for done, day in enumerate(compute(inputs, threads), start=1):
        store.append_results(session, run_id, day.vectors)
        totals.append_day_totals(session, run_id, inputs.day_totals(day.day))
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
    # Last, as it takes the ledger's lock, for which nobody should wait while days are computed.
    complete(session, [run])
    return Settled(run, is_new=True)


class Settle(Protocol):
    """`settle`, or what does more beside it in the same transaction."""

    def __call__(
        self,
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
        """Settle days, and return their run."""


def _refuse_unknown_kind(kind: str, periods: Sequence[RulePeriod]) -> None:
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


def _refuse_sealed_days(session: Session, market: str, periods: Sequence[RulePeriod]) -> None:
    """Refuse to settle days to which nothing more is posted, before any of it is computed."""
    sealed = ledger.store.sealed_at(session, ((market, day) for day, _ in ruled_days(periods)))
    refuse_any(
        Finding(
            "day-is-sealed",
            f"{market} {range_words(first, last)}",
            f"sealed at {at.isoformat()}",
            "nothing is posted to a sealed day, so it is not settled again",
            "open a dispute of the document, or adjust a later period",
        )
        for first, last, at in ranges_alike((day, at) for (_, day), at in sorted(sealed.items()))
    )
