"""Whoever asks the database as the web process does sees the rows of who is signed in alone.

Each table with a policy, each visitor: what its connection counts is what the visitor may see. To
say that one is somebody else shows nothing, for nobody's token is known.
"""

import re
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import text

from database.acting import TOKEN_SETTING
from database.request_security import QUEUE
from database.roles.granting import plain_url
from database.roles.names import Role
from database.roles.privileges import TABLES
from database.row_security import ADDED, APPENDED_BY_ALL, OPEN, OWN_POLICIES, POLICIES
from database.session import make_engine, transaction
from ledger.people.roles import Role as Held
from tests.worlds import people
from tests.worlds.roles import url_as

OWNERS = {"cedar": "desk-of-cedar", "doric": "desk-of-doric"}
VISITORS = ["bea", "audrey", "rufus", *OWNERS.values(), "left", "eve", None]

OWNED = {
    "ledger.account": "participant",
    "ledger.invoice": "participant",
    "ledger.dispute": "participant",
    "people.answer": "participant",
    "market.booking": "participant",
}
"""Tables whose rows name their participant."""
DOCUMENT = "series || '-' || lpad(number::text, 6, '0')"
NOTHING = "SELECT 0 WHERE %s <> ''"
REVIEWED = "SELECT change FROM rulebook.change_event WHERE kind = 'ask-review'"
OF_PARTICIPANT = {
    **{
        table: f"SELECT count(*) FROM {table} WHERE {column} = %s"
        for table, column in OWNED.items()
    },
    "rulebook.version": (
        "SELECT count(*) FROM rulebook.version WHERE kind <> 'registration' "
        "OR body ->> 'participant' = %s"
    ),
    "ledger.posting": (
        "SELECT count(*) FROM ledger.posting JOIN ledger.account ON code = account "
        "WHERE participant = %s"
    ),
    "ledger.invoice_line": (
        "SELECT count(*) FROM ledger.invoice_line JOIN ledger.invoice ON id = invoice_id "
        "WHERE participant = %s"
    ),
    "ledger.dispute_event": (
        "SELECT count(*) FROM ledger.dispute_event AS event JOIN ledger.dispute "
        "ON dispute.market = event.market AND dispute.number = event.dispute_number "
        "WHERE participant = %s"
    ),
    "ledger.attachment": (
        "SELECT count(DISTINCT attachment_sha256) FROM ledger.dispute_event AS event "
        "JOIN ledger.dispute ON dispute.market = event.market "
        "AND dispute.number = event.dispute_number WHERE participant = %s"
    ),
    "ledger.allocation": (
        "SELECT count(*) FROM ledger.allocation WHERE documents && ARRAY("
        f"SELECT {DOCUMENT} FROM ledger.invoice WHERE participant = %s)"
    ),
    "ledger.bank_transaction": (
        "SELECT count(DISTINCT (market, statement_number, line)) FROM ledger.allocation "
        f"WHERE documents && ARRAY(SELECT {DOCUMENT} FROM ledger.invoice WHERE participant = %s)"
    ),
    "rulebook.change": (
        f"SELECT count(*) FROM rulebook.change WHERE number IN ({REVIEWED}) OR participant = %s"
    ),
    "rulebook.change_event": (
        f"SELECT count(*) FROM rulebook.change_event WHERE change IN ({REVIEWED}) "
        "OR change IN (SELECT number FROM rulebook.change WHERE participant = %s)"
    ),
    "rulebook.revision": (
        f"SELECT count(*) FROM rulebook.revision WHERE change IN ({REVIEWED}) "
        "OR change IN (SELECT number FROM rulebook.change WHERE participant = %s)"
    ),
    "ledger.bank_statement": NOTHING,
    "ledger.bank_file": NOTHING,
    **dict.fromkeys(
        (
            "settlement.reading_file", "settlement.reading", "settlement.result",
            "settlement.day_total", "settlement.study", "settlement.trial", "settlement.trial_made",
            "settlement.fairness_report", "settlement.transition_report", "ledger.trail_link",
            "settlement.online_day",
        ),
        NOTHING,
    ),
    "ledger.interest": (
        "SELECT count(*) FROM ledger.interest WHERE document IN ("
        f"SELECT {DOCUMENT} FROM ledger.invoice WHERE participant = %s)"
    ),
}  # fmt: skip
"""What a participant sees of each table, as a question of who sees all."""

