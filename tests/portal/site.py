"""A database with law, readings, two runs and their documents, made once for all portal tests.

Its two days are those around the clock change of spring 2024, so that one has 46 half-hours.
"""

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache

import pytest
from sqlalchemy import Engine

import database.session
from database.embedded import ROOT
from database.session import make_engine, transaction
from ledger.people.roles import Role
from market.core.events import Event
from market.core.events import Kind as Told
from market.core.quotes import MOST_PRICE_MICRO_PER_MWH
from portal.days import period_of
from portal.main_job import JobRequest, run_main_job
from portal.queries.rules import rule_on
from rulebook.changes.steps import Kind
from rulebook.documents import Registration
from rulebook.law import rules_at
from settlement.enactment.change_law import last_draft
from settlement.enactment.changes import find
from settlement.enactment.propose import propose_publication
from settlement.fairness.make import FairnessRequest, keep_report, make_report
from settlement.studies.overlay import read_overlay
from settlement.studies.study import run_study
from settlement.studies.transition import compare_with_market_in_force
from settlement.studies.transition_store import keep_transition
from settlement.trials.inputs import TrialRequest
from settlement.trials.trial import run_trial
from tests.settlement.transition_cases import prices_of
from tests.settlement.trial_cases import capped, placed
from tests.worlds import changing, people
from tests.worlds.online import feed_until, hand_in, lead

MARKET = "gb12"
FIRST_DAY, SHORT_DAY = dt.date(2024, 3, 30), dt.date(2024, 3, 31)
SUPPLIER, GENERATOR = "hearth-energy", "meridian-thermal"
OUTSIDER = "lantern-supply"
BUSINESS = "foundry-business-power"
"""Who supplies what pays the price of its node in every interval."""
ONLINE_UNTIL = dt.datetime(2024, 3, 31, 17, 40, tzinfo=dt.UTC)
"""Up to when the market was online on the short day: in the middle of an interval."""
BOOKED_AT = "N0-P2"
"""The supply point of the supplier at which something is booked, as booking 1."""
OPEN_FOR_LONG = dt.date(2090, 12, 31)


@dataclass(frozen=True)
class Site:
    """Where the database is, and what the main job left in it."""

    url: str
    engine: Engine
    first_run: str
    later_run: str
    study: str
    trial: str
    change: int
    law_change: int
    seen_trial: str
    fairness: str
    transition: str


@cache
def make_site(clone_portal_database: Callable[[], str]) -> Site:
    """Return the database of the portal tests, made on first use."""
    url = clone_portal_database()
    made = make_engine(url)
    # Nobody stops the server of the tests: to ask it first is a round trip of every transaction.
    made.pool._pre_ping = False
    request = JobRequest(MARKET, (FIRST_DAY, SHORT_DAY), data=None, seed=3, threads=1)
    with serving_from(url, made):
        job = run_main_job(request, ticking_clock(), lambda _: nullcontext(lambda *_: None))
    assert job.is_proven
    first, later = (str(run.id) for run in job.runs)
    others = (_make_study(made), _make_trial(made), _propose_change(made), _open_law_change(made))
    seen_trial = _make_seen_trial(made, others[-1])
    reports = (_make_fairness_report(made), _keep_transition(made))
    feed_until(made, MARKET, SHORT_DAY, ONLINE_UNTIL)
    _book(made)
    return Site(url, made, first, later, *others, seen_trial, *reports)


def _book(engine: Engine) -> None:
    """Book a flexible charge of the supplier, in the night that follows; it is booking 1."""
    earliest = int(dt.datetime(2024, 3, 31, 23, 0, tzinfo=dt.UTC).timestamp()) // 60
    numbers = (7_500, 7_400, earliest, earliest + 360, MOST_PRICE_MICRO_PER_MWH)
    at_us = int(ONLINE_UNTIL.timestamp()) * 1_000_000
    asked = Event(SHORT_DAY, "site", Told.REQUEST, BOOKED_AT, at_us, numbers, ("P2", "buy"))
    hand_in(engine, MARKET, [asked])
    lead(engine, MARKET)


def _open_law_change(engine: Engine) -> int:
    """Take a lower cap into a consultation that is open for long, with a response; return it."""
    now = dt.datetime(2024, 5, 2, 11, 0, tzinfo=dt.UTC)
    with transaction(engine) as session:
        rules = rules_at(session, MARKET, SHORT_DAY, now).market_rules
        people.add(session, "desk-of-hearth", Role.PARTICIPANT, MARKET, SUPPLIER)
        number = changing.opened(session, at=now, market=MARKET)
        changing.revised(session, number, [capped(rules, 3_000_000_000)])
        changing.step(session, number, Kind.ASK_REVIEW, "ada")
        of_rules = {"instrument": f"{MARKET}/market-rules"}
        said = changing.step(session, number, Kind.COMMENT, "rufus", body=of_rules)
        changing.step(session, number, Kind.ANSWER, "ada", answers=said.sequence)
        changing.consult(session, number, OPEN_FOR_LONG)
        mine = {"participant": SUPPLIER, "reason": "Low enough for households"}
        changing.step(session, number, Kind.RESPOND, "desk-of-hearth", **mine)
    return number


