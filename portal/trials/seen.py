"""Trials as pages show them to whoever is signed in: sums of many, and rows of their own."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from database.paged import PagedRows
from portal.charts.chart import Chart
from portal.queries.rules import market_zone, zone_by_market
from portal.queries.uncounted import Uncounted, uncounted_effects
from portal.study_figures import percent
from portal.study_tables import Table
from portal.trials.names import DraftName, names_of_draft, tried_as_law
from portal.trials.seen_tables import (
    beside_words,
    is_withheld,
    own_table,
    public_charts,
    public_tables,
    withheld_breakdowns,
    withheld_words,
)
from portal.trials.tables import DRAFT_TITLES, drafts_of
from portal.trials.words import CLASS_WORDS, MODE_WORDS, class_key, draft_words, public_headline
from settlement.trials import seen
from settlement.trials.report import DRAFTS, SAME
from settlement.trials.seen import ListedTrial, OwnRows, PublicTrial


@dataclass(frozen=True)
class SeenSummary:
    """One row of the list of trials; `zone` is the market's."""

    trial: PublicTrial
    zone: str
    headline: str

    @property
    def day_count(self) -> int:
        """How many days it has."""
        return (self.trial.last_day - self.trial.first_day).days + 1


@dataclass(frozen=True)
class SeenDraft:
    """A draft of a trial as everybody may know it."""

    title: str
    names: tuple[DraftName, ...]
    digest: str
    headline: str


@dataclass(frozen=True)
class OwnTable:
    """What a trial says of one participant: a sentence, and its rows."""

    participant: str
    sentence: str
    tables: tuple[Table, ...]


@dataclass(frozen=True)
class SeenTrial:
    """What a page shows of a trial to those who may not read it whole.

    Attributes:
        as_law: of drafts that are not wanted for all of the days, that they are tried on them.
        withheld: in words when figures are withheld; empty where none is.
        is_told: whether it has figures; one that an earlier release made has none.
    """

    summary: SeenSummary
    drafts: tuple[SeenDraft, ...]
    own: tuple[OwnTable, ...]
    charts: tuple[Chart, ...]
    tables: tuple[Table, ...]
    as_law: tuple[str, ...]
    withheld: str
    estimated: str
    mode: str
    uncounted: tuple[Uncounted, ...]
    is_told: bool

    @property
    def first_tables(self) -> tuple[Table, ...]:
        """The totals, and how many gain and lose: what a change's page shows."""
        return self.tables[:2]


def list_seen_trials(session: Session) -> PagedRows[SeenSummary]:
    """Return the trials that everybody may know of, latest first."""
    found = seen.list_public_trials(session)
    return PagedRows(session, found.query, lambda rows: _summarised(session, found.read(rows)))


def seen_trial(session: Session, trial_id: uuid.UUID) -> SeenTrial | None:
    """Return what the reader may know of a trial; None where that is nothing."""
    trial = seen.find_public_trial(session, trial_id)
    if trial is None:
        return None
    report, is_told = trial.report, trial.public is not None
    own = seen.own_rows(session, trial_id) if is_told else ()
    zone, days = market_zone(session, trial.market), (trial.first_day, trial.last_day)
    named = {draft["name"]: names_of_draft(session, trial.market, draft) for draft in trial.drafts}
    return SeenTrial(
        _summary(trial, zone),
        tuple(
            SeenDraft(
                DRAFT_TITLES[draft["name"]],
                named[draft["name"]],
                draft["digest"],
                public_headline(trial, draft["name"]),
            )
            for draft in trial.drafts
        ),
        tuple(
            OwnTable(rows.participant, _own_sentence(trial, rows), (own_table(report, rows),))
            for rows in own
        ),
        tuple(public_charts(report)) if is_told else (),
        tuple(public_tables(report)) if is_told else (),
        tuple(filter(None, (tried_as_law(name, named[name], days, zone) for name in named))),
        _withheld(report) if is_told and is_withheld(report) else "",
        percent(trial.readings["estimated_ppm"] or 0),
        MODE_WORDS[trial.mode],
        uncounted_effects(
            session, trial.market, (draft["digest"] for draft in trial.drafts), trial.id
        ),
        is_told,
    )


def _withheld(report: dict[str, Any]) -> str:
    said = (withheld_words(report), beside_words(report), withheld_breakdowns(report))
    return " ".join(filter(None, said))


def _own_sentence(trial: PublicTrial, own: OwnRows) -> str:
    """Return how a participant fares under each draft, in words."""
    name, sentences = own.participant, []
    for draft in drafts_of(trial.report):
        of_class = own.total[class_key(draft)]
        fares = f"nothing changes for {name}"
        if of_class != SAME:
            fares = f"{name} {CLASS_WORDS[of_class]}"
        sentences.append(f"under the {draft_words(draft)} {fares}")
    words = ", and ".join(sentences)
    return f"{words[:1].upper()}{words[1:]}."


def _summarised(session: Session, listed: Sequence[ListedTrial]) -> list[SeenSummary]:
    zones = zone_by_market(session, (each.market for each in listed))
    found = (seen.find_public_trial(session, each.id) for each in listed)
    return [_summary(trial, zones[trial.market]) for trial in found if trial is not None]


def _summary(trial: PublicTrial, zone: str) -> SeenSummary:
    return SeenSummary(trial, zone, public_headline(trial, DRAFTS[0]))