OF_ACCOUNT = {
    "people.person": (
        "SELECT count(*) FROM people.person WHERE number = "
        "(SELECT person FROM people.account WHERE id = %s)"
    ),
    "people.account": "SELECT count(*) FROM people.account WHERE id = %s",
    "people.proposal": "SELECT count(*) FROM people.proposal WHERE proposed_by = %s",
    "people.approval": (
        "SELECT count(*) FROM people.approval JOIN people.proposal ON number = proposal "
        "WHERE %s IN (proposed_by, approved_by)"
    ),
    "people.proposal_end": (
        "SELECT count(*) FROM people.proposal_end JOIN people.proposal ON number = proposal "
        "WHERE proposed_by = %s"
    ),
    "people.account_grant": "SELECT count(*) FROM people.account_grant WHERE account = %s",
    "people.withdrawal": (
        "SELECT count(*) FROM people.withdrawal JOIN people.account_grant AS held "
        "ON held.number = grant_number WHERE account = %s"
    ),
    "people.deed": "SELECT count(*) FROM people.deed WHERE account = %s",
}
"""What an account sees of people, by the right of being one of them."""

REGULATOR_ALL = {
    "ledger.account", "ledger.posting", "ledger.invoice", "ledger.dispute", "ledger.dispute_event",
    "ledger.attachment", "ledger.interest", "ledger.trail_link", "settlement.study",
    "settlement.trial", "settlement.trial_made", "settlement.fairness_report",
    "settlement.transition_report", "settlement.online_day",
    "rulebook.version", "rulebook.change",
    "rulebook.change_event",
    "rulebook.revision", "people.answer", *OF_ACCOUNT,
}  # fmt: skip
"""What the regulator oversees."""
REGULATOR_SOME = {
    "ledger.invoice_line": (
        "SELECT count(*) FROM ledger.invoice_line "
        "WHERE invoice_id IN (SELECT invoice_id FROM ledger.dispute)"
    ),
}


@pytest.fixture(scope="module")
def url(clone_filled_database) -> str:
    """A database with a row of every sort, of several participants."""
    made = clone_filled_database()
    engine = make_engine(made)
    with transaction(engine) as session:
        people.add(session, "gone", Held.PARTICIPANT, "tiny", "cedar")
        people.withdraw_last(session)
    engine.dispose()
    return made