def _propose_change(engine: Engine) -> int:
    """Propose another bank account of the outsider, for its word; return the proposal."""
    now = dt.datetime(2024, 5, 2, 9, 0, tzinfo=dt.UTC)
    with transaction(engine) as session:
        registration = rule_on(session, f"{MARKET}/registration/{OUTSIDER}", FIRST_DAY).document
        changed = registration.model_dump() | {"iban": "GB29NWBK60161331926819"}
        _, made = propose_publication(
            session,
            [Registration.model_validate(changed)],
            valid_from=dt.date(2024, 6, 1),
            now=now,
        )
    assert made is not None
    return made.number


def _make_study(engine: Engine) -> str:
    """Study the short day under a shock of nearly every kind, and answered; return the run."""
    now = dt.datetime(2024, 5, 2, 9, 0, tzinfo=dt.UTC)
    folder = ROOT / "scenarios" / "overlays"
    (answer,) = read_overlay(folder / "price-response.yaml").price_responses
    # The day is mild: at the reference of the file nobody would wait.
    answered = (answer.model_copy(update={"reference_price_micro_per_mwh": 0}),)
    with transaction(engine) as session:
        return str(
            run_study(
                session,
                MARKET,
                read_overlay(folder / "compound.yaml").model_copy(
                    update={"price_responses": answered}
                ),
                SHORT_DAY,
                SHORT_DAY,
                source="compound.yaml",
                known_at=now,
                now=now,
            ).run.id
        )


def _make_trial(engine: Engine) -> str:
    """Try a far lower cap, and a lower one, on the short day; return the trial."""
    now = dt.datetime(2024, 5, 2, 10, 0, tzinfo=dt.UTC)
    with transaction(engine) as session:
        rules = rules_at(session, MARKET, SHORT_DAY, now).market_rules
    drafts = [placed(capped(rules, cap_micro)) for cap_micro in (60_000_000, 80_000_000)]
    request = TrialRequest(MARKET, SHORT_DAY, SHORT_DAY, drafts, now, threshold_ppm=10_000)
    return str(run_trial(lambda: transaction(engine), request, now=now).trial.id)


def _make_seen_trial(engine: Engine, number: int) -> str:
    """Try the text that is in consultation on the short day; return the trial."""
    now = dt.datetime(2024, 5, 2, 12, 0, tzinfo=dt.UTC)
    with transaction(engine) as session:
        _, draft = last_draft(find(session, number))
    request = TrialRequest(
        MARKET, SHORT_DAY, SHORT_DAY, [draft.documents], now, 10_000, draft.drawn_from
    )
    return str(run_trial(lambda: transaction(engine), request, now=now).trial.id)


def _make_fairness_report(engine: Engine) -> str:
    """Report how fair both days were, beside other designs; return them as addresses do."""
    request = FairnessRequest(MARKET, FIRST_DAY, SHORT_DAY, with_baselines=True)
    with transaction(engine) as session:
        made = make_report(session, request)
        keep_report(session, made, now=dt.datetime.now(dt.UTC))
    return period_of(FIRST_DAY, SHORT_DAY)


def _keep_transition(engine: Engine) -> str:
    """Set both days beside prices that are made up, and keep the report; return it."""
    days = [FIRST_DAY, SHORT_DAY]
    with transaction(engine) as session:
        prices = prices_of(days, "Europe/London")
        outcome = compare_with_market_in_force(session, MARKET, *days, prices)
        return str(keep_transition(session, outcome, now=dt.datetime.now(dt.UTC)).id)


@contextmanager
def serving_from(url: str, made: Engine) -> Iterator[None]:
    """Make `url` the database of this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", url)
        patch.setattr(database.session, "engine", lambda: made)
        yield


def manage(url: str, *arguments: str) -> str:
    """Run a command of the product on a database; return what it printed."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def ticking_clock() -> Callable[[], dt.datetime]:
    """Return a clock that moves a minute whenever it is read."""
    now = dt.datetime(2024, 5, 1, 9, 0, tzinfo=dt.UTC)

    def read() -> dt.datetime:
        nonlocal now
        now += dt.timedelta(minutes=1)
        return now

    return read
