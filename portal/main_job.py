"""The main job: from written rules to proven invoices, stage by stage.

Every stage is safe to repeat: rules that stand are not published again, a period that is settled
is not ingested or settled again, and what is billed is not billed again.
"""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from database.embedded import ROOT
from database.session import transaction
from ledger.log.note import VerifierKey
from ledger.log.rows import CheckpointRow
from ledger.payments.queries import decided_transactions, statements
from ledger.people.founding import Founder
from ledger.queries import balances
from market.settling import settle_with_market
from portal.demo_change import consult_on_change, consulted_change
from portal.demo_dispute import dispute_largest_line, disputed_subjects, settle_corrected
from portal.demo_people import OPERATOR, REGULATOR, DemoPeople, demo_people
from portal.demo_witness import register_demo_witness, witness_demo
from portal.signing import sign_log
from settlement.accounts.bank_statements import import_statements
from settlement.billing.issuing import issue_month
from settlement.billing.post import post
from settlement.datasets.files import Form
from settlement.datasets.market_files import (
    make_bank_statement,
    make_corrections,
    make_recorded_files,
    make_synthetic_files,
)
from settlement.datasets.recorded import first_instant
from settlement.enactment.approve import approve
from settlement.enactment.propose import propose_publication
from settlement.fairness.make import FairnessRequest, keep_report, make_report
from settlement.meters.ingest import MeterFile, ingest
from settlement.replays.replay import Replayed, replay
from settlement.runs import store
from settlement.runs.run import Run
from settlement.verification import list_checks

FIRST_KIND, LATER_KIND = "II", "SF"
SIGNING = "sign the log"

Clock = Callable[[], dt.datetime]
ProgressBar = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]


@dataclass(frozen=True)
class JobRequest:
    """What to run the main job on.

    Attributes:
        market: a folder of `scenarios/`.
        month: first and last day to make readings for, where there is no `data`.
        data: folder of recorded demand and availability, or None.
        seed: of the readings that are made, and of their correction.
        readings: files of the month, to ingest as they are; where there are none, they are made.
    """

    market: str
    month: tuple[dt.date, dt.date]
    data: Path | None
    seed: int
    threads: int
    readings: tuple[MeterFile, ...] = ()


@dataclass
class Job:
    """What the main job did; `change` names the law change that is in consultation, if any is."""

    request: JobRequest
    clock: Clock
    progress: ProgressBar
    people: DemoPeople
    seconds: dict[str, float] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    sums: dict[str, int] = field(default_factory=dict)
    documents: dict[str, int] = field(default_factory=dict)
    payments: dict[str, int] = field(default_factory=dict)
    replayed: Replayed | None = None
    change: str = ""
    checkpoint: CheckpointRow | None = None
    key_made: str | None = None
    witness_key: VerifierKey | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_proven(self) -> bool:
        """Whether the replay gave the same bytes and every stored row held."""
        return self.replayed is not None and self.replayed.is_same and not self.findings

    @contextmanager
    def stage(self, name: str, founder: Founder = OPERATOR) -> Iterator[Session]:
        """Time a stage and give it one transaction, in which one of the founders acts."""
        start = time.monotonic()
        with self.people.acting_as(founder.account) as session:
            yield session
        self.seconds[name] = time.monotonic() - start


def run_main_job(request: JobRequest, clock: Clock, progress: ProgressBar) -> Job:
    """Publish, meter, settle, bill, correct and again, pay, sign, witness, replay, verify.

    Raises:
        Refused: a stage was refused; the stages before it stand.
    """
    job = Job(request, clock, progress, demo_people(clock()))
    _publish(job)
    first = _ensure_first_run(job)
    _bill(job, first, "invoice")
    with job.stage("dispute a line") as session:
        dispute_largest_line(session, request.market, clock, job.people)
    _sign(job)
    later = _ensure_later_run(job, first)
    _bill(job, later, "invoice the difference")
    with job.stage("settle the dispute") as session:
        settle_corrected(session, request.market, clock())
    _pay(job)
    _report_fairness(job, later)
    _consult(job, later)
    _witness(job)
    with job.stage("replay") as session, progress("Replaying") as bar:
        job.replayed = replay(session, later, threads=request.threads, progress=bar)
    with job.stage("verify") as session, progress("Verifying") as bar:
        checks = list_checks(threads=request.threads)
        for done, check in enumerate(checks, start=1):
            job.findings.extend(check.run(session))
            bar(done, len(checks))
    with transaction() as session:
        job.sums = _sum_postings(session, later)
    return job