@pytest.fixture(scope="module")
def insider(url) -> Iterator[psycopg.Connection]:
    """Who sees all."""
    with psycopg.connect(plain_url(url), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def connected(url) -> Iterator[psycopg.Connection]:
    with psycopg.connect(plain_url(url_as(url, Role.PORTAL)), autocommit=True) as connection:
        yield connection


@pytest.fixture
def reader(connected) -> psycopg.Connection:
    """The connection by which pages read facts, one page after another; it acts as nobody yet."""
    connected.execute("RESET ALL")
    act_as(connected, None)
    return connected


def act_as(reader: psycopg.Connection, account: str | None) -> None:
    token = people.token_of(account) if account else ""
    reader.execute(f"SELECT set_config('{TOKEN_SETTING}', %s, false)", [token])


def count(connection: psycopg.Connection, question: str, *values: object) -> int:
    return connection.execute(question, values or None).fetchone()[0]


def test_every_table_with_a_policy_is_in_the_matrix():
    assert OF_PARTICIPANT.keys() | OF_ACCOUNT.keys() == POLICIES.keys()


@pytest.mark.parametrize("role", [Role.PORTAL, Role.PORTAL_AUTH])
def test_what_the_web_process_reads_has_a_policy_or_a_reason(insider, role):
    secured = {*POLICIES, *OWN_POLICIES, *APPENDED_BY_ALL, *ADDED, QUEUE}
    read = {table for table, may in TABLES.items() if "SELECT" in may.get(role, "")}
    assert read - secured - OPEN.keys() == set()
    rows = insider.execute(
        "SELECT nspname || '.' || relname FROM pg_class "
        "JOIN pg_namespace AS space ON space.oid = relnamespace WHERE relrowsecurity"
    )
    assert {table for (table,) in rows} == secured
    assert not secured & OPEN.keys()


def test_every_policy_hides_something(insider):
    """Else the matrix below would show nothing."""
    for table in OF_PARTICIPANT.keys() - {"ledger.attachment"}:  # one file, which both attached
        everything = count(insider, f"SELECT count(*) FROM {table}")
        seen = [count(insider, OF_PARTICIPANT[table], name) for name in OWNERS]
        assert everything > min(seen), table
    for table, question in OF_ACCOUNT.items():
        assert count(insider, f"SELECT count(*) FROM {table}") > count(insider, question, "eve")


@pytest.mark.parametrize("visitor", VISITORS)
@pytest.mark.parametrize("table", POLICIES)
def test_a_visitor_sees_its_own_rows_and_no_other(insider, reader, table, visitor):
    act_as(reader, visitor)
    found = count(reader, f"SELECT count(*) FROM {table}")
    everything = f"SELECT count(*) FROM {table}"
    participant = next((name for name, desk in OWNERS.items() if desk == visitor), None)
    if visitor in ("bea", "audrey") or (visitor == "rufus" and table in REGULATOR_ALL):
        assert found == count(insider, everything)
    elif visitor == "rufus":
        some = REGULATOR_SOME.get(table)
        assert found == (count(insider, some) if some else 0)
    elif table in OF_ACCOUNT:
        assert found == count(insider, OF_ACCOUNT[table], visitor or "")
    elif participant:
        assert found == count(insider, OF_PARTICIPANT[table], participant)
    else:
        assert found == count(insider, OF_PARTICIPANT[table], "nobody's")


@pytest.mark.parametrize(
    "claim",
    [
        "SET tallystick.token = 'bea'",
        "SET tallystick.token = 'desk-of-cedar'",
        "SELECT set_config('tallystick.account', 'bea', false)",
        "SET row_security = off",
    ],
)
def test_to_say_that_one_is_another_shows_nothing(reader, claim):
    act_as(reader, "desk-of-doric")
    seen = count(reader, "SELECT count(*) FROM ledger.invoice WHERE participant <> 'doric'")
    reader.execute(claim)
    try:
        found = count(reader, "SELECT count(*) FROM ledger.invoice WHERE participant <> 'doric'")
    except errors.InsufficientPrivilege:
        found = 0  # row security that is off for whoever is held to it is an error
    assert (seen, found) == (0, 0)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM people.token",
        "INSERT INTO people.token VALUES (sha256('mine'), 'bea', now(), now() + interval '1 hour')",
        "UPDATE people.token SET account = 'bea'",
        "SET ROLE postgres",
        "ALTER TABLE ledger.invoice DISABLE ROW LEVEL SECURITY",
        "DROP POLICY reads ON ledger.invoice",
        "CREATE POLICY more ON ledger.invoice USING (true)",
    ],
)
def test_the_connection_that_reads_facts_makes_no_token_and_changes_no_policy(reader, statement):
    act_as(reader, "desk-of-doric")
    with pytest.raises(errors.InsufficientPrivilege):
        reader.execute(statement)


def test_an_expired_token_shows_nothing(url, insider, reader):
    act_as(reader, "desk-of-cedar")
    assert count(reader, "SELECT count(*) FROM ledger.invoice")
    insider.execute(
        "UPDATE people.token SET expires_at = now() - interval '1 s' WHERE account = %s",
        ["desk-of-cedar"],
    )
    try:
        assert count(reader, "SELECT count(*) FROM ledger.invoice") == 0
    finally:
        insider.execute("UPDATE people.token SET expires_at = now() + interval '1 day'")


