"""Attacks that would make money without a cause: journals, runs and amounts that nobody is owed.

An insider calls the product's own functions; then one owns the database, switches triggers off and
makes every digest anew. The first is refused, the second is named without anything kept.
"""

import datetime as dt
import uuid
from dataclasses import replace
from hashlib import sha256

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from common.refusals import Refused
from database.session import make_engine, transaction
from ledger.causes import Cause, CauseSource, source_that_moves
from ledger.chain import seal_journal
from ledger.journal import Account, JournalDraft, Posting
from ledger.posting import post
from ledger.rules import LedgerRule
from ledger.store import insert_accounts, insert_journals, journal_head, new_ids
from ledger.tables import Account as AccountRow
from settlement.billing.post import settled_days
from settlement.billing.posted_verification import verify_posted_runs
from settlement.billing.posting import draft_journals
from settlement.replays.verification import verify_replays
from settlement.runs.settle import settle
from settlement.tables import RunRow
from settlement.verification import list_checks, list_row_checks
from tests.attacks.attacker import turn_triggers_off
from tests.attacks.column_cases import Changed, attacking, remake_after
from tests.ledger.rules import rule_of
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import FIRST_DAY, RESETTLED, ingest_tiny

MILLION_MICRO = 1_000_000 * 1_000_000
TAKEN = Account("tiny", "GBP", "cedar-supply", "charge.fuel", "B-home")
NEXT_DAY = FIRST_DAY + dt.timedelta(days=1)
MINUTE = dt.timedelta(minutes=1)
GIVEN = Account("tiny", "GBP", "alder-power", "payment.fuel", "U1")


@pytest.fixture(scope="module")
def world(clone_filled_database):
    """The tiny market, settled twice, billed, paid, sealed and with interest; a day not posted."""
    made = make_engine(clone_filled_database())
    with transaction(made) as session:
        ingest_tiny(session, NEXT_DAY, NEXT_DAY, received_at=RESETTLED + MINUTE)
        moment = RESETTLED + 2 * MINUTE
        settle(session, "tiny", "II", NEXT_DAY, NEXT_DAY, known_at=moment, now=moment)
    yield made
    made.dispose()


@pytest.fixture
def session(world):
    with rolled_back(world) as opened:
        yield opened


def run_of_day(session: Session, day: dt.date) -> RunRow:
    found = select(RunRow).where(RunRow.kind == "II", RunRow.first_day == day)
    return session.scalars(found).one()


def invented(session: Session, **changes) -> JournalDraft:
    """A balanced journal of a million, in the name of a run that comes to something else."""
    run = run_of_day(session, NEXT_DAY)
    draft = JournalDraft(
        key="invented",
        market="tiny",
        settlement_day=run.first_day,
        run_id=run.id,
        run_kind="II",
        reason="Settlement",
        input_digest=sha256(b"at random").digest(),
        cause=Cause(CauseSource.RUN, str(run.id), run.digest),
        postings=(Posting(TAKEN, MILLION_MICRO), Posting(GIVEN, -MILLION_MICRO)),
    )
    return replace(draft, **changes)


def nothing(session):
    return {"run_id": None, "run_kind": None, "cause": Cause("", "", bytes(32))}


def random_digest(session):
    return {"cause": invented(session).cause._replace(digest=bytes(range(32)))}


def run_of_nobody(session):
    run_id = uuid.UUID(int=7)
    return {"run_id": run_id, "cause": Cause(CauseSource.RUN, str(run_id), bytes(32))}


def no_run(session):
    return {"run_id": None, "run_kind": None}


def version_of_law(session):
    leaf = session.execute(
        text("SELECT source, key, digest FROM ledger.log_leaf WHERE source = 'rulebook.version'")
    ).first()
    return {"run_id": None, "run_kind": None, "cause": Cause(*leaf)}


def fact_of(source):
    def changes(session):
        leaf = session.execute(
            text("SELECT source, key, digest FROM ledger.log_leaf WHERE source = :source"),
            {"source": source},
        ).first()
        return {
            "run_id": None,
            "run_kind": None,
            "cause": Cause(*leaf),
            "settlement_day": None,
        }

    return changes


INVENTED = {
    "no cause": (nothing, LedgerRule.CAUSE_IS_UNKNOWN),
    "a run with a digest at random": (random_digest, LedgerRule.CAUSE_IS_UNKNOWN),
    "a run that was never published": (run_of_nobody, LedgerRule.CAUSE_IS_UNKNOWN),
    "a run as its cause alone": (no_run, LedgerRule.CAUSE_IS_ANOTHER),
    "a version of the law": (version_of_law, LedgerRule.CAUSE_IS_UNKNOWN),
    "a day that the run did not settle": (
        lambda _: {"settlement_day": FIRST_DAY.replace(year=2031)},
        LedgerRule.CAUSE_IS_ANOTHER,
    ),
    "another kind": (lambda _: {"run_kind": "XX"}, LedgerRule.CAUSE_IS_ANOTHER),
    **{
        f"a fact of {source}": (fact_of(source), LedgerRule.ACCOUNT_IS_OF_ANOTHER_CAUSE)
        for source in CauseSource
        if source is not CauseSource.RUN
    },
}


@pytest.mark.parametrize("what", INVENTED)
def test_an_invented_journal_is_refused(session, what):
    changes, rule = INVENTED[what]
    with pytest.raises(Refused) as refused, session.begin_nested():
        post(session, invented(session, **changes(session)), RESETTLED)
    assert rule in {rule_of(finding) for finding in refused.value.findings}