def _report_fairness(job: Job, run: Run) -> None:
    """Keep a fairness report of each month of a run, and of all of it where it has several.

    The last month stands beside other designs alone: a year of months would be minutes of solving.
    The pages of the others say which command puts designs beside them.
    """
    market, months = run.market, sorted({day.replace(day=1) for day in run.days})
    wanted = [
        FairnessRequest(
            market,
            min(day for day in run.days if day >= month),
            max(day for day in run.days if day.replace(day=1) == month),
            with_baselines=month == months[-1],
        )
        for month in months
    ]
    if len(months) > 1:
        wanted.append(FairnessRequest(market, run.first_day, run.last_day))
    with job.stage("report fairness") as session, job.progress("Reporting fairness") as bar:
        for request in wanted:
            made = make_report(session, request, threads=job.request.threads, progress=bar)
            keep_report(session, made, now=job.clock())
    _sign(job)


def _consult(job: Job, run: Run) -> None:
    """Have a change of the law in consultation, tried on the last month of a run."""
    start = time.monotonic()
    days = max(run.first_day, run.last_day.replace(day=1)), run.last_day
    with job.progress("Trying a change of the law") as bar:
        is_new = consult_on_change(
            job.request.market, days, job.clock, job.people,
            threads=job.request.threads, progress=bar,
        )  # fmt: skip
    job.change = consulted_change(job.request.market)
    job.seconds["try a change of the law"] = time.monotonic() - start
    if is_new:
        _sign(job)


def _publish(job: Job) -> None:
    request = job.request
    first_day = first_instant(request.data).date() if request.data else request.month[0]
    with job.stage("propose the rules", OPERATOR) as session:
        _, proposal = propose_publication(
            session,
            [ROOT / "scenarios" / request.market],
            valid_from=first_day.replace(month=1, day=1),
            now=job.clock(),
            reason="First law of the market, for the demonstration",
        )
    if proposal is not None:
        with job.stage("approve the rules", REGULATOR) as session:
            approve(session, proposal.number, proposal.content_digest.hex(), job.clock())
    _sign(job)


def _sign(job: Job) -> None:
    """Sign the log, as after every publication, post and issue."""
    before = job.seconds.get(SIGNING, 0.0)
    with job.stage(SIGNING) as session:
        published, key_made = sign_log(session, job.clock())
    job.seconds[SIGNING] += before
    job.checkpoint = published.checkpoint
    job.key_made = job.key_made or key_made


def _ensure_first_run(job: Job) -> Run:
    """Return the first run of the period, made now from readings made now unless it is there."""
    request = job.request
    with transaction() as session:
        existing = _find_first_run(session, request)
    if existing is not None:
        return _post(job, existing)
    files = list(request.readings) or _make_readings(job)
    with job.stage("ingest the readings") as session:
        ingested = ingest(session, request.market, files, received_at=job.clock())
    file = ingested[0].file
    # Files that are told may hold other days: the month is asked for, and what it lacks is named.
    days = (file.first_day, file.last_day) if request.data else request.month
    return _settle(job, FIRST_KIND, *days)


def _make_readings(job: Job) -> list[MeterFile]:
    request = job.request
    with job.stage("make the readings") as session, job.progress("Dispatching days") as bar:
        if request.data:
            return make_recorded_files(
                session, request.market, request.data, None, None,
                known=job.clock(), form=Form.PARQUET, progress=bar,
            )  # fmt: skip
        return make_synthetic_files(
            session, request.market, *request.month,
            seed=request.seed, known=job.clock(), form=Form.PARQUET, progress=bar,
        )  # fmt: skip