def test_a_right_that_was_taken_away_shows_nothing(insider, reader):
    act_as(reader, "gone")
    assert count(insider, "SELECT count(*) FROM people.token WHERE account = 'gone'")
    for table, question in OF_PARTICIPANT.items():
        found = count(reader, f"SELECT count(*) FROM {table}")
        assert found == count(insider, question, "nobody's"), table


def test_what_is_told_of_the_disputes_of_others_names_nobody(url):
    engine = make_engine(url_as(url, Role.PORTAL))
    with transaction(engine) as session:
        people.act_as(session, "desk-of-doric")
        rows = session.execute(text("SELECT * FROM ledger.bare_disputes()")).all()
    engine.dispose()
    assert rows
    for hidden in ("cedar", "tiny-invoice", "desk-of", "bea", "olga"):
        # As a word: digests hold any three letters by chance.
        assert not re.search(rf"\b{hidden}\b", str(rows)), hidden


TRIALS = "SELECT id::text FROM settlement.trial ORDER BY id"


@pytest.mark.parametrize("visitor", VISITORS)
def test_of_a_trial_everybody_is_told_sums_and_a_participant_its_own_rows(insider, reader, visitor):
    act_as(reader, visitor)
    own = {name for name, desk in OWNERS.items() if desk == visitor}
    told = []
    for (trial,) in insider.execute(TRIALS).fetchall():
        told.append(reader.execute("SELECT * FROM settlement.public_trial(%s)", [trial]).fetchall())
        rows = reader.execute("SELECT * FROM settlement.own_trial_rows(%s)", [trial]).fetchall()
        assert {participant for participant, _, _ in rows} == own
        for participant, total, cells in rows:
            assert {cell["participant"] for cell in (total, *cells)} == {participant}
            for side in ("law", "draft"):
                key = f"{side}_micro"
                assert sum(cell[key] for cell in cells) == total[key]
    assert told
    for hidden in ("cedar", "doric", "alder", "birch"):
        assert not re.search(rf"\b{hidden}\b", str(told)), hidden


REPORTS = "SELECT id::text FROM settlement.fairness_report ORDER BY id"


@pytest.mark.parametrize("visitor", VISITORS)
def test_of_fairness_everybody_is_told_ratios_and_a_participant_its_own(insider, reader, visitor):
    act_as(reader, visitor)
    own = {name for name, desk in OWNERS.items() if desk == visitor}
    told = []
    for (report,) in insider.execute(REPORTS).fetchall():
        told += reader.execute("SELECT * FROM settlement.public_fairness(%s)", [report]).fetchall()
        rows = reader.execute("SELECT * FROM settlement.own_fairness(%s)", [report]).fetchall()
        assert {participant for participant, _, _ in rows} == own
        for participant, *tables in rows:
            assert any(tables)
            assert {row["participant"] for table in tables for row in table} == {participant}
    assert told
    listed = reader.execute("SELECT * FROM settlement.fairness_reports('tiny')").fetchall()
    assert len(listed) == len(told)
    for hidden in ("cedar", "doric", "alder", "birch"):
        assert not re.search(rf"\b{hidden}\b", str(told)), hidden


TRANSITIONS = "SELECT id::text FROM settlement.transition_report ORDER BY id"


@pytest.mark.parametrize("visitor", VISITORS)
def test_of_transitions_everybody_is_told_sums_and_a_participant_its_own(insider, reader, visitor):
    act_as(reader, visitor)
    own = {name for name, desk in OWNERS.items() if desk == visitor}
    told = []
    for (report,) in insider.execute(TRANSITIONS).fetchall():
        told += reader.execute(
            "SELECT * FROM settlement.public_transition(%s)", [report]
        ).fetchall()
        rows = reader.execute("SELECT * FROM settlement.own_transition(%s)", [report]).fetchall()
        assert {participant for participant, _ in rows} == own
        for participant, parties in rows:
            assert {row["participant"] for row in parties} == {participant}
    assert told
    listed = reader.execute("SELECT * FROM settlement.transition_reports()").fetchall()
    assert len(listed) == len(told)
    for hidden in ("cedar", "doric", "alder", "birch"):
        assert not re.search(rf"\b{hidden}\b", str(told)), hidden