@pytest.mark.parametrize("what", INVENTED)
def test_the_database_refuses_it_against_code_that_forgot_to_ask(session, what):
    changes, _ = INVENTED[what]
    draft = invented(session, **changes(session))
    number, digest = journal_head(session)
    sealed = seal_journal(draft, number + 1, new_ids(session, 1)[0], RESETTLED, digest)
    with pytest.raises(Refused), session.begin_nested():
        insert_accounts(session, {each.account for each in draft.postings})
        insert_journals(session, [sealed])


def test_a_cause_moves_money_once(session):
    post(session, invented(session), RESETTLED)
    with pytest.raises(Refused) as refused, session.begin_nested():
        post(session, invented(session, key="once more", run_kind="SF"), RESETTLED)
    assert [rule_of(finding) for finding in refused.value.findings] == [LedgerRule.CAUSE_IS_TAKEN]


@pytest.mark.parametrize(
    "kind", ["bank", "paid", "unallocated", "rounding", "tax", "charge.interest", "interest"]
)
def test_a_run_moves_no_account_of_another_cause(session, kind):
    moved = (
        Posting(replace(TAKEN, kind=kind), MILLION_MICRO),
        Posting(replace(GIVEN, kind=kind), -MILLION_MICRO),
    )
    with pytest.raises(Refused) as refused, session.begin_nested():
        post(session, invented(session, postings=moved), RESETTLED)
    assert {rule_of(finding) for finding in refused.value.findings} == {
        LedgerRule.ACCOUNT_IS_OF_ANOTHER_CAUSE
    }


def test_database_and_product_agree_on_what_moves_which_account(session):
    kinds = [*session.scalars(select(AccountRow.kind).distinct()), "paid", "interest", "no such"]
    for kind in kinds:
        found = session.execute(text("SELECT ledger.source_that_moves(:kind)"), {"kind": kind})
        assert found.scalar_one() == source_that_moves(kind)


def test_amounts_that_a_genuine_run_does_not_come_to_are_named(world):
    """What no trigger can know: the run is real, was never posted, and says something else."""
    with rolled_back(world) as session:
        posted = post(session, invented(session), RESETTLED)
        found = [
            (finding.code, finding.place)
            for check in list_row_checks()
            for finding in check.run(session)
        ]
    assert ("journal-cause", f"ledger.journal {posted.number} ({posted.key})") in found


def test_an_invented_run_with_invented_results_is_named(world):
    """Every digest from its results up to its journal made anew."""
    with attacking(world) as attacked:
        with attacked.session() as session:
            run_id = run_of_day(session, FIRST_DAY).id
            session.execute(
                text(
                    "UPDATE settlement.result SET values[1] = values[1] + 1000000000000 "
                    "WHERE run_id = :run AND measure = 'charge.fuel_micro'"
                ),
                {"run": run_id},
            )
            leaves = frozenset[str]()
            remake_after(session, [Changed("settlement.result", "values", leaves)])
        with attacked.session() as session:
            found = [finding.place for finding in verify_replays(session)]
    assert f"settlement.run {run_id}" in found


AMOUNTS = {
    "rounding or tax of a document": "ledger.invoice",
    "what an allocation decided": "ledger.allocation",
    "interest": "ledger.interest",
    "a day of a run": "settlement.run",
}


@pytest.mark.parametrize("what", AMOUNTS)
def test_an_amount_with_every_digest_made_anew_is_named(world, what):
    """Two postings of a journal are raised against each other; nothing was kept."""
    with attacking(world) as attacked:
        with attacked.session() as session:
            turn_triggers_off(session)
            number, lines = session.execute(
                text(
                    "SELECT journal.number, (array_agg(line ORDER BY line))[1:2] "
                    "FROM ledger.journal JOIN ledger.posting ON journal_number = journal.number "
                    "JOIN ledger.account ON code = account "
                    "WHERE cause_source = :source AND commodity = 'GBP' "
                    "GROUP BY journal.number HAVING count(*) >= 2 ORDER BY 1 LIMIT 1"
                ),
                {"source": AMOUNTS[what]},
            ).one()
            for line, change in zip(lines, (1, -1), strict=True):
                session.execute(
                    text(
                        "UPDATE ledger.posting SET amount = amount + :change "
                        "WHERE journal_number = :number AND line = :line"
                    ),
                    {"change": change * 5_000_000_007, "number": number, "line": line},
                )
            remake_after(session, [Changed("ledger.posting", "amount", frozenset())])
        with attacked.session() as session:
            found = {
                finding.place.partition(" (")[0]
                for check in list_row_checks()
                for finding in check.run(session)
                if finding.code == "journal-cause"
            }
    assert f"ledger.journal {number}" in found


def test_a_run_of_which_a_day_was_never_posted_is_named(session):
    """A day that is left out of the ledger leaves no row behind that could be wrong."""
    last, moment = NEXT_DAY + dt.timedelta(days=1), RESETTLED + 4 * MINUTE
    ingest_tiny(session, last, last, received_at=RESETTLED + 3 * MINUTE)
    run = settle(session, "tiny", "II", NEXT_DAY, last, known_at=moment, now=moment).run
    drafts = draft_journals(run, list(settled_days(session, run)), {})
    post(session, drafts[0], moment)
    assert [(found.code, found.place) for found in verify_posted_runs(session)] == [
        ("journal-cause", f"ledger.journal of tiny run {run.id} {last}")
    ]
    post(session, drafts[1], moment)
    assert list(verify_posted_runs(session)) == []


def test_quick_leaves_out_replays_alone():
    quick = {check.name for check in list_checks(threads=0)}
    assert {check.name for check in list_checks()} - quick == {"posted runs, settled again"}


def test_a_world_without_attacks_is_sound(world):
    with rolled_back(world) as session:
        assert [found for check in list_checks()[1:] for found in check.run(session)] == []