def _find_first_run(session: Session, request: JobRequest) -> Run | None:
    runs = [run for run in store.list_runs(session, request.market) if run.kind == FIRST_KIND]
    if request.data is None:
        return next((run for run in runs if (run.first_day, run.last_day) == request.month), None)
    # A recorded year is told from the demonstration month by its length alone.
    recorded = next((run for run in runs if len(run.days) > len(_month_days(request))), None)
    if recorded is None and runs:
        raise Refused(
            [
                Finding(
                    "other-readings",
                    f"market {request.market}",
                    f"settled from readings that were made, {runs[-1].first_day} on",
                    "a database holds either the demonstration month or the recorded year",
                    "set DATABASE_URL to another database, or remove var/postgresql",
                )
            ]
        )
    return recorded


def _month_days(request: JobRequest) -> range:
    return range((request.month[1] - request.month[0]).days + 1)


def _settle(job: Job, kind: str, first_day: dt.date, last_day: dt.date) -> Run:
    request = job.request
    with job.stage(f"settle {kind}") as session, job.progress(f"Settling {kind}") as bar:
        now = job.clock()
        settled = settle_with_market(
            session,
            request.market,
            kind,
            first_day,
            last_day,
            known_at=now,
            now=now,
            threads=request.threads,
            progress=bar,
        )
    return _post(job, settled.run)


def _post(job: Job, run: Run) -> Run:
    """Post a run, unless that was done: a run may stand unposted when the job was cut off."""
    with job.stage(f"post {run.kind}") as session:
        post(session, run, now=job.clock())
    _sign(job)
    job.runs.append(run)
    return run


def _ensure_later_run(job: Job, first: Run) -> Run:
    """Return the later run of the first run's days, after corrected readings came in."""
    market = job.request.market
    with transaction() as session:
        runs = list(store.list_runs(session, market))
    for run in runs:
        if run.kind == LATER_KIND and run.first_day == first.first_day:
            return _post(job, run)
    with job.stage("ingest a correction") as session:
        now = job.clock()
        days = (first.first_day, first.last_day)
        again = disputed_subjects(session, market)
        corrected = make_corrections(
            session, market, *days, seed=job.request.seed, known=now, read_again=again
        )
        ingest(session, market, [corrected], received_at=now)
    return _settle(job, LATER_KIND, first.first_day, first.last_day)


def _bill(job: Job, run: Run, stage: str) -> None:
    months = sorted({day.replace(day=1) for day in run.days})
    with job.stage(stage) as session, job.progress(stage.capitalize()) as bar:
        for done, month in enumerate(months, start=1):
            issued = issue_month(session, run.market, month, now=job.clock())
            for invoice in issued.invoices:
                kind = str(invoice.row.kind)
                job.documents[kind] = job.documents.get(kind, 0) + 1
            bar(done, len(months))
    _sign(job)


def _pay(job: Job) -> None:
    """Import a statement that pays what is open, unless the market has one."""
    market = job.request.market
    with job.stage("import a bank statement") as session:
        if not statements(session, market):
            now = job.clock()
            file = make_bank_statement(session, market, seed=job.request.seed, known=now)
            import_statements(
                session, market, file.name, file.content,
                received_by=OPERATOR.account, now=now,
            )  # fmt: skip
        found = decided_transactions(session, market)
    _sign(job)
    waiting = sum(bool(payment.rest_minor) for payment in found)
    job.payments = {"payments": len(found), "waiting": waiting}


def _witness(job: Job) -> None:
    """Register a witness of the demonstration's own, and let it co-sign what was signed last."""
    with job.stage("register a witness") as session:
        job.witness_key = register_demo_witness(session, job.clock())
    _sign(job)
    # By itself, once that is committed: what a witness has seen, it cannot unsee.
    with job.stage("witness the log") as session:
        witness_demo(session, job.clock())


def _sum_postings(session: Session, run: Run) -> dict[str, int]:
    """Return what is posted for the run's days, by commodity and the first part of the kind."""
    sums: dict[str, int] = {}
    posted = balances(session, run.market, run.first_day, run.last_day)
    for (_, code), amount in posted.items():
        _, commodity, _, kind, _ = code.split(":")
        name = f"{commodity} {kind.partition('.')[0]}"
        sums[name] = sums.get(name, 0) + amount
    return sums
