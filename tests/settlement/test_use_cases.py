"""Settling and posting: once a kind, only the difference, all or nothing, whoever races."""

import datetime as dt
import threading
import time
import uuid

import pytest
from sqlalchemy import text

import ledger.queries
from common.refusals import Refused
from database.session import transaction
from ledger.rules import LedgerRule
from rulebook.documents import Registration
from settlement.billing.post import post
from settlement.meters.ingest import MeterFile, ingest
from settlement.meters.register import MEASURE_TITLES
from settlement.runs import store
from settlement.runs.settle import settle
from tests.ledger.rules import rule_of
from tests.worlds import tiny_market
from tests.worlds.law import publish
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import (
    CORRECTED,
    FIRST_DAY,
    INGESTED,
    LAST_DAY,
    PUBLISHED,
    RESETTLED,
    SETTLED,
    correct_tiny,
    ingest_tiny,
    publish_tiny,
    settle_tiny,
)

DAYS = [FIRST_DAY + dt.timedelta(days=offset) for offset in range(3)]
MOVED_FROM = FIRST_DAY + dt.timedelta(days=1)
COUNTS = (
    "settlement.run",
    "settlement.result",
    "settlement.day_total",
    "ledger.account",
    "ledger.journal",
    "ledger.posting",
    "ledger.invoice",
)


def meter_tiny(session) -> None:
    publish_tiny(session)
    ingest_tiny(session)


@pytest.fixture
def metered(world_of):
    """The engine of the tiny market with its readings."""
    return world_of(meter_tiny)[0]


@pytest.fixture
def session(request, database_engine):
    """A session that is rolled back, in the metered market where the test asks for it."""
    is_metered = "metered" in request.fixturenames
    with rolled_back(
        request.getfixturevalue("metered") if is_metered else database_engine
    ) as opened:
        yield opened


def settle_days(session, kind="II", first_day=FIRST_DAY, last_day=LAST_DAY, now=SETTLED, **more):
    options = {"known_at": now, "now": now} | more
    return settle(session, "tiny", kind, first_day, last_day, **options)


def counts(session) -> dict[str, int]:
    return {name: session.scalar(text(f"SELECT count(*) FROM {name}")) for name in COUNTS}


def movements(session, run_id) -> dict[tuple[dt.date, str], int]:
    rows = session.execute(
        text(
            "SELECT settlement_day, account, amount FROM ledger.journal "
            "JOIN ledger.posting ON journal_number = number WHERE run_id = :run"
        ),
        {"run": run_id},
    )
    return {(day, account): amount for day, account, amount in rows}


def balances(session) -> dict[tuple[dt.date, str], int]:
    rows = session.execute(
        text(
            "SELECT settlement_day, account, sum(amount)::bigint FROM ledger.journal "
            "JOIN ledger.posting ON journal_number = number GROUP BY settlement_day, account"
        )
    )
    return {(day, account): amount for day, account, amount in rows if amount}


def money_of_results(session, run_id) -> dict[tuple[dt.date, str, str], int]:
    """Return day, kind and subject -> amount of the stored results, in the ledger's sign."""
    rows = session.execute(
        text(
            "SELECT settlement_day, replace(measure, '_micro', ''), entity, "
            "(SELECT sum(v) FROM unnest(values) AS v)::bigint "
            "* CASE WHEN measure LIKE 'charge.%' THEN 1 ELSE -1 END "
            r"FROM settlement.result WHERE run_id = :run AND measure LIKE '%\_micro'"
        ),
        {"run": run_id},
    )
    return {(day, kind, subject): amount for day, kind, subject, amount in rows if amount}


def money_of_ledger(session) -> dict[tuple[dt.date, str, str], int]:
    split = (
        (day, account.split(":"), amount) for (day, account), amount in balances(session).items()
    )
    return {
        (day, kind, subject): amount
        for day, (_, commodity, _, kind, subject), amount in split
        if commodity == "GBP"
    }


def move_c_home(session) -> None:
    """Publish that doric supplies C-home from the second day on, in place of cedar."""
    cedar, doric = (
        next(
            registration
            for registration in tiny_market.registrations()
            if registration.participant == name
        ).model_dump()
        for name in ("cedar", "doric")
    )
    moved = next(p for p in cedar["supply_points"] if p["supply_point"] == "C-home")
    cedar["supply_points"] = tuple(p for p in cedar["supply_points"] if p is not moved)
    doric["supply_points"] = (*doric["supply_points"], moved)
    publish(
        session,
        [Registration.model_validate(cedar), Registration.model_validate(doric)],
        valid_from=MOVED_FROM,
        known=CORRECTED,
        reason="C-home has moved",
    )


