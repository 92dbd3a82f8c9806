"""Trials of drafts as pages show them: what moves in a sentence, and the report as tables."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from database.paged import PagedRows
from portal.charts.chart import Chart
from portal.queries.rules import market_zone, zone_by_market
from portal.queries.uncounted import Uncounted, uncounted_effects
from portal.study_figures import percent
from portal.study_tables import Table
from portal.trials.charts import charts
from portal.trials.evenness import evenness_sentences
from portal.trials.names import UNNAMED, DraftName, names_of_draft, tried_as_law
from portal.trials.tables import DRAFT_TITLES, class_counts, drafts_of, tables
from portal.trials.words import MODE_WORDS, changed_lines, headline, least_money
from settlement.trials import store
from settlement.trials.records import Trial


@dataclass(frozen=True)
class TrialSummary:
    """One row of the list of trials; `zone` is the market's."""

    trial: Trial
    zone: str
    headline: str
    day_count: int


@dataclass(frozen=True)
class DraftShown:
    """A draft of a trial: what it changes, what it moves, and how many gain and lose.

    Attributes:
        names: the law changes and proposals that have its text.
        base: the documents that it was drawn from, and their digests in hexadecimal.
    """

    title: str
    names: tuple[DraftName, ...]
    base: tuple[tuple[str, str], ...]
    digest: str
    headline: str
    changes: tuple[str, ...]
    classes: tuple[tuple[str, int], ...]
    evenness: tuple[str, ...]

    @property
    def heading(self) -> str:
        """What it is called: by whose text it is, where that has a name."""
        named = "; ".join(name.words for name in self.names)
        return f"{named} ({self.title.lower()})" if named else self.title

    @property
    def unnamed(self) -> str:
        """What is said of it where nothing has its text."""
        return UNNAMED


@dataclass(frozen=True)
class TrialPage:
    """A trial with its drafts and its tables.

    Attributes:
        as_law: of drafts that are not wanted for all of the days, that they are tried on them.
        least: below which nothing changes for a participant; "" of an earlier release, by which
            anything did.
    """

    summary: TrialSummary
    drafts: tuple[DraftShown, ...]
    charts: tuple[Chart, ...]
    tables: tuple[Table, ...]
    as_law: tuple[str, ...]
    threshold: str
    least: str
    estimated: str
    mode: str
    command: str
    uncounted: tuple[Uncounted, ...]


def list_trials(session: Session) -> PagedRows[TrialSummary]:
    """Return all trials, latest first; those of a page are read when it is shown."""
    found = store.list_trials(session)
    return PagedRows(session, found.query, lambda rows: _summarised(session, found.read(rows)))


def trial_page(session: Session, trial_id: uuid.UUID) -> TrialPage | None:
    """Return a trial, or None."""
    trial = store.find_trial(session, trial_id)
    if trial is None:
        return None
    report, zone = trial.report, market_zone(session, trial.market)
    names = drafts_of(report)
    stored = {draft["name"]: draft for draft in trial.drafts}
    named = {name: names_of_draft(session, trial.market, stored[name]) for name in names}
    days = trial.first_day, trial.last_day
    return TrialPage(
        _summary(trial, zone),
        tuple(
            DraftShown(
                DRAFT_TITLES[name],
                named[name],
                tuple(sorted(stored[name]["base"].items())),
                stored[name]["digest"],
                headline(trial, name),
                tuple(changed_lines(report, name)),
                tuple(class_counts(report, name)),
                tuple(evenness_sentences(report, name)),
            )
            for name in names
        ),
        tuple(charts(report)),
        tuple(tables(report)),
        tuple(filter(None, (tried_as_law(name, named[name], days, zone) for name in names))),
        percent(trial.threshold_ppm),
        least_money(report),
        percent(report["readings"]["estimated_ppm"] or 0),
        MODE_WORDS[trial.mode],
        f"manage.py replay {trial.id}",
        uncounted_effects(
            session, trial.market, (draft["digest"] for draft in trial.drafts), trial.id
        ),
    )


def _summarised(session: Session, trials: Sequence[Trial]) -> list[TrialSummary]:
    zones = zone_by_market(session, (trial.market for trial in trials))
    return [_summary(trial, zones[trial.market]) for trial in trials]


def _summary(trial: Trial, zone: str) -> TrialSummary:
    days = (trial.last_day - trial.first_day).days + 1
    try:
        words = headline(trial, drafts_of(trial.report)[0])
    except (KeyError, TypeError, IndexError):  # one row that was forged hides no other
        words = "Its report cannot be read; manage.py verify says why"
    return TrialSummary(trial, zone, words, days)
