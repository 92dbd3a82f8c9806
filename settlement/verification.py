"""Prove the schema, and every stored row: rules, readings, results, journals, invoices and log.

Each row carries a digest over all its columns, and sums of digests tie rows to runs and journals
to results. Nothing here trusts a stored digest: every one is computed again from the row.
"""

import struct
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import psycopg
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

import ledger.verification
import rulebook.verification
from common.damage import damage
from common.refusals import Finding
from database.catalogue.verification import verify_schema
from ledger.disputes.verification import verify_disputes
from ledger.log.kept import KeptCheckpoint
from ledger.log.moment_verification import verify_moments
from ledger.log.tree_verification import verify_published
from ledger.log.verification import verify_leaves
from ledger.log.witness_verification import verify_witnesses
from ledger.payments.verification import verify_payments
from ledger.people.verification import verify_people
from ledger.sealing import verify_seals
from ledger.trail.verification import verify_trail
from settlement.accounts.interest_verification import verify_interest
from settlement.billing.billed_verification import verify_billed
from settlement.billing.disputing import verify_dispute_terms
from settlement.billing.held import HeldRuns
from settlement.billing.posted_verification import verify_posted_runs
from settlement.calendar.store import law_after_seals, readings_after_seals
from settlement.enactment.change_verification import verify_changes
from settlement.enactment.verification import verify_enactment
from settlement.fairness.verification import verify_fairness
from settlement.meters.verification import verify_readings
from settlement.replays.run_verification import verify_runs
from settlement.replays.verification import verify_replays
from settlement.runs.run import Run
from settlement.studies.transition_verification import verify_transitions
from settlement.trials.verification import verify_trials

REPLAYS = "posted runs, settled again"
"""The check that `verify --quick` leaves out."""


@dataclass(frozen=True)
class Check:
    """A named part of the proof: what it reads, and what it finds wrong."""

    name: str
    findings: Callable[[Session], Iterable[Finding]]

    def run(self, session: Session) -> list[Finding]:
        """Return what is wrong; a value that cannot even be read, such as infinity, is wrong."""
        found: list[Finding] = []
        try:
            # An unreadable row breaks the transaction; from a savepoint the next check goes on.
            with session.begin_nested():
                found.extend(self.findings(session))
        except (
            DataError,
            psycopg.DataError,
            ValueError,
            OverflowError,
            struct.error,
        ) as unreadable:
            reason = str(unreadable).splitlines()[0]
            found.append(damage("unreadable", f"a row of: {self.name}", reason))
        return found


def list_checks(
    kept: KeptCheckpoint | None = None,
    *,
    threads: int = 1,
    processes: int = 1,
    left_out: Collection[str] = (),
    unreplayed: list[Run] | None = None,
) -> tuple[Check, ...]:
    """Return every check: of the schema, which guards what comes after, of runs, then of rows.

    Args:
        kept: as `list_row_checks` takes it.
        threads: days that are settled again at once; 0 to settle none again.
        processes: among which they are divided where they are many, as `verify_replays` takes it.
        left_out: earlier versions of the engine whose posted runs are not settled again; those of
            others are findings.
        unreplayed: takes those runs, for the caller to say so.
    """
    held: HeldRuns = {}
    # Before the rows: those are read under the ledger's lock, and settling again takes long.
    settle_again = partial(
        verify_replays,
        threads=threads,
        held=held,
        left_out=left_out,
        unreplayed=unreplayed,
        processes=processes,
    )
    replays = Check(REPLAYS, settle_again)
    first = (Check("schema", verify_schema), *((replays,) if threads else ()))
    return (*first, *list_row_checks(kept, held))


def list_row_checks(
    kept: KeptCheckpoint | None = None, held: HeldRuns | None = None
) -> tuple[Check, ...]:
    """Return every check of rows, in the order of the data's path, for one verification.

    A check tells those after it what it hashed and found as it is stored; so a list is made anew
    for each verification, and run in one transaction.

    Args:
        kept: a checkpoint of the log that someone kept; the log must still begin with it, and
            with its leaf hashes, what does not is named.
        held: runs whose rows a replay of this verification found as they are stored.
    """
    held = {} if held is None else held
    return (
        Check("people and their rights", verify_people),
        Check("rules", rulebook.verification.verify),
        Check("rules against decisions", verify_enactment),
        Check("changes of law", verify_changes),
        Check("moments of decisions", verify_moments),
        Check("readings", verify_readings),
        Check("runs and results", partial(verify_runs, held=held)),
        Check("trials", verify_trials),
        Check("fairness reports", verify_fairness),
        Check("transition reports", verify_transitions),
        Check("ledger", ledger.verification.verify),
        Check("seals", verify_sealed_days),
        Check("bank statements", verify_payments),
        Check("journals against results", partial(verify_posted_runs, held=held)),
        Check("interest", verify_interest),
        Check("documents against journals and law", verify_billed),
        Check("disputes", _verify_disputes),
        Check("trail", verify_trail),
        Check("transparency log", partial(_verify_log, kept=kept)),
        Check("witnesses", verify_witnesses),
    )


def _verify_log(session: Session, kept: KeptCheckpoint | None) -> Iterator[Finding]:
    yield from verify_leaves(session)
    yield from verify_published(session, kept)


def verify_sealed_days(session: Session) -> Iterator[Finding]:
    """Hold every seal to its day: no journal, reading or rule came to it afterwards."""
    yield from verify_seals(session)
    for market, day, measure, entity, revision in readings_after_seals(session):
        row = f"settlement.reading {market} {day} {measure} {entity} revision {revision}"
        yield damage("reading-after-seal", row, "it was received after the day was sealed")
    for version, market, day in law_after_seals(session):
        value = f"it changes the law of {market} {day} after the day was sealed"
        yield damage("law-after-seal", f"rulebook.version {version}", value)


def _verify_disputes(session: Session) -> Iterator[Finding]:
    yield from verify_disputes(session)
    yield from verify_dispute_terms(session)