@pytest.mark.parametrize("threads", [1, 2])
def test_demand_of_which_no_tightness_can_be_computed_is_refused_by_its_day(session, threads):
    """Each reading is one that a country could have; all together are more than the world's."""
    publish_tiny(session)
    rows = [
        line.split(",") for line in tiny_market.readings_csv(FIRST_DAY, LAST_DAY).decode().split()
    ]
    for row in rows:
        if row[2] == "metered_demand_wh" and row[0].startswith("2024-01-02"):
            row[3] = str(9 * 10**12)
    content = "\n".join(map(",".join, rows)).encode()
    ingest(session, "tiny", [MeterFile("readings.csv", content)], received_at=INGESTED)
    with pytest.raises(Refused) as refused:
        settle_tiny(session, threads=threads)
    (finding,) = refused.value.findings
    assert (finding.code, finding.place) == ("quantities-too-large", "settlement of 2024-01-02")
    assert "tightness: may reach" in finding.value


def test_equal_inputs_are_settled_once(session, metered):
    first = settle_days(session)
    before = counts(session)
    again = settle_days(session, now=RESETTLED, threads=2)
    assert first.is_new
    assert not again.is_new
    assert again.run == first.run
    assert counts(session) == before


def test_a_run_is_settled_from_what_was_known(session, metered):
    early = settle_days(session)
    correct_tiny(session)
    as_known_before = settle_days(session, now=RESETTLED, known_at=SETTLED)
    as_known_now = settle_days(session, now=RESETTLED)
    assert as_known_before.run == early.run
    assert as_known_now.is_new
    assert as_known_now.run.input_digest != early.run.input_digest
    assert as_known_now.run.result_digest != early.run.result_digest


def test_what_is_posted_is_what_was_settled(session, metered):
    run = settle_tiny(session)
    assert money_of_ledger(session) == money_of_results(session, run.id)
    assert {day for day, _ in balances(session)} == set(DAYS)


def _without_triggers(session, statement) -> None:
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text(statement))
    session.execute(text("SET LOCAL session_replication_role = origin"))


def test_posting_does_not_read_the_meters_again(session, metered):
    run = settle_days(session).run
    _without_triggers(session, "DELETE FROM settlement.reading")
    post(session, run, now=SETTLED)
    assert money_of_ledger(session) == money_of_results(session, run.id)
    moved_wh = [
        amount
        for (day, account), amount in balances(session).items()
        if day == FIRST_DAY and ":WH:" in account and ":demand:" in account
    ]
    stored_wh = session.scalars(
        text(
            "SELECT total_wh FROM settlement.day_total WHERE run_id = :run "
            "AND settlement_day = :day AND measure = 'metered_demand_wh' AND total_wh <> 0"
        ),
        {"run": run.id, "day": FIRST_DAY},
    ).all()
    assert sorted(moved_wh) == sorted(stored_wh) != []


def test_a_day_without_totals_is_not_posted(session, metered):
    run = settle_days(session).run
    _without_triggers(
        session, f"DELETE FROM settlement.day_total WHERE settlement_day = '{MOVED_FROM}'"
    )
    with pytest.raises(Refused) as refused:
        post(session, run, now=SETTLED)
    (finding,) = refused.value.findings
    assert finding.code == "no-day-total"
    assert finding.place == f"settlement.day_total {run.id} {MOVED_FROM}"
    assert counts(session)["ledger.journal"] == 0


ALTERED = {
    "result-digest": "UPDATE settlement.result SET values[3] = values[3] + 1 "
    "WHERE measure = 'charge.fuel_micro' AND entity = 'B-home'",
    "day-total-digest": "UPDATE settlement.day_total SET total_wh = total_wh + 1 "
    "WHERE entity = 'B-home'",
    "run-results": "UPDATE settlement.result SET digest = sha256(digest) "
    "WHERE measure = 'demand_kw'",
}


@pytest.mark.parametrize("code", ALTERED)
def test_what_does_not_give_its_digest_is_not_posted_and_every_row_is_named(session, metered, code):
    run = settle_days(session).run
    _without_triggers(session, ALTERED[code])
    with pytest.raises(Refused) as refused:
        post(session, run, now=SETTLED)
    found = [finding.code for finding in refused.value.findings]
    assert found.count(code) == (1 if code == "run-results" else len(DAYS))
    assert set(found) == {code}
    assert counts(session)["ledger.journal"] == 0


