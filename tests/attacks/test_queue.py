"""Whoever has the password of a role tries what the queue of jobs lets them: to stop it for good.

And what they let the worker be believed to have said: that a replay gave the same bytes, or why a
number is what it is. They sign in as somebody who asked, and hold the web process's connection.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.types.json import Jsonb

from database.acting import TOKEN_SETTING
from database.embedded import ROOT
from database.request_security import ASKED, QUEUE
from database.roles.granting import plain_url
from database.roles.names import GRANTED, Role
from database.session import make_engine, transaction
from ledger.people.roles import Role as Held
from portal.jobs import LANES
from portal.tasks import app
from tests.worlds import people
from tests.worlds.roles import url_as, urls_of_roles

CHANNEL = "procrastinate_any_queue_v1"
OF_DJANGO = "SET search_path TO portal"
PATIENCE_SECONDS = 30.0
ASKER, OTHER = "the-asker", "another"
USER = """
INSERT INTO portal.auth_user (username, password, is_superuser, is_staff, is_active, first_name,
    last_name, email, date_joined)
VALUES (%s, '', false, false, true, '', '', '', now()) RETURNING id
"""
REQUESTS: Mapping[str, Mapping[str, Any]] = {
    "portal.portal_act": {
        "kind": "grant", "subject": "x", "arguments": Jsonb({}), "asked_at": "now",
        "state": "asked", "outcome": Jsonb({}),
    },
    "portal.portal_export": {
        "kind": "own", "subject": Jsonb({"market": "tiny", "participant": "cedar"}),
        "asked_at": "now", "state": "running", "file_name": "", "media_type": "",
        "size_bytes": 0, "error": "", "found": Jsonb([]),
    },
    "portal.portal_explanationrequest": {
        "rights": Jsonb({}), "document": "x", "line": 1, "asked_at": "now", "state": "running",
        "content": "",
    },
    "portal.portal_askedtrial": {
        "market": "tiny", "first_day": "2024-03-01", "last_day": "2024-03-02",
        "drafts": Jsonb([]), "threshold_ppm": 10_000, "mode": "as-metered", "asked_at": "now",
        "state": "running", "wish": "", "found": Jsonb([]), "error": "",
    },
    "portal.portal_askedreport": {
        "market": "tiny", "first_day": "2024-03-01", "last_day": "2024-03-31", "asked_at": "now",
        "state": "running", "found": Jsonb([]), "error": "",
    },
    "portal.portal_replayrequest": {
        "run_id": "00000000-0000-4000-8000-000000000001", "requested_at": "now",
        "state": "running", "first_difference": "", "error": "",
    },
}  # fmt: skip
"""A row of each, as it is asked for."""
TASKS = {
    "portal.portal_act": "act",
    "portal.portal_export": "export",
    "portal.portal_explanationrequest": "explain",
    "portal.portal_askedtrial": "trial",
    "portal.portal_askedreport": "report",
    "portal.portal_replayrequest": "replay",
}


@pytest.fixture(scope="module")
def database(clone_portal_database) -> str:
    """A database in which an auditor and another signed in."""
    url = clone_portal_database()
    engine = make_engine(url)
    with transaction(engine) as session:
        for account in (ASKER, OTHER):
            people.add(session, account, Held.AUDITOR)
    engine.dispose()
    return url


@pytest.fixture(scope="module")
def insider(database) -> Iterator[psycopg.Connection]:
    """A superuser, who looks and arranges."""
    with psycopg.connect(plain_url(database), autocommit=True) as connection:
        connection.execute(OF_DJANGO)
        yield connection


@pytest.fixture(scope="module")
def users(insider) -> dict[str, int]:
    return {name: insider.execute(USER, [name]).fetchone()[0] for name in (ASKER, OTHER)}


@pytest.fixture(scope="module")
def connections(database) -> Iterator[dict[Role, psycopg.Connection]]:
    made = {
        role: psycopg.connect(plain_url(url_as(database, role)), autocommit=True)
        for role in GRANTED
    }
    for connection in made.values():
        connection.execute(OF_DJANGO)
    yield made
    for connection in made.values():
        connection.close()


@pytest.fixture
def django(connections, insider, users) -> Iterator[psycopg.Connection]:
    """The connection of Django, acting as the asker; the queue and the requests are empty."""
    connection = connections[Role.PORTAL_AUTH]
    act_as(connection, ASKER)
    yield connection
    for table in ("portal.procrastinate_events", QUEUE, *REQUESTS):
        insider.execute(f"DELETE FROM {table}")


def act_as(connection: psycopg.Connection, account: str) -> None:
    token = people.token_of(account)
    connection.execute("SELECT set_config(%s, %s, false)", [TOKEN_SETTING, token])


def add(connection: psycopg.Connection, table: str, values: Mapping[str, Any]) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, values))
    held = sql.SQL(", ").join([sql.Placeholder()] * len(values))
    place = sql.Identifier(*table.split("."))
    connection.execute(
        sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(place, names, held), list(values.values())
    )


def ask(connection: psycopg.Connection, table: str, user: int, **changes: Any) -> int:
    whose = "requested_by_id" if table.endswith("replayrequest") else "user_id"
    add(connection, table, {whose: user, **REQUESTS[table], **changes})
    return connection.execute(f"SELECT max(id) FROM {table}").fetchone()[0]


def job_of(table: str, number: int) -> dict[str, Any]:
    """Return the job that does what a row asks for, as the product queues it."""
    task = TASKS[table]
    lock = f"{task}-{number % LANES[task]}" if task in LANES else None
    return {
        "queue_name": "default",
        "task_name": task,
        "priority": app.tasks[task].priority,
        "lock": lock,
        "args": Jsonb({"number": number}),
    }


# What stops the worker.


@pytest.fixture(scope="module")
def worker(database, connections, users) -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "worker"],
        env={**os.environ, **urls_of_roles(database)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield started
    started.terminate()
    started.wait(PATIENCE_SECONDS)


@pytest.fixture
def does_jobs(worker, insider) -> Callable[[], bool]:
    """Return what asks whether the worker is there, and does what it is asked for."""

    def ask_it() -> bool:
        job = {"queue_name": "default", "task_name": "expire", "args": Jsonb({"timestamp": 0})}
        add(insider, QUEUE, job)
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until and worker.poll() is None:
            left = f"SELECT count(*) FROM {QUEUE} WHERE status IN ('todo', 'doing')"
            if not insider.execute(left).fetchone()[0]:
                return True
            time.sleep(0.1)
        return False

    return ask_it


NOTICES = [
    "", "{", "[]", "0", '"x"', "{}", '{"type": "job_inserted"}', '{"type": "abort_job_requested"}',
    '{"type": "abort_job_requested", "job_id": []}',
    '{"type": "abort_job_requested", "job_id": {}}',
    '{"type": "abort_job_requested", "job_id": 1}',
    "[" * 7_000,
]  # fmt: skip


@pytest.mark.parametrize("role", GRANTED)
def test_what_any_role_says_on_the_channel_of_the_queue_stops_no_worker(
    role, connections, does_jobs
):
    assert does_jobs()  # so it listens
    for words in NOTICES:
        connections[role].execute("SELECT pg_notify(%s, %s)", [CHANNEL, words])
    assert does_jobs()


# What is queued.


@pytest.mark.parametrize("table", REQUESTS)
def test_a_job_of_what_whoever_acts_asked_for_is_queued_once(table, django, users):
    for _ in range(3):  # of each lane
        number = ask(django, table, users[ASKER], **other_subject(table))
        refused = pytest.raises(errors.InsufficientPrivilege, match="row-level security")
        with django.transaction():  # or a worker may have done the first by the second
            add(django, QUEUE, job_of(table, number))
            with refused, django.transaction():
                add(django, QUEUE, job_of(table, number))


_others = iter(range(1, 1_000))


def other_subject(table: str) -> dict[str, Any]:
    """Return what lets one account ask for several of a kind at once."""
    number = next(_others)
    if table.endswith("replayrequest"):
        return {"run_id": f"00000000-0000-4000-8000-{number:012}"}
    if table.endswith("export"):
        return {"subject": Jsonb({"market": "tiny", "participant": f"cedar-{number}"})}
    return {}


@pytest.mark.parametrize("table", REQUESTS)
def test_nobody_queues_what_another_asked_for_or_nobody_did(table, django, insider, users):
    of_another = ask(insider, table, users[OTHER], **other_subject(table))
    # Who may look at replays sees those of others, and may wait for them.
    numbers = [of_another + 1] if table.endswith("replayrequest") else [of_another, of_another + 1]
    for number in numbers:
        with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
            add(django, QUEUE, job_of(table, number))


HOSTILE: Mapping[str, Mapping[str, Any]] = {
    "no such task": {"task_name": "no-such-task"},
    "the task of a clock": {"task_name": "sign", "args": Jsonb({"timestamp": 0}), "lock": None},
    "a task of the queue's own": {"task_name": "builtin:procrastinate.builtin.remove_old_jobs"},
    "no arguments": {"args": Jsonb({})},
    "a list of arguments": {"args": Jsonb([1])},
    "a text of arguments": {"args": Jsonb("x")},
    "a number in words": {"args": Jsonb({"number": "1"})},
    "a huge number": {"args": json.dumps({"number": 10**300})},
    "more arguments": {"args": Jsonb({"number": 1, "more": 1})},
    "gigantic arguments": {"args": Jsonb({"number": 1, "x": "x" * 20_000_000})},
    "before all time": {"scheduled_at": "-infinity"},
    "before any year": {"scheduled_at": "4713-01-01 BC"},
    "never": {"scheduled_at": "infinity"},
    "in the year 9999": {"scheduled_at": "9999-12-31"},
    "before all others": {"priority": 2**31 - 1},
    "no lock": {"lock": None},
    "another's lock": {"lock": "export-0"},
    "a queue of nobody": {"queue_name": "nobody"},
    "a channel too long": {"queue_name": "x" * 128},
    "a queueing lock": {"queueing_lock": "x"},
    "under way": {"status": "doing"},
    "of a worker": {"worker_id": 1},
    "to be aborted": {"abort_requested": True},
    "tried before": {"attempts": 2**31 - 1},
    "a number of its own": {"id": 2**62},
}
REFUSALS = (errors.InsufficientPrivilege, errors.NumericValueOutOfRange)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_job_of_another_form_is_queued(name, django, users):
    table = "portal.portal_replayrequest"
    number = ask(django, table, users[ASKER])
    with pytest.raises(REFUSALS):
        add(django, QUEUE, {**job_of(table, number), **HOSTILE[name]})


SECONDS_AGO = {"alive": 1, "gone": 3_600}


@pytest.mark.parametrize(("status", "seen", "ends"), [
    ("todo", None, False), ("doing", "alive", False), ("doing", "gone", True),
    ("doing", None, True), ("failed", "gone", False),
])  # fmt: skip
def test_no_job_is_ended_but_one_whose_worker_is_gone(status, seen, ends, django, insider):
    add(insider, QUEUE, {**job_of("portal.portal_act", 1), "status": status})
    if seen:
        insider.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) "
            "VALUES (now() - make_interval(secs => %s))",
            [SECONDS_AGO[seen]],
        )
        insider.execute(
            f"UPDATE {QUEUE} SET worker_id = (SELECT max(id) FROM procrastinate_workers)"
        )
    end = f"UPDATE {QUEUE} SET status = %s WHERE true"
    for other in ("todo", "succeeded", "cancelled", "aborted", "doing"):
        if ends:
            with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
                django.execute(end, [other])
        else:
            assert django.execute(end, [other]).rowcount == 0
    assert django.execute(end, ["failed"]).rowcount == (1 if ends else 0)


@pytest.mark.parametrize("column", ["lock", "priority", "args", "scheduled_at", "worker_id"])
def test_no_job_is_changed(column, django):
    with pytest.raises(errors.InsufficientPrivilege):
        django.execute(f"UPDATE {QUEUE} SET {column} = NULL")


# What came of it.

SAME = {"stored_digest": b"x" * 32, "recomputed_digest": b"x" * 32, "seconds": 1.5}
ANSWERS: Mapping[str, list[Mapping[str, Any]]] = {
    "portal.portal_act": [{"state": "done"}, {"outcome": Jsonb({"told": "Paid.", "notes": []})}],
    "portal.portal_export": [
        {"state": "ready"},
        {"file_name": "evidence.zip"},
        {"size_bytes": 1},
        {"found": Jsonb([{"code": "x"}])},
    ],
    "portal.portal_explanationrequest": [{"state": "ready"}, {"content": "{}"}],
    "portal.portal_askedtrial": [
        {"state": "done"},
        {"trial_id": "00000000-0000-4000-8000-000000000001"},
        {"found": Jsonb([{"code": "x"}])},
        {"done": 1},
    ],
    "portal.portal_askedreport": [
        {"state": "done"},
        {"found": Jsonb([{"code": "x"}])},
        {"done": 1},
    ],
    "portal.portal_replayrequest": [
        {"state": "same", **SAME},
        {"state": "different", "first_difference": "settlement.result x"},
        SAME,
    ],
}


def test_every_table_of_requests_is_tried():
    assert REQUESTS.keys() == ASKED.keys() == TASKS.keys() == ANSWERS.keys()


CASES = [(table, at) for table, answers in ANSWERS.items() for at in range(len(answers))]


@pytest.mark.parametrize(("table", "at"), CASES)
def test_what_the_worker_says_the_web_process_cannot_say(table, at, django, users):
    answer = ANSWERS[table][at]
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        ask(django, table, users[ASKER], **answer)
    ask(django, table, users[ASKER])
    assign = ", ".join(f"{column} = %s" for column in answer)
    with pytest.raises(errors.InsufficientPrivilege):
        django.execute(f"UPDATE {table} SET {assign}", list(answer.values()))


def test_a_replay_is_asked_for_in_nobody_elses_name(django, users):
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        ask(django, "portal.portal_replayrequest", users[OTHER])


@pytest.mark.parametrize("table", list(REQUESTS)[1:])
def test_an_answer_is_not_taken_back(table, django, insider, users):
    """A replay that differed would be said to have failed, and be asked for until it does not."""
    ask(django, table, users[ASKER])
    assert django.execute(f"UPDATE {table} SET state = 'failed'").rowcount == 1
    insider.execute(f"UPDATE {table} SET state = 'ready'")
    assert django.execute(f"UPDATE {table} SET state = 'failed'").rowcount == 0