WATCHED_EVENT = """
INSERT INTO market.event (market, day, sequence, batch, key, kind, entity, at, numbers, words,
    outcome, submitted_at, submitted_by, digest)
VALUES ('watched', '2024-02-29', %s, 1, %s, 'demand', 'cedar-meter', '2024-02-29', '{7654321}',
    '{}', %s, '2024-02-29', 'feeder', sha256('any'))
"""


@pytest.fixture(scope="module")
def watched(insider) -> None:
    """A market with an event that was taken, one that came late, and one that waits."""
    insider.execute("SELECT market.make_days('event', ARRAY[date '2024-02-29'])")
    for sequence, outcome in ((1, "taken"), (2, "late")):
        insider.execute(WATCHED_EVENT, [sequence, f"key-{sequence}", outcome])
    insider.execute(
        "INSERT INTO market.submission (market, day, key, kind, entity, at, numbers, words, "
        "submitted_by) VALUES ('watched', '2024-02-29', 'waits', 'clock', '', '2024-02-29', '{}', "
        "'{}', 'feeder')"
    )


@pytest.mark.parametrize("visitor", VISITORS)
def test_what_became_of_events_is_told_to_who_runs_a_market_and_no_figure_of_it(
    watched, reader, visitor
):
    act_as(reader, visitor)
    of_days = "('watched', '2024-02-28', '2024-02-29')"
    state = reader.execute("SELECT * FROM market.watched('watched')").fetchall()
    outcomes = reader.execute(f"SELECT * FROM market.outcomes{of_days} ORDER BY 1").fetchall()
    apart = reader.execute(f"SELECT * FROM market.kept_apart{of_days}").fetchall()
    if visitor in ("bea", "audrey"):
        assert (state[0][0], state[0][-1]) == (1, False)
        assert outcomes == [("late", 1), ("taken", 1)]
        assert [row[:3] for row in apart] == [(2, "demand", "cedar-meter")]
        assert "7654321" not in str(apart)
    else:
        assert (state, outcomes, apart) == ([], [], [])
    for table in ("event", "submission", "opening"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(f"SELECT FROM market.{table}")


# What people ask for: Django's own tables, by its own connection.

REQUESTS = {
    "portal.portal_act": (
        "INSERT INTO portal.portal_act (user_id, kind, subject, arguments, asked_at, state, "
        "outcome) VALUES (%s, 'return', 'x', '{}', now(), 'asked', '{}')"
    ),
    "portal.portal_export": (
        "INSERT INTO portal.portal_export (user_id, kind, subject, asked_at, state, file_name, "
        "media_type, size_bytes, error, found) "
        "VALUES (%s, 'own', '{}', now(), 'ready', '', '', 0, '', '[]')"
    ),
    "portal.portal_explanationrequest": (
        "INSERT INTO portal.portal_explanationrequest (user_id, rights, document, line, asked_at, "
        "state, content) VALUES (%s, '{}', 'x', 1, now(), 'running', '')"
    ),
    "portal.portal_askedtrial": (
        "INSERT INTO portal.portal_askedtrial (user_id, market, first_day, last_day, drafts, "
        "threshold_ppm, mode, asked_at, state, wish, found, error) VALUES (%s, 'tiny', "
        "'2024-03-01', '2024-03-02', '[]', 10000, 'as-metered', now(), 'running', '', '[]', '')"
    ),
    "portal.portal_askedreport": (
        "INSERT INTO portal.portal_askedreport (user_id, market, first_day, last_day, asked_at, "
        "state, found, error) VALUES (%s, 'tiny', '2024-03-01', '2024-03-31', now(), 'running', "
        "'[]', '')"
    ),
    "portal.portal_noticeread": (
        "INSERT INTO portal.portal_noticeread (user_id, key) VALUES (%s, 'x')"
    ),
    "portal.portal_use": (
        "INSERT INTO portal.portal_use (user_id, kind, at) VALUES (%s, 'export', now())"
    ),
    "portal.portal_workingcopy": (
        "INSERT INTO portal.portal_workingcopy (user_id, market, law_day, drawn_from, wanted_from, "
        "base, bodies, version, begun_at, changed_at) VALUES (%s, 'tiny', '2024-01-01', now(), "
        "'2024-01-01', '{}', '{}', 1, now(), now())"
    ),
}
PART = (
    "INSERT INTO portal.portal_exportpart (export_id, number, content) "
    "SELECT id, 0, 'secret' FROM portal.portal_export WHERE user_id = %s"
)
REPLAY = (
    "INSERT INTO portal.portal_replayrequest (run_id, requested_by_id, requested_at, state, "
    "first_difference, error) VALUES (gen_random_uuid(), %s, now(), 'same', '', '')"
)


@pytest.fixture(scope="module")
def users(insider) -> dict[str, int]:
    """Two participants' people and an auditor, each with a row of every sort."""
    made = {}
    for name in (*OWNERS.values(), "audrey"):
        (made[name],) = insider.execute(
            "INSERT INTO portal.auth_user (username, password, is_superuser, is_staff, is_active, "
            "first_name, last_name, email, date_joined) "
            "VALUES (%s, '', false, false, true, '', '', '', now()) RETURNING id",
            [name],
        ).fetchone()
        for statement in (*REQUESTS.values(), PART, REPLAY):
            insider.execute(statement, [made[name]])
    return made


@pytest.fixture
def asker(url) -> Iterator[psycopg.Connection]:
    """The connection of Django; it acts as nobody yet."""
    with psycopg.connect(plain_url(url_as(url, Role.PORTAL_AUTH)), autocommit=True) as connection:
        act_as(connection, None)
        yield connection


def test_every_table_of_requests_is_tried():
    tried = {*REQUESTS, "portal.portal_exportpart", "portal.portal_replayrequest"}
    assert tried == OWN_POLICIES.keys()


@pytest.mark.parametrize("visitor", [*OWNERS.values(), "audrey", "eve", None])
def test_what_people_ask_for_is_seen_by_who_asked_alone(asker, insider, users, visitor):
    act_as(asker, visitor)
    own = 1 if visitor in users else 0
    for table in (*REQUESTS, "portal.portal_exportpart"):
        assert count(asker, f"SELECT count(*) FROM {table}") == own, table
    replays = "SELECT count(*) FROM portal.portal_replayrequest"
    assert count(asker, replays) == (count(insider, replays) if visitor == "audrey" else 0)


@pytest.mark.parametrize("table", REQUESTS)
def test_nobody_asks_in_anothers_name(asker, users, table):
    act_as(asker, "desk-of-doric")
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        asker.execute(REQUESTS[table], [users["desk-of-cedar"]])


def test_nobody_reads_anothers_entries_of_the_trail_but_an_auditor(asker, insider, users):
    append = (
        "INSERT INTO portal.portal_auditentry (at, account, action, subject, reason) "
        "VALUES (now(), %s, 'reading', 'tiny/cedar', '')"
    )
    for name in users:
        asker.execute(append, [name])  # a sign-in is told of before anybody acts
    question = "SELECT count(*) FROM portal.portal_auditentry"
    for visitor in (*OWNERS.values(), "eve", None):
        act_as(asker, visitor)
        assert count(asker, question) == count(
            insider, f"{question} WHERE account = %s", visitor or "nobody's"
        )
    act_as(asker, "audrey")
    assert count(asker, question) == count(insider, question)