def test_a_later_kind_posts_only_the_difference(session, metered):
    first = settle_tiny(session)
    before = balances(session)
    correct_tiny(session)
    later = settle_tiny(session, "SF", RESETTLED)
    difference = movements(session, later.id)
    after = balances(session)

    assert money_of_ledger(session) == money_of_results(session, later.id)
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert set(difference) == changed
    energy = {account for _, account in difference if ":WH:" in account}
    assert energy == {"tiny:WH:cedar:demand:B-home", "tiny:WH:-:imbalance:market"}
    assert not any(":payment.fuel:" in account for _, account in difference)
    assert movements(session, first.id) == before


def test_where_nothing_changed_the_journals_are_empty(session, metered):
    settle_tiny(session)
    before = balances(session)
    later = settle_tiny(session, "SF", RESETTLED)
    journals = session.execute(
        text("SELECT posting_count, reason FROM ledger.journal WHERE run_id = :run"),
        {"run": later.id},
    ).all()
    assert [count for count, _ in journals] == [0, 0, 0]
    assert all("no difference" in reason for _, reason in journals)
    assert balances(session) == before


def test_a_third_kind_is_held_to_both_before_it(session, metered):
    settle_tiny(session)
    correct_tiny(session)
    settle_tiny(session, "SF", RESETTLED)
    ingest_tiny(session, seed=3, only=["U2"], received_at=RESETTLED + dt.timedelta(minutes=1))
    final = settle_tiny(session, "R1", RESETTLED + dt.timedelta(hours=1))
    assert money_of_ledger(session) == money_of_results(session, final.id)


def test_a_supply_point_that_moved_is_credited_to_the_old_and_charged_to_the_new(session, metered):
    settle_tiny(session)
    before = balances(session)
    move_c_home(session)
    later = settle_tiny(session, "SF", RESETTLED)
    moved = {
        (day, account): amount
        for (day, account), amount in before.items()
        if account.startswith(("tiny:GBP:cedar:charge", "tiny:WH:cedar:demand"))
        and account.endswith(":C-home")
        and day >= MOVED_FROM
    }
    assert len(moved) == 2 * (4 + 1)  # four components and the energy, on two days
    expected = {}
    for (day, account), amount in moved.items():
        expected[day, account] = -amount
        expected[day, account.replace(":cedar:", ":doric:")] = amount
    assert movements(session, later.id) == expected
    assert len({pin.first_day for pin in later.pins}) == 2
    after = balances(session)
    assert not any(key in after for key in moved)


def test_posting_a_run_twice_posts_nothing_more(session, metered):
    run = settle_tiny(session)
    before = counts(session)
    again = post(session, run, now=RESETTLED)
    assert [journal.is_repeat for journal in again] == [True, True, True]
    assert counts(session) == before


@pytest.mark.parametrize(("kind", "posted"), [("SF", "SF"), ("II", "SF")])
def test_a_posted_kind_or_one_before_it_is_not_settled_again(session, metered, kind, posted):
    settle_tiny(session, posted)
    correct_tiny(session)
    before = counts(session)
    with pytest.raises(Refused) as refused:
        settle_days(session, kind, now=RESETTLED)
    (finding,) = refused.value.findings
    assert finding.code == "day-already-posted"
    assert finding.place == f"tiny {FIRST_DAY} to {LAST_DAY}", "days alike are said once"
    assert finding.value == f"run kind {kind}, after {posted} was posted"
    assert "in the order II, SF, R1" in finding.limit
    assert "later kind" in finding.remedy
    assert counts(session) == before


def test_part_of_a_posted_period_is_refused_for_that_part(session, metered):
    run = settle_days(session, last_day=FIRST_DAY).run
    post(session, run, now=SETTLED)
    with pytest.raises(Refused) as refused:
        settle_days(session)
    assert [finding.place for finding in refused.value.findings] == [f"tiny {FIRST_DAY}"]


def test_another_run_of_a_posted_kind_cannot_be_posted(session, metered):
    early = settle_days(session).run
    correct_tiny(session)
    other = settle_days(session, now=RESETTLED).run
    post(session, early, now=RESETTLED)
    before = balances(session)
    with pytest.raises(Refused) as refused:
        post(session, other, now=RESETTLED)
    assert [rule_of(finding) for finding in refused.value.findings] == [
        LedgerRule.KEY_HAS_OTHER_INPUT
    ] * 3
    assert all(str(day) in str(refused.value) for day in DAYS)
    assert balances(session) == before


