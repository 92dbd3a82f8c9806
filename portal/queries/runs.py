"""Settlement runs as pages show them: pins, digests, and what they moved in the ledger."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from common.refusals import Finding
from database.paged import PagedRows
from ledger.journal import ENERGY, STUDY, is_money
from ledger.queries import JournalSummary, journal_summaries
from ledger.tables import Account, Journal, Posting
from portal.queries.energy import EnergyTable, energy_table
from portal.queries.fair_play import FairPlayTotals, fair_play_totals
from portal.queries.rules import market_currency, market_zone, zone_by_market
from rulebook.days import day_start
from settlement.billing.lines import GENERATED, TAKEN, Side, is_line, line_kind
from settlement.billing.posting import EQUALISATION, LOSSES
from settlement.runs.findings import run_findings
from settlement.runs.reading_quality import QualityCounts, run_quality
from settlement.runs.run import ENGINE_VERSION, Run
from settlement.runs.store import find_run
from settlement.runs.store import list_runs as stored_runs
from settlement.studies.store import find_study


@dataclass(frozen=True)
class RunSummary:
    """One row of the list of runs; `zone` is the time zone of its market."""

    run: Run
    zone: str

    @property
    def day_count(self) -> int:
        """How many settlement days it covers."""
        return len(self.run.days)


@dataclass(frozen=True)
class Totals:
    """What journals come to, in micro and Wh; charges = payments + equalisation."""

    charges_micro: int
    payments_micro: int
    equalisation_micro: int
    generation_wh: int
    demand_wh: int
    losses_wh: int

    @property
    def remainder_micro(self) -> int:
        """Money in less money out; zero."""
        return self.charges_micro - self.payments_micro - self.equalisation_micro

    @property
    def imbalance_wh(self) -> int:
        """Generation less demand and losses."""
        return self.generation_wh - self.demand_wh - self.losses_wh


@dataclass(frozen=True)
class RunPage:
    """A run and its effect; `moved` is what its own journals moved, `position` all until it.

    `fair_play` is None where no rule of the run applied it; `findings` did not stop the run.
    """

    summary: RunSummary
    journals: tuple[JournalSummary, ...]
    moved: Totals
    position: Totals
    currency: str
    fair_play: FairPlayTotals | None
    findings: tuple[Finding, ...]
    quality: tuple[QualityCounts, ...]
    study_id: uuid.UUID | None = None
    energy: EnergyTable | None = None

    @property
    def is_study(self) -> bool:
        """Whether the run was made for a study; the ledger takes none of it."""
        return self.summary.run.kind == STUDY

    @property
    def is_of_another_engine(self) -> bool:
        """Whether another version of the engine made it, so that none here can compute it again."""
        return self.summary.run.engine_version != ENGINE_VERSION

    @property
    def commodities(self) -> tuple[str, ...]:
        """What journals of this market move: its currency, then energy."""
        return (self.currency, ENERGY)


def list_runs(session: Session) -> PagedRows[RunSummary]:
    """Return all runs, latest first."""
    runs = stored_runs(session)
    return PagedRows(session, runs.query, lambda rows: _summarised(session, runs.read(rows)))


def _summarised(session: Session, runs: Sequence[Run]) -> list[RunSummary]:
    zones = zone_by_market(session, (run.market for run in runs))
    return [RunSummary(run, zones[run.market]) for run in runs]


def run_page(session: Session, run_id: uuid.UUID) -> RunPage | None:
    """Return a run with its journals and totals, or None when there is no such run."""
    run = find_run(session, run_id)
    if run is None:
        return None
    journals = tuple(journal_summaries(session, run_id))
    moved = _sums(session, Journal.run_id == run_id)
    position = _sums(
        session,
        Journal.market == run.market,
        Journal.settlement_day.between(run.first_day, run.last_day),
        Journal.number <= (journals[-1].number if journals else 0),
    )
    zone = market_zone(session, run.market)
    return RunPage(
        summary=RunSummary(run, zone),
        journals=journals,
        moved=_totals(moved),
        position=_totals(position),
        study_id=run_id if find_study(session, run_id) else None,
        currency=market_currency(session, run.market, day_start(run.first_day, zone)),
        fair_play=fair_play_totals(session, run),
        findings=tuple(run_findings(session, run)),
        quality=run_quality(session, run),
        energy=energy_table(session, run_id),
    )


def _sums(session: Session, *conditions: ColumnElement[bool]) -> dict[tuple[str, str], int]:
    """Return (commodity, account kind) -> sum of the postings of journals."""
    rows = session.execute(
        select(Account.commodity, Account.kind, func.sum(Posting.amount))
        .select_from(Posting)
        .join(Journal, Journal.number == Posting.journal_number)
        .join(Account, Account.code == Posting.account)
        .where(*conditions)
        .group_by(Account.commodity, Account.kind)
    )
    return {(commodity, kind): int(total) for commodity, kind, total in rows}


def _totals(sums: Mapping[tuple[str, str], int]) -> Totals:
    """Return totals with the signs that people expect; the ledger holds payments as minus."""
    found: defaultdict[str, int] = defaultdict(int)
    for (commodity, kind), total in sums.items():
        if commodity == ENERGY:
            found[kind] += total
        elif is_money(commodity) and is_line(kind):
            found[line_kind(kind).side] += total
        elif kind == EQUALISATION:
            found[kind] += total
    return Totals(
        charges_micro=found[Side.CHARGE],
        payments_micro=-found[Side.PAYMENT],
        equalisation_micro=-found[EQUALISATION],
        generation_wh=-found[GENERATED.account],
        demand_wh=found[TAKEN.account],
        losses_wh=found[LOSSES],
    )