def test_an_unknown_run_kind_is_refused(session, metered):
    with pytest.raises(Refused) as refused:
        settle_days(session, "XX")
    (finding,) = refused.value.findings
    assert (finding.code, finding.value) == ("unknown-run-kind", "XX")
    assert finding.place == f"run kind on {FIRST_DAY}"
    assert "II, SF, R1" in finding.limit
    assert finding.remedy
    assert counts(session)["settlement.result"] == 0


def test_every_missing_reading_is_named(session):
    publish_tiny(session)
    ingest_tiny(session, last_day=DAYS[1])
    ingest_tiny(session, first_day=LAST_DAY, only=["U1"])
    with pytest.raises(Refused) as refused:
        settle_days(session)
    expected = {
        f"no {MEASURE_TITLES[measure]} of {name} known at {SETTLED.isoformat()}"
        for names, measures in (
            (("U2", "U3", "U4"), ("available_w", "metered_generation_wh")),
            (("B-home", "B-office", "C-home", "C-office"), ("metered_demand_wh",)),
        )
        for name in names
        for measure in measures
    }
    assert {finding.value for finding in refused.value.findings} == expected
    assert len(refused.value.findings) == len(expected)
    assert {finding.place for finding in refused.value.findings} == {f"tiny {LAST_DAY}"}
    assert all(finding.limit and finding.remedy for finding in refused.value.findings)
    assert counts(session) == dict.fromkeys(COUNTS, 0)


def test_a_reading_that_came_after_known_at_is_missing(session):
    publish_tiny(session)
    ingest_tiny(session)
    with pytest.raises(Refused) as refused:
        settle_days(session, known_at=INGESTED - dt.timedelta(seconds=1))
    assert len(refused.value.findings) == 3 * 12


@pytest.mark.parametrize(
    "options",
    [
        {"first_day": FIRST_DAY - dt.timedelta(days=1)},
        {"known_at": PUBLISHED - dt.timedelta(seconds=1)},
    ],
)
def test_days_without_law_are_refused(session, metered, options):
    with pytest.raises(Refused) as refused:
        settle_days(session, **options)
    assert {finding.code for finding in refused.value.findings} == {"validity-gap"}
    assert all(
        finding.place and finding.limit and finding.remedy for finding in refused.value.findings
    )
    assert counts(session) == dict.fromkeys(COUNTS, 0)


def test_a_run_cannot_know_the_future(session, metered):
    with pytest.raises(Refused) as refused:
        settle_days(session, known_at=SETTLED + dt.timedelta(seconds=1))
    (finding,) = refused.value.findings
    assert finding.code == "known-at-in-future"
    assert finding.place and finding.value and finding.limit and finding.remedy
    assert counts(session)["settlement.run"] == 0


def test_an_unknown_market_is_refused(session):
    with pytest.raises(Refused) as refused:
        settle(session, "none", "II", FIRST_DAY, LAST_DAY, known_at=SETTLED, now=SETTLED)
    assert "none" in refused.value.findings[0].place


class Crash(Exception):
    """Stands for whatever stops a process half-way."""


@pytest.fixture
def metered_database(committed_database):
    with transaction(committed_database) as session:
        meter_tiny(session)
    return committed_database


def test_a_crash_while_settling_leaves_nothing(metered_database):
    def crash(done, _total):
        if done == 2:
            raise Crash

    with pytest.raises(Crash), transaction(metered_database) as session:
        settle_days(session, progress=crash)
    with transaction(metered_database) as session:
        assert counts(session) == dict.fromkeys(COUNTS, 0)
        assert settle_days(session).is_new


def test_a_crash_while_posting_leaves_no_journal(metered_database, monkeypatch):
    with transaction(metered_database) as session:
        run = settle_days(session).run
        before = counts(session)
    read = store.day_digest_and_vectors
    days_read = []

    def crash_on_the_last_day(session, run_id, day, endings):
        days_read.append(day)
        if day == LAST_DAY:
            raise Crash
        return read(session, run_id, day, endings)

    with monkeypatch.context() as patch:
        patch.setattr(store, "day_digest_and_vectors", crash_on_the_last_day)
        with pytest.raises(Crash), transaction(metered_database) as session:
            post(session, run, now=SETTLED)
    assert days_read == DAYS
    with transaction(metered_database) as session:
        assert counts(session) == before


def test_a_crash_after_posting_and_before_commit_leaves_no_journal(metered_database):
    with transaction(metered_database) as session:
        run = settle_days(session).run
        before = counts(session)
    with pytest.raises(Crash), transaction(metered_database) as session:
        assert len(post(session, run, now=SETTLED)) == 3
        raise Crash
    with transaction(metered_database) as session:
        assert counts(session) == before
        assert not any(journal.is_repeat for journal in post(session, run, now=SETTLED))


def at_once(count, work) -> list:
    """Run `work(number)` in threads that start together; return outcomes or exceptions."""
    barrier = threading.Barrier(count)
    outcomes = [None] * count

    def run(number):
        barrier.wait()
        try:
            outcomes[number] = work(number)
        except Exception as error:
            outcomes[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcomes


def test_posters_of_one_run_at_once_post_it_once(metered_database):
    with transaction(metered_database) as session:
        run = settle_days(session).run

    def poster(number):
        with transaction(metered_database) as session:
            return post(session, run, now=SETTLED + dt.timedelta(seconds=number))

    outcomes = at_once(4, poster)
    repeats = sorted(tuple(journal.is_repeat for journal in posted) for posted in outcomes)
    assert repeats == [(False,) * 3] + [(True,) * 3] * 3
    assert len({tuple(journal.digest for journal in posted) for posted in outcomes}) == 1
    with transaction(metered_database) as session:
        assert counts(session)["ledger.journal"] == 3
        assert money_of_ledger(session) == money_of_results(session, run.id)


def test_posters_of_different_runs_of_one_kind_at_once_post_one_of_them(metered_database):
    with transaction(metered_database) as session:
        early = settle_days(session).run
        correct_tiny(session)
        other = settle_days(session, now=RESETTLED).run

    def poster(number):
        with transaction(metered_database) as session:
            return post(session, (early, other)[number], now=RESETTLED)

    outcomes = at_once(2, poster)
    assert sum(isinstance(outcome, Refused) for outcome in outcomes) == 1
    winner = (early, other)[isinstance(outcomes[0], Refused)]
    with transaction(metered_database) as session:
        assert counts(session)["ledger.journal"] == 3
        assert money_of_ledger(session) == money_of_results(session, winner.id)


def test_posters_of_two_kinds_at_once_wait_for_each_other(metered_database, monkeypatch):
    with transaction(metered_database) as session:
        first = settle_days(session, "II").run
        correct_tiny(session)
        later = settle_days(session, "SF", now=RESETTLED).run
    read = ledger.queries.balances

    def read_slowly(*arguments):
        found = read(*arguments)
        time.sleep(0.3)
        return found

    def poster(number):
        time.sleep(0.1 * number)
        with transaction(metered_database) as session:
            return post(session, (first, later)[number], now=RESETTLED)

    with monkeypatch.context() as patch:
        patch.setattr(ledger.queries, "balances", read_slowly)
        outcomes = at_once(2, poster)
    assert all(isinstance(outcome, list) for outcome in outcomes)
    with transaction(metered_database) as session:
        assert money_of_ledger(session) == money_of_results(session, later.id)


def test_an_earlier_kind_is_not_posted_after_a_later_one(session, metered):
    first = settle_days(session, "II").run
    correct_tiny(session)
    later = settle_days(session, "SF", now=RESETTLED).run
    post(session, later, now=RESETTLED)
    with pytest.raises(Refused) as refused:
        post(session, first, now=RESETTLED)
    places = [finding.place for finding in refused.value.findings]
    assert places == [f"tiny {FIRST_DAY} to {LAST_DAY}"]
    assert money_of_ledger(session) == money_of_results(session, later.id)


def test_settlers_at_once_never_post_twice(metered_database):
    def settler(_number):
        with transaction(metered_database) as session:
            run = settle_days(session).run
        with transaction(metered_database) as session:
            return post(session, run, now=SETTLED)

    outcomes = at_once(3, settler)
    assert any(isinstance(outcome, list) for outcome in outcomes)
    refused = [outcome for outcome in outcomes if not isinstance(outcome, list)]
    assert all(isinstance(outcome, Refused) for outcome in refused)
    with transaction(metered_database) as session:
        found = counts(session)
        assert found["ledger.journal"] == 3
        posted = session.scalar(text("SELECT count(DISTINCT run_id) FROM ledger.journal"))
        assert posted == 1


def test_settlers_at_once_settle_equal_inputs_once(metered_database):
    def settler(_number):
        with transaction(metered_database) as session:
            return settle_days(session).run.id

    outcomes = at_once(3, settler)
    assert all(isinstance(outcome, uuid.UUID) for outcome in outcomes)
    assert len(set(outcomes)) == 1
